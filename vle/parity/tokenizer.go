package parity

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"govle/vle/tokenizer"
)

// encodingLine is one string of a tokenizer's X.jsonl.
type encodingLine struct {
	Text        string   `json:"text"`
	Tokens      []string `json:"tokens"` // without the special ones
	IDs         []int    `json:"ids"`
	TypeIDs     []int    `json:"token_type_ids"`
	Special     []int    `json:"special_tokens_mask"`
	Decode      string   `json:"decode"`
	DecodePlain string   `json:"decode_skip_special"`
	SPM         struct {
		Normalized string   `json:"normalized"`
		Pieces     []string `json:"pieces"`
		IDs        []int    `json:"ids"`
		Begin      []int    `json:"begin"`
		End        []int    `json:"end"`
		Surface    []string `json:"surface"`
		Score      float64  `json:"score"` // of the pieces that are known
	} `json:"spm"`
	Fast struct {
		Offsets [][2]int `json:"offsets"`
	} `json:"fast"`
	FastSameIDs bool `json:"fast_same_ids"`
}

// findTokenizer finds X.model with its recorded X.jsonl and what stands beside
// it: X_batch.jsonl, X_vocab.jsonl, X_info.json, and the folder X_hf that the
// tokenizer is loaded from.
func findTokenizer(f *folder) []testCase {
	var cases []testCase
	for _, file := range f.names(".jsonl") {
		stem := strings.TrimSuffix(file, ".jsonl")
		if !f.has[stem+".model"] {
			continue
		}
		load := func() (*tokenizer.Tokenizer, error) { return tokenizer.Load(f.path(stem + "_hf")) }
		strings := func(name string, fn func(*check, *tokenizer.Tokenizer, encodingLine) error) {
			cases = append(cases, testCase{name: f.caseName(stem + "/" + name), run: func(_ context.Context, c *check) error {
				return eachLine(f, file, load, c, fn)
			}})
		}
		f.path(file)
		strings("ids", checkIDs)
		strings("offsets", checkOffsets)
		strings("decode", checkDecode)
		strings("sentencepiece", checkPieces)
		if name := stem + "_batch.jsonl"; f.has[name] {
			f.path(name)
			cases = append(cases, testCase{name: f.caseName(stem + "/batch"), run: func(_ context.Context, c *check) error {
				return eachLine(f, name, load, c, checkCall)
			}})
		}
		if name := stem + "_vocab.jsonl"; f.has[name] {
			f.path(name)
			cases = append(cases, testCase{name: f.caseName(stem + "/vocabulary"), run: func(_ context.Context, c *check) error {
				return eachLine(f, name, load, c, checkPiece)
			}})
		}
		if name := stem + "_info.json"; f.has[name] {
			cases = append(cases, testCase{name: f.caseName(stem + "/info"), run: func(_ context.Context, c *check) error {
				return checkInfo(f.path(name), load, c)
			}})
		}
	}
	return cases
}

