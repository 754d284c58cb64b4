package tokenizer

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"testing/fstest"

	"govle/vle/tokenizer/internal/spmtest"
)

// folder is a checkpoint folder with the test model and some JSON files, given
// as name, content, name, content…
func folder(files ...string) fstest.MapFS {
	fsys := fstest.MapFS{modelFile: {Data: spmtest.DeBERTa().Bytes()}}
	for i := 0; i < len(files); i += 2 {
		fsys[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return fsys
}

// testSize is the number of pieces of the test model.
var testSize = len(spmtest.DeBERTa().Pieces)

// folders are checkpoint folders with the settings that there are.
func folders() map[string]fstest.MapFS {
	added := fmt.Sprintf(`{"[MASK]": %d, "<obj>": %d, "new Word": %d}`, testSize, testSize+1, testSize+2)
	return map[string]fstest.MapFS{
		"bare":              folder(),
		"lower case":        folder(configFile, `{"do_lower_case": true}`),
		"split punctuation": folder(configFile, `{"split_by_punct": true}`),
		"left":              folder(configFile, `{"padding_side": "left", "truncation_side": "left", "model_max_length": 9}`),
		"added": folder(addedFile, added,
			specialMapFile, `{"additional_special_tokens": ["<obj>"]}`),
		"added, lower case": folder(addedFile, added, configFile, `{"do_lower_case": true, "additional_special_tokens": ["<obj>"]}`),
		"strip": folder(specialMapFile, `{
			"mask_token": {"content": "[MASK]", "lstrip": true, "rstrip": false, "normalized": false, "single_word": false},
			"sep_token": {"content": "[SEP]", "lstrip": false, "rstrip": false, "normalized": false, "single_word": false}}`),
		"other names": folder(configFile, `{"mask_token": "<mask>", "pad_token": "<pad>", "unk_token": "<unk>"}`),
	}
}

// referenceRow is what transformers 4.27.4's slow tokenizer made of a text,
// alone and as a pair with the words "the dog" under truncation and padding.
type referenceRow struct {
	Text          string
	Tokens        []string
	IDs           []int
	Decoded       string
	SkipSpecial   string `json:"skip_special"`
	PairIDs       []int  `json:"pair_ids"`
	PairTypes     []int  `json:"pair_types"`
	PairMask      []int  `json:"pair_mask"`
	PairAttention []int  `json:"pair_attention"`
	Shorter       []int  // cut to 9 tokens and padded to 9
}

func TestReference(t *testing.T) {
	data, err := os.ReadFile("testdata/transformers-4.27.4.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded map[string][]referenceRow
	if err := json.Unmarshal(data, &recorded); err != nil {
		t.Fatal(err)
	}
	for name, fsys := range folders() {
		t.Run(name, func(t *testing.T) {
			tok, err := LoadFS(fsys, ".")
			if err != nil {
				t.Fatal(err)
			}
			if len(recorded[name]) == 0 {
				t.Fatal("nothing is recorded")
			}
			for _, row := range recorded[name] {
				checkReference(t, tok, &row)
			}
		})
	}
}

func checkReference(t *testing.T, tok *Tokenizer, row *referenceRow) {
	enc, err := tok.Encode(row.Text, Options{})
	if err != nil {
		t.Fatal(err)
	}
	what := fmt.Sprintf("%q", row.Text)
	equal(t, what, "ids", enc.IDs, row.IDs)
	equal(t, what, "tokens", enc.Tokens[1:enc.Len()-1], row.Tokens)
	if got := tok.Decode(row.IDs, false); got != row.Decoded {
		t.Errorf("%s: decoded %q, want %q", what, got, row.Decoded)
	}
	if got := tok.Decode(row.IDs, true); got != row.SkipSpecial {
		t.Errorf("%s: decoded without special tokens %q, want %q", what, got, row.SkipSpecial)
	}
	enc, err = tok.EncodePair(row.Text, "the dog", Options{MaxLength: 10, Truncation: LongestFirst, Padding: PadToMax, PadToMultipleOf: 5})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, what, "pair ids", enc.IDs, row.PairIDs)
	equal(t, what, "pair type ids", enc.TypeIDs, row.PairTypes)
	equal(t, what, "pair special tokens mask", enc.SpecialTokensMask, row.PairMask)
	equal(t, what, "pair attention mask", enc.AttentionMask, row.PairAttention)
	enc, err = tok.Encode(row.Text, Options{MaxLength: 9, Truncation: OnlyFirst, Padding: PadToMax})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, what, "ids cut to 9", enc.IDs, row.Shorter)
}
