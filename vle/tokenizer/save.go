package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
)

// Save writes the tokenizer to a folder, which is made when it is not there:
// spm.model, tokenizer_config.json, special_tokens_map.json and
// added_tokens.json, as Hugging Face's slow tokenizer writes them, and
// tokenizer.json for its fast one.
func (t *Tokenizer) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("saving the tokenizer: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, modelFile), []byte(t.model.Data()), 0o666); err != nil {
		return fmt.Errorf("saving the tokenizer: %w", err)
	}
	if err := writeJSON(filepath.Join(dir, fastFile), t.fast()); err != nil {
		return err
	}
	config, special := t.config.files()
	if err := writeJSON(filepath.Join(dir, configFile), config); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(dir, specialMapFile), special); err != nil {
		return err
	}
	if len(t.added) == 0 {
		return nil
	}
	return writeJSON(filepath.Join(dir, addedFile), t.addedID)
}

// writeJSON writes content as Python's json.dumps(indent=2, sort_keys=True,
// ensure_ascii=False) does, and a new line.
func writeJSON(name string, content any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(content)
	if err == nil {
		err = os.WriteFile(name, buf.Bytes(), 0o666)
	}
	if err != nil {
		return fmt.Errorf("saving the tokenizer: %s: %w", name, err)
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
	for role, tok := range c.roles {
		config[role], special[role] = tok.text, tok.text
		if !tok.stripBefore || !tok.stripAfter {
			special[role] = map[string]any{
				"content": tok.text, "lstrip": tok.stripBefore, "rstrip": tok.stripAfter,
				"normalized": false, "single_word": false,
			}
		}
	}
	maps.Copy(config, asAny(c.raw))
	maps.Copy(special, asAny(c.rawSpecial))
	return config, special
}

func asAny(raw map[string]json.RawMessage) map[string]any {
	out := make(map[string]any, len(raw))
	for key, value := range raw {
		out[key] = value
	}
	return out
}