// eachLine holds the tokenizer against every line of a file.
func eachLine[T any](f *folder, file string, load func() (*tokenizer.Tokenizer, error), c *check, fn func(*check, *tokenizer.Tokenizer, T) error) error {
	tok, err := load()
	if err != nil {
		return err
	}
	lines, err := readLines[T](f.path(file))
	if err != nil {
		return err
	}
	for i, line := range lines {
		if err := fn(c, tok, line); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return nil
}

func checkIDs(c *check, tok *tokenizer.Tokenizer, l encodingLine) error {
	enc, err := tok.Encode(l.Text, tokenizer.Options{})
	if err != nil {
		return err
	}
	same(c, fmt.Sprintf("ids of %.40q", l.Text), enc.IDs, l.IDs)
	same(c, fmt.Sprintf("token types of %.40q", l.Text), enc.TypeIDs, l.TypeIDs)
	same(c, fmt.Sprintf("special tokens of %.40q", l.Text), enc.SpecialTokensMask, l.Special)
	if n := len(enc.Tokens); n >= 2 {
		same(c, fmt.Sprintf("tokens of %.40q", l.Text), enc.Tokens[1:n-1], l.Tokens)
	}
	return nil
}

// checkOffsets compares with the fast tokenizer, which alone reports offsets,
// where its ids are those of the slow one.
func checkOffsets(c *check, tok *tokenizer.Tokenizer, l encodingLine) error {
	if !l.FastSameIDs {
		return nil
	}
	enc, err := tok.Encode(l.Text, tokenizer.Options{})
	if err != nil {
		return err
	}
	same(c, fmt.Sprintf("offsets in %.40q", l.Text), pairs(enc.Offsets), l.Fast.Offsets)
	return nil
}

func pairs(offsets []tokenizer.Offset) [][2]int {
	out := make([][2]int, len(offsets))
	for i, o := range offsets {
		out[i] = [2]int{o.Start, o.End}
	}
	return out
}

func checkDecode(c *check, tok *tokenizer.Tokenizer, l encodingLine) error {
	got := tok.Decode(l.IDs, false)
	c.item(got == l.Decode, "%.40q decodes to %.80q, recorded %.80q", l.Text, got, l.Decode)
	got = tok.Decode(l.IDs, true)
	c.item(got == l.DecodePlain, "%.40q decodes without special tokens to %.80q, recorded %.80q", l.Text, got, l.DecodePlain)
	return nil
}

func checkPieces(c *check, tok *tokenizer.Tokenizer, l encodingLine) error {
	got := tok.Normalize(l.Text)
	c.item(got == l.SPM.Normalized, "%.40q is normalised to %.80q, recorded %.80q", l.Text, got, l.SPM.Normalized)
	pieces, err := tok.Pieces(l.Text)
	if err != nil {
		return err
	}
	var texts, surfaces []string
	var ids, begin, end []int
	var score float32
	for _, p := range pieces {
		texts, surfaces = append(texts, p.Text), append(surfaces, p.Surface)
		ids, begin, end = append(ids, p.ID), append(begin, p.Start), append(end, p.End)
		if p.ID != tok.UNKID() {
			score += tok.Score(p.ID)
		}
	}
	same(c, fmt.Sprintf("pieces of %.40q", l.Text), texts, l.SPM.Pieces)
	same(c, fmt.Sprintf("piece ids of %.40q", l.Text), ids, l.SPM.IDs)
	same(c, fmt.Sprintf("begin of pieces of %.40q", l.Text), begin, l.SPM.Begin)
	same(c, fmt.Sprintf("end of pieces of %.40q", l.Text), end, l.SPM.End)
	same(c, fmt.Sprintf("surface of pieces of %.40q", l.Text), surfaces, l.SPM.Surface)
	close(c, closely, fmt.Sprintf("score of %.40q", l.Text), []float32{score}, []float64{l.SPM.Score})
	return nil
}

// tokenizerCall is one line of X_batch.jsonl: a call of the tokenizer with
// keyword arguments. Kind says whether the values are single or lists.
type tokenizerCall struct {
	Kind   string          `json:"kind"` // single, pair, batch
	A      json.RawMessage `json:"a"`
	B      json.RawMessage `json:"b"`
	Kwargs struct {
		MaxLength  int `json:"max_length"`
		Truncation any `json:"truncation"` // bool or the strategy's name
		Padding    any `json:"padding"`
		Multiple   int `json:"pad_to_multiple_of"`
	} `json:"kwargs"`
	Slow callResult `json:"slow"`
	Fast callResult `json:"fast"`
}

type callResult struct {
	Error   string          `json:"error"`
	IDs     json.RawMessage `json:"input_ids"`
	TypeIDs json.RawMessage `json:"token_type_ids"`
	Mask    json.RawMessage `json:"attention_mask"`
	Special json.RawMessage `json:"special_tokens_mask"`
	Offsets json.RawMessage `json:"offset_mapping"`
}

var (
	truncations = map[any]tokenizer.Truncation{
		nil: tokenizer.DoNotTruncate, false: tokenizer.DoNotTruncate, "do_not_truncate": tokenizer.DoNotTruncate,
		true: tokenizer.LongestFirst, "longest_first": tokenizer.LongestFirst,
		"only_first": tokenizer.OnlyFirst, "only_second": tokenizer.OnlySecond,
	}
	paddings = map[any]tokenizer.Padding{
		nil: tokenizer.NoPadding, false: tokenizer.NoPadding, "do_not_pad": tokenizer.NoPadding,
		true: tokenizer.PadLongest, "longest": tokenizer.PadLongest, "max_length": tokenizer.PadToMax,
	}
)

func checkCall(c *check, tok *tokenizer.Tokenizer, l tokenizerCall) error {
	trunc, ok1 := truncations[l.Kwargs.Truncation]
	pad, ok2 := paddings[l.Kwargs.Padding]
	if !ok1 || !ok2 {
		return fmt.Errorf("truncation %v, padding %v are not known", l.Kwargs.Truncation, l.Kwargs.Padding)
	}
	opts := tokenizer.Options{MaxLength: l.Kwargs.MaxLength, Truncation: trunc, Padding: pad, PadToMultipleOf: l.Kwargs.Multiple}
	a, batch, err := oneOrMany(l.A)
	if err != nil {
		return err
	}
	b, _, err := oneOrMany(l.B)
	if err != nil {
		return err
	}
	if l.Slow.Error != "" {
		return nil // the reference refuses it; nothing to compare
	}
	encs, err := tok.EncodeBatch(a, b, opts)
	if err != nil {
		return err
	}
	label := fmt.Sprintf("%s %.30q, max %d, truncation %v, padding %v", l.Kind, l.A, l.Kwargs.MaxLength, l.Kwargs.Truncation, l.Kwargs.Padding)
	var ids, types, mask, special [][]int
	var offsets [][][2]int
	for _, e := range encs {
		ids, types, mask = append(ids, e.IDs), append(types, e.TypeIDs), append(mask, e.AttentionMask)
		special, offsets = append(special, e.SpecialTokensMask), append(offsets, pairs(e.Offsets))
	}
	compare := func(what string, got any, want json.RawMessage) {
		if want == nil {
			return
		}
		text, err := json.Marshal(got)
		var compact bytes.Buffer
		if err == nil {
			err = json.Compact(&compact, want)
		}
		c.item(err == nil && bytes.Equal(text, compact.Bytes()), "%s: %s: %.120s, recorded %.120s", label, what, text, compact.Bytes())
	}
	if batch {
		compare("ids", ids, l.Slow.IDs)
		compare("token types", types, l.Slow.TypeIDs)
		compare("mask", mask, l.Slow.Mask)
		compare("special tokens", special, l.Slow.Special)
	} else {
		compare("ids", ids[0], l.Slow.IDs)
		compare("token types", types[0], l.Slow.TypeIDs)
		compare("mask", mask[0], l.Slow.Mask)
		compare("special tokens", special[0], l.Slow.Special)
	}
	if l.Fast.Offsets != nil && bytes.Equal(l.Fast.IDs, l.Slow.IDs) {
		if batch {
			compare("offsets", offsets, l.Fast.Offsets)
		} else {
			compare("offsets", offsets[0], l.Fast.Offsets)
		}
	}
	return nil
}

// oneOrMany reads a text, a list of texts, or null.
func oneOrMany(raw json.RawMessage) (texts []string, many bool, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, false, nil
	}
	if raw[0] == '[' {
		return texts, true, json.Unmarshal(raw, &texts)
	}
	var one string
	err = json.Unmarshal(raw, &one)
	return []string{one}, false, err
}

