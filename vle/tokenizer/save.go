package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Save writes the tokenizer to a folder, which is made when it is not there:
// spm.model, tokenizer_config.json, special_tokens_map.json and
// added_tokens.json, as Hugging Face's slow tokenizer writes them.
func (t *Tokenizer) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("saving the tokenizer: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, modelFile), []byte(t.model.Data()), 0o666); err != nil {
		return fmt.Errorf("saving the tokenizer: %w", err)
	}
	config, special := t.config.files()
	added := map[string]int{}
	for text, id := range t.addedID {
		added[text] = id
	}
	files := []struct {
		name    string
		content any
	}{{configFile, config}, {specialMapFile, special}, {addedFile, added}}
	for _, f := range files {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf) // sorts keys and ends with a new line
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(f.content); err != nil {
			return fmt.Errorf("saving %s: %w", f.name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.name), buf.Bytes(), 0o666); err != nil {
			return fmt.Errorf("saving the tokenizer: %w", err)
		}
	}
	return nil
}

// files is what tokenizer_config.json and special_tokens_map.json hold: what
// was read, and the settings in force where it says nothing.
func (c *config) files() (config, special map[string]any) {
	config = map[string]any{
		"do_lower_case":    c.lowerCase,
		"split_by_punct":   c.splitPunct,
		"sp_model_kwargs":  map[string]any{},
		"model_max_length": json.Number("1000000000000000019884624838656"),
		"tokenizer_class":  "DebertaV2Tokenizer",
	}
	special = map[string]any{}
	for role, text := range c.roles {
		config[role], special[role] = text, text
	}
	for key, raw := range c.raw {
		config[key] = raw
	}
	for key, raw := range c.rawSpecial {
		special[key] = raw
	}
	return config, special
}
