package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"govle/vle/tokenizer/internal/spmfile"
)

// fastFile is the file of Hugging Face's fast tokenizers. It is read where a
// folder has no spm.model.
const fastFile = "tokenizer.json"

// fastTokenizer is what of tokenizer.json makes up a SentencePiece model.
type fastTokenizer struct {
	AddedTokens []struct {
		ID      int
		Content string
	} `json:"added_tokens"`
	Normalizer   fastStep
	PreTokenizer fastStep `json:"pre_tokenizer"`
	Model        struct {
		Type  string
		UnkID *int `json:"unk_id"`
		Vocab []fastPiece
	}
}

// fastStep is a normaliser or a pre-tokeniser, or a sequence of them.
type fastStep struct {
	Type          string
	Charsmap      []byte `json:"precompiled_charsmap"`
	Normalizers   []fastStep
	Pretokenizers []fastStep
}

// fastPiece is a pair of text and score.
type fastPiece struct {
	text  string
	score float64
}

func (p *fastPiece) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[2]any{&p.text, &p.score})
}

// each calls fn for a step and for those that it is a sequence of.
func (s *fastStep) each(fn func(*fastStep)) {
	fn(s)
	for _, list := range [][]fastStep{s.Normalizers, s.Pretokenizers} {
		for i := range list {
			list[i].each(fn)
		}
	}
}

// readFast turns tokenizer.json into a model file, and its other settings into
// the configuration, which tokenizer_config.json and the like override.
func (c *config) readFast(data []byte) (model []byte, err error) {
	var f fastTokenizer
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	if f.Model.Type != "Unigram" {
		return nil, fmt.Errorf("the model is of type %q; only Unigram is supported", f.Model.Type)
	}
	if f.Model.UnkID == nil || *f.Model.UnkID < 0 || *f.Model.UnkID >= len(f.Model.Vocab) {
		return nil, errors.New("unk_id names no piece of the vocabulary")
	}
	m := spmfile.Model{Pieces: make([]spmfile.Piece, len(f.Model.Vocab))}
	for i, p := range f.Model.Vocab {
		if math.Abs(p.score) > math.MaxFloat32 {
			return nil, fmt.Errorf("the score of %q is %v", p.text, p.score)
		}
		m.Pieces[i] = spmfile.Piece{Text: p.text, Score: float32(p.score), Type: spmfile.Normal}
	}
	for _, a := range f.AddedTokens {
		switch {
		case a.ID < 0:
			return nil, fmt.Errorf("the added token %q has id %d", a.Content, a.ID)
		case a.ID < len(m.Pieces):
			m.Pieces[a.ID].Type = spmfile.Control
		default:
			c.added = append(c.added, addedToken{a.Content, a.ID})
		}
	}
	m.Pieces[*f.Model.UnkID].Type = spmfile.Unknown
	f.Normalizer.each(func(s *fastStep) {
		switch s.Type {
		case "Precompiled":
			m.Charsmap = s.Charsmap
		case "Lowercase":
			c.lowerCase = true
		}
	})
	f.PreTokenizer.each(func(s *fastStep) {
		c.splitPunct = c.splitPunct || s.Type == "Punctuation"
	})
	return m.Marshal(), nil
}