// vocabularyLine is one piece of X_vocab.jsonl.
type vocabularyLine struct {
	ID    int     `json:"id"`
	Piece string  `json:"piece"`
	Score float64 `json:"score"`
	Type  int     `json:"type"` // 1 normal, 2 unknown, 3 control
}

func checkPiece(c *check, tok *tokenizer.Tokenizer, l vocabularyLine) error {
	got := tok.Token(l.ID)
	c.item(got == l.Piece, "id %d is %q, recorded %q", l.ID, got, l.Piece)
	c.item(tok.ID(l.Piece) == l.ID, "%q has id %d, recorded %d", l.Piece, tok.ID(l.Piece), l.ID)
	if l.Type == 1 {
		c.item(tok.Score(l.ID) == float32(l.Score), "%q has score %g, recorded %g", l.Piece, tok.Score(l.ID), l.Score)
	}
	return nil
}

func checkInfo(path string, load func() (*tokenizer.Tokenizer, error), c *check) error {
	tok, err := load()
	if err != nil {
		return err
	}
	var info map[string]any
	if err := readJSON(path, &info); err != nil {
		return err
	}
	for key, got := range map[string]int{
		"len": tok.VocabSize(), "mask_token_id": tok.MaskID(),
		"pad": tok.PadID(), "cls": tok.CLSID(), "sep": tok.SEPID(), "unk": tok.UNKID(),
	} {
		if want, ok := info[key].(float64); ok {
			c.item(got == int(want), "%s is %d, recorded %d", key, got, int(want))
		}
	}
	return nil
}
