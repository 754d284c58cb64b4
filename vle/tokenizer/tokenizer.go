package tokenizer

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"sync"

	"govle/vle/tokenizer/internal/spm"
)

// modelFile is the name of the SentencePiece model in a checkpoint folder.
const modelFile = "spm.model"

// Tokenizer is a DeBERTa-v3 tokenizer. It does not change after loading and
// may be used by many goroutines at once.
type Tokenizer struct {
	model  *spm.Model
	config config

	added   []string       // texts of the ids from model.Size() on
	addedID map[string]int // their ids
	marks   markers        // what is found in a text before it is segmented
	special map[int]bool   // ids of special tokens, [UNK] among them
	// specialText is special by text.
	specialText map[string]bool

	padID, clsID, sepID, unkID, maskID int

	scratch sync.Pool // of *work
}

// Load reads the tokenizer of a checkpoint folder: spm.model, and where they
// are present tokenizer_config.json, special_tokens_map.json and
// added_tokens.json. A folder without spm.model may have tokenizer.json, the
// file of the fast tokenizers, instead.
func Load(dir string) (*Tokenizer, error) {
	t, err := LoadFS(os.DirFS(dir), ".")
	if err != nil {
		return nil, fmt.Errorf("loading the tokenizer in %s: %w", dir, err)
	}
	return t, nil
}

// LoadFS is [Load] for a folder of a file system.
func LoadFS(fsys fs.FS, dir string) (*Tokenizer, error) {
	cfg := newConfig()
	name := modelFile
	data, err := fs.ReadFile(fsys, path.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		if fast, fastErr := fs.ReadFile(fsys, path.Join(dir, fastFile)); fastErr == nil {
			name = fastFile
			data, err = cfg.readFast(fast)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	model, err := spm.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if err := cfg.read(fsys, dir); err != nil {
		return nil, err
	}
	return newTokenizer(model, cfg)
}

func newTokenizer(model *spm.Model, cfg config) (*Tokenizer, error) {
	t := &Tokenizer{
		model:       model,
		config:      cfg,
		addedID:     map[string]int{},
		special:     map[int]bool{},
		specialText: map[string]bool{},
	}
	t.scratch.New = func() any { return new(work) }
	for _, s := range cfg.special {
		t.specialText[s.text] = true
	}
	if err := t.addTokens(); err != nil {
		return nil, err
	}
	for _, s := range cfg.special {
		t.special[t.ID(s.text)] = true
	}
	t.unkID = t.ID(cfg.role("unk_token"))
	t.padID = t.ID(cfg.role("pad_token"))
	t.clsID = t.ID(cfg.role("cls_token"))
	t.sepID = t.ID(cfg.role("sep_token"))
	t.maskID = t.ID(cfg.role("mask_token"))
	t.marks = newMarkers(t)
	return t, nil
}

// addTokens gives ids above the model's to the tokens of added_tokens.json,
// then to the special tokens that have none yet.
func (t *Tokenizer) addTokens() error {
	for _, a := range t.config.added {
		text := a.text
		if t.config.lowerCase && !t.specialText[text] {
			text = pyLower(text)
		}
		if id, ok := t.lookup(text); ok && id == a.id {
			continue
		}
		if next := t.VocabSize(); a.id != next {
			return fmt.Errorf("the added token %q has id %d, want %d, the next id after the model's %d pieces and the tokens added before", a.text, a.id, next, t.model.Size())
		}
		t.add(text)
	}
	for _, s := range t.config.special {
		if _, ok := t.lookup(s.text); !ok && s.text != t.config.role("unk_token") {
			t.add(s.text)
		}
	}
	return nil
}

func (t *Tokenizer) add(text string) {
	t.addedID[text] = t.VocabSize()
	t.added = append(t.added, text)
}

// lookup is the id of a token. ok is false for a text that is no token.
func (t *Tokenizer) lookup(token string) (id int, ok bool) {
	if id, ok := t.addedID[token]; ok {
		return id, true
	}
	return t.model.ID(token)
}

// VocabSize is the number of ids, added tokens included. A model's word
// embedding may have more rows.
func (t *Tokenizer) VocabSize() int { return t.model.Size() + len(t.added) }

// ID is the id of a token, UNKID for a text that is no token.
func (t *Tokenizer) ID(token string) int {
	if id, ok := t.lookup(token); ok {
		return id
	}
	return t.model.UnkID()
}

// Token is the text of an id, that of the unknown token for an id outside
// [0, VocabSize).
func (t *Tokenizer) Token(id int) string {
	switch {
	case id < 0 || id >= t.VocabSize():
		return t.config.role("unk_token")
	case id < t.model.Size():
		return t.model.Piece(id)
	}
	return t.added[id-t.model.Size()]
}

// Has reports whether a text is a token of the vocabulary.
func (t *Tokenizer) Has(token string) bool {
	_, ok := t.lookup(token)
	return ok
}

// Score is the log probability of a piece in the unigram model, 0 for special
// and added tokens and for ids outside the vocabulary.
func (t *Tokenizer) Score(id int) float32 {
	if id < 0 || id >= t.model.Size() {
		return 0
	}
	return t.model.Score(id)
}

// IsSpecial reports whether an id is that of a special token, [UNK] included.
func (t *Tokenizer) IsSpecial(id int) bool { return t.special[id] }

// PadID is the id of the padding token, [PAD].
func (t *Tokenizer) PadID() int { return t.padID }

// CLSID is the id of the token in front, [CLS].
func (t *Tokenizer) CLSID() int { return t.clsID }

// SEPID is the id of the token that ends a text, [SEP].
func (t *Tokenizer) SEPID() int { return t.sepID }

// UNKID is the id of what the model does not know, [UNK].
func (t *Tokenizer) UNKID() int { return t.unkID }

// MaskID is the id of the token to be guessed, [MASK].
func (t *Tokenizer) MaskID() int { return t.maskID }

// ModelMaxLength is the number of tokens that the model was made for, as
// tokenizer_config.json says; math.MaxInt where it sets no limit.
func (t *Tokenizer) ModelMaxLength() int { return t.config.maxLength }

// unlimited is ModelMaxLength without a limit.
const unlimited = math.MaxInt
