package tokenizer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The JSON files beside the model.
const (
	configFile     = "tokenizer_config.json"
	specialMapFile = "special_tokens_map.json"
	addedFile      = "added_tokens.json"
)

// specialRoles are the special tokens that a tokenizer has, in the order in
// which missing ones get their ids, and their usual texts.
var specialRoles = []struct{ role, text string }{
	{"bos_token", "[CLS]"},
	{"eos_token", "[SEP]"},
	{"unk_token", "[UNK]"},
	{"sep_token", "[SEP]"},
	{"pad_token", "[PAD]"},
	{"cls_token", "[CLS]"},
	{"mask_token", "[MASK]"},
}

const additionalRole = "additional_special_tokens"

// specialToken is a special token and how it treats white space around it in
// a text.
type specialToken struct {
	text        string
	stripBefore bool
	stripAfter  bool
}

// addedToken is a token outside the SentencePiece model.
type addedToken struct {
	text string
	id   int
}

// config is what the JSON files beside the model say.
type config struct {
	raw        map[string]json.RawMessage // tokenizer_config.json, for Save
	rawSpecial map[string]json.RawMessage // special_tokens_map.json, for Save

	roles      map[string]specialToken
	special    []specialToken // by role, then the additional ones
	added      []addedToken   // by id
	lowerCase  bool
	splitPunct bool
	padLeft    bool
	cutLeft    bool
	maxLength  int
}

// role is the text of a special token.
func (c *config) role(name string) string { return c.roles[name].text }

func newConfig() config {
	return config{roles: map[string]specialToken{}, maxLength: unlimited}
}

// read reads the files that are there.
func (c *config) read(fsys fs.FS, dir string) error {
	var added map[string]int
	for _, f := range []struct {
		name string
		into any
	}{{configFile, &c.raw}, {specialMapFile, &c.rawSpecial}, {addedFile, &added}} {
		if err := readJSON(fsys, path.Join(dir, f.name), f.into); err != nil {
			return fmt.Errorf("reading %s: %w", f.name, err)
		}
	}
	if err := c.readSettings(); err != nil {
		return fmt.Errorf("reading %s: %w", configFile, err)
	}
	if err := c.readSpecial(); err != nil {
		return err
	}
	for text, id := range added {
		c.added = append(c.added, addedToken{text, id})
	}
	for _, a := range c.added {
		if a.text == "" {
			return fmt.Errorf("reading %s: the added token of id %d is empty", addedFile, a.id)
		}
	}
	slices.SortFunc(c.added, func(a, b addedToken) int {
		return cmp.Or(cmp.Compare(a.id, b.id), strings.Compare(a.text, b.text))
	})
	c.added = slices.Compact(c.added)
	return nil
}

// readJSON decodes a file; one that is not there changes nothing.
func readJSON(fsys fs.FS, name string, into any) error {
	data, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// readSettings takes the settings from tokenizer_config.json. Since
// transformers 4.34 it also lists the added tokens.
func (c *config) readSettings() error {
	var side string
	for _, s := range []struct {
		key  string
		into any
	}{
		{"do_lower_case", &c.lowerCase},
		{"split_by_punct", &c.splitPunct},
	} {
		if err := c.setting(s.key, s.into); err != nil {
			return err
		}
	}
	for _, s := range []struct {
		key  string
		left *bool
	}{{"padding_side", &c.padLeft}, {"truncation_side", &c.cutLeft}} {
		side = "right"
		if err := c.setting(s.key, &side); err != nil {
			return err
		}
		if side != "left" && side != "right" {
			return fmt.Errorf("%s is %q, want left or right", s.key, side)
		}
		*s.left = side == "left"
	}
	var limit *json.Number
	if err := c.setting("model_max_length", &limit); err != nil {
		return err
	}
	if limit != nil {
		// The usual value, int(1e30), means no limit and fits no int.
		v, err := strconv.ParseFloat(limit.String(), 64)
		if err != nil || !(v > 0) {
			return fmt.Errorf("model_max_length is %s, want a positive number", limit)
		}
		if v < 1e18 {
			c.maxLength = int(v)
		}
	}
	var listed map[string]struct {
		Content string `json:"content"`
	}
	if err := c.setting("added_tokens_decoder", &listed); err != nil {
		return err
	}
	for key, tok := range listed {
		id, err := strconv.Atoi(key)
		if err != nil {
			return fmt.Errorf("added_tokens_decoder has the key %q, want an id", key)
		}
		c.added = append(c.added, addedToken{tok.Content, id})
	}
	return nil
}

func (c *config) setting(key string, into any) error {
	raw, ok := c.raw[key]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// readSpecial finds the special tokens: special_tokens_map.json overrides
// tokenizer_config.json, which overrides the usual ones.
func (c *config) readSpecial() error {
	for _, r := range specialRoles {
		tok := specialToken{r.text, true, true}
		for _, f := range []struct {
			name string
			raw  map[string]json.RawMessage
		}{{configFile, c.raw}, {specialMapFile, c.rawSpecial}} {
			raw, ok := f.raw[r.role]
			if !ok || string(raw) == "null" {
				continue
			}
			var err error
			if tok, err = parseSpecial(raw); err != nil {
				return fmt.Errorf("reading %s: %s: %w", f.name, r.role, err)
			}
		}
		c.roles[r.role] = tok
		c.addSpecial(tok)
	}
	name, raw := specialMapFile, c.rawSpecial[additionalRole]
	if raw == nil {
		name, raw = configFile, c.raw[additionalRole]
	}
	if raw == nil {
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("reading %s: %s: %w", name, additionalRole, err)
	}
	for _, raw := range list {
		tok, err := parseSpecial(raw)
		if err != nil {
			return fmt.Errorf("reading %s: %s: %w", name, additionalRole, err)
		}
		c.addSpecial(tok)
	}
	return nil
}

// addSpecial adds a token once; a text that several roles share keeps the
// last word on white space that is not the usual one.
func (c *config) addSpecial(tok specialToken) {
	for i := range c.special {
		if c.special[i].text == tok.text {
			if !tok.stripBefore || !tok.stripAfter {
				c.special[i] = tok
			}
			return
		}
	}
	c.special = append(c.special, tok)
}

// parseSpecial reads a special token, a string or an AddedToken object. Around
// a plain string all white space goes; an object says so itself.
func parseSpecial(raw json.RawMessage) (specialToken, error) {
	tok := specialToken{stripBefore: true, stripAfter: true}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		var object struct {
			Content        string
			LStrip, RStrip bool
		}
		if err := json.Unmarshal(raw, &object); err != nil {
			return tok, err
		}
		tok = specialToken{object.Content, object.LStrip, object.RStrip}
	} else if err := json.Unmarshal(raw, &tok.text); err != nil {
		return tok, err
	}
	if tok.text == "" {
		return tok, errors.New("the token is empty")
	}
	return tok, nil
}
