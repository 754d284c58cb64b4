package tokenizer

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// shared is a path in the folder of recorded reference outputs, which lies
// beside the module. The test is skipped where it is not there.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(append([]string{dir, "..", "shared"}, elem...)...)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no recorded reference outputs at ../shared/%s", filepath.Join(elem...))
	}
	return path
}

// readLines decodes a file of one JSON value a line.
func readLines[T any](t testing.TB, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []T
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var row T
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatalf("%s line %d: %v", path, len(rows)+1, err)
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

var goldenModels = []string{"spm", "spm_identity"}

func loadGolden(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := Load(shared(t, "golden", "tokenizer", name+"_hf"))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

type goldenRow struct {
	I                 int
	Text              string
	Tokens            []string
	IDs               []int
	TokenTypeIDs      []int  `json:"token_type_ids"`
	SpecialTokensMask []int  `json:"special_tokens_mask"`
	Decode            string `json:"decode"`
	DecodeSkipSpecial string `json:"decode_skip_special"`
	SPM               struct {
		Normalized string
		Pieces     []string
		IDs        []int
		Begin, End []int
		Surface    []string
		Score      float64
	}
	Fast struct {
		Tokens  []string
		IDs     []int
		Offsets [][2]int
	}
	FastSameIDs bool `json:"fast_same_ids"`
}

// equal compares slices, an empty one being equal to nil.
func equal[T comparable](t *testing.T, row any, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("row %v: %s\n got %v\nwant %v", row, what, got, want)
	}
}

func offsetPairs(offsets []Offset) [][2]int {
	pairs := make([][2]int, len(offsets))
	for i, o := range offsets {
		pairs[i] = [2]int{o.Start, o.End}
	}
	return pairs
}

func TestGoldenStrings(t *testing.T) {
	for _, name := range goldenModels {
		t.Run(name, func(t *testing.T) {
			tok := loadGolden(t, name)
			for _, row := range readLines[goldenRow](t, shared(t, "golden", "tokenizer", name+".jsonl")) {
				enc, err := tok.Encode(row.Text, Options{})
				if err != nil {
					t.Errorf("row %d: %v", row.I, err)
					continue
				}
				equal(t, row.I, "ids", enc.IDs, row.IDs)
				equal(t, row.I, "type ids", enc.TypeIDs, row.TokenTypeIDs)
				equal(t, row.I, "special tokens mask", enc.SpecialTokensMask, row.SpecialTokensMask)
				equal(t, row.I, "tokens", enc.Tokens[1:enc.Len()-1], row.Tokens)
				if row.FastSameIDs {
					equal(t, row.I, "offsets", offsetPairs(enc.Offsets), row.Fast.Offsets)
				}
				if got := tok.Decode(row.IDs, false); got != row.Decode {
					t.Errorf("row %d: decoded\n got %q\nwant %q", row.I, got, row.Decode)
				}
				if got := tok.Decode(row.IDs, true); got != row.DecodeSkipSpecial {
					t.Errorf("row %d: decoded without special tokens\n got %q\nwant %q", row.I, got, row.DecodeSkipSpecial)
				}
			}
		})
	}
}

func TestGoldenPieces(t *testing.T) {
	for _, name := range goldenModels {
		t.Run(name, func(t *testing.T) {
			tok := loadGolden(t, name)
			for _, row := range readLines[goldenRow](t, shared(t, "golden", "tokenizer", name+".jsonl")) {
				if got := tok.Normalize(row.Text); got != row.SPM.Normalized {
					t.Errorf("row %d: normalised\n got %q\nwant %q", row.I, got, row.SPM.Normalized)
				}
				pieces, err := tok.Pieces(row.Text)
				if err != nil {
					t.Errorf("row %d: %v", row.I, err)
					continue
				}
				var ids, begin, end []int
				var texts, surface []string
				score := 0.0
				for _, p := range pieces {
					ids, begin, end = append(ids, p.ID), append(begin, p.Start), append(end, p.End)
					texts, surface = append(texts, p.Text), append(surface, p.Surface)
					if p.ID != tok.UNKID() {
						score += float64(tok.Score(p.ID))
					}
				}
				equal(t, row.I, "ids", ids, row.SPM.IDs)
				equal(t, row.I, "pieces", texts, row.SPM.Pieces)
				equal(t, row.I, "begin", begin, row.SPM.Begin)
				equal(t, row.I, "end", end, row.SPM.End)
				equal(t, row.I, "surface", surface, row.SPM.Surface)
				if math.Abs(score-row.SPM.Score) > 1e-9*math.Abs(row.SPM.Score) {
					t.Errorf("row %d: score %v, want %v", row.I, score, row.SPM.Score)
				}
			}
		})
	}
}

func TestGoldenVocabulary(t *testing.T) {
	for _, name := range goldenModels {
		t.Run(name, func(t *testing.T) {
			tok := loadGolden(t, name)
			rows := readLines[struct {
				ID    int
				Piece string
				Score float64
				Type  int
			}](t, shared(t, "golden", "tokenizer", name+"_vocab.jsonl"))
			for _, row := range rows {
				if got := tok.Token(row.ID); got != row.Piece {
					t.Errorf("token %d is %q, want %q", row.ID, got, row.Piece)
				}
				if got := tok.ID(row.Piece); got != row.ID {
					t.Errorf("%q has id %d, want %d", row.Piece, got, row.ID)
				}
				if got := float64(tok.Score(row.ID)); got != row.Score {
					t.Errorf("token %d has score %v, want %v", row.ID, got, row.Score)
				}
				if got := int(tok.model.Type(row.ID)); got != row.Type {
					t.Errorf("token %d has type %d, want %d", row.ID, got, row.Type)
				}
			}
			var info struct {
				Len       int
				VocabSize int `json:"vocab_size"`
				Mask      int `json:"mask_token_id"`
				Pad, CLS  int
				SEP, UNK  int
			}
			data, err := os.ReadFile(shared(t, "golden", "tokenizer", name+"_info.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &info); err != nil {
				t.Fatal(err)
			}
			got := []int{tok.VocabSize(), tok.model.Size(), tok.MaskID(), tok.PadID(), tok.CLSID(), tok.SEPID(), tok.UNKID()}
			want := []int{info.Len, info.VocabSize, info.Mask, info.Pad, info.CLS, info.SEP, info.UNK}
			equal(t, "info", "sizes and special ids", got, want)
			if len(rows) != info.VocabSize {
				t.Errorf("%d rows of the vocabulary, want %d", len(rows), info.VocabSize)
			}
		})
	}
}

// goldenBatch is one call of the reference: a and b are strings or lists.
type goldenBatch struct {
	Kind   string
	A, B   json.RawMessage
	Kwargs struct {
		MaxLength       *int `json:"max_length"`
		Truncation      any
		Padding         any
		PadToMultipleOf int `json:"pad_to_multiple_of"`
	}
	Slow, Fast json.RawMessage
}

type goldenCall[T any] struct {
	InputIDs          T `json:"input_ids"`
	TokenTypeIDs      T `json:"token_type_ids"`
	SpecialTokensMask T `json:"special_tokens_mask"`
	AttentionMask     T `json:"attention_mask"`
	Error             string
}

func (b *goldenBatch) options(t *testing.T) Options {
	var o Options
	if b.Kwargs.MaxLength != nil {
		o.MaxLength = *b.Kwargs.MaxLength
	}
	o.PadToMultipleOf = b.Kwargs.PadToMultipleOf
	switch b.Kwargs.Truncation {
	case nil, false:
	case true, "longest_first":
		o.Truncation = LongestFirst
	case "only_first":
		o.Truncation = OnlyFirst
	case "only_second":
		o.Truncation = OnlySecond
	default:
		t.Fatalf("truncation %v", b.Kwargs.Truncation)
	}
	switch b.Kwargs.Padding {
	case nil, false:
	case true, "longest":
		o.Padding = PadLongest
	case "max_length":
		o.Padding = PadToMax
	default:
		t.Fatalf("padding %v", b.Kwargs.Padding)
	}
	return o
}

func decode[T any](t *testing.T, raw json.RawMessage) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%.100s: %v", raw, err)
	}
	return v
}

func TestGoldenBatches(t *testing.T) {
	for _, name := range goldenModels {
		t.Run(name, func(t *testing.T) {
			tok := loadGolden(t, name)
			for i, row := range readLines[goldenBatch](t, shared(t, "golden", "tokenizer", name+"_batch.jsonl")) {
				if row.Kind == "batch" {
					checkBatch(t, tok, i, &row)
					continue
				}
				want := decode[goldenCall[[]int]](t, row.Slow)
				if want.Error != "" {
					t.Fatalf("row %d: the reference failed: %s", i, want.Error)
				}
				var enc *Encoding
				var err error
				if a := decode[string](t, row.A); row.Kind == "single" {
					enc, err = tok.Encode(a, row.options(t))
				} else {
					enc, err = tok.EncodePair(a, decode[string](t, row.B), row.options(t))
				}
				if err != nil {
					t.Errorf("row %d: %v", i, err)
					continue
				}
				equal(t, i, "ids", enc.IDs, want.InputIDs)
				equal(t, i, "type ids", enc.TypeIDs, want.TokenTypeIDs)
				equal(t, i, "special tokens mask", enc.SpecialTokensMask, want.SpecialTokensMask)
				equal(t, i, "attention mask", enc.AttentionMask, want.AttentionMask)
				fast := decode[struct {
					InputIDs []int    `json:"input_ids"`
					Offsets  [][2]int `json:"offset_mapping"`
				}](t, row.Fast)
				if reflect.DeepEqual(fast.InputIDs, want.InputIDs) {
					equal(t, i, "offsets", offsetPairs(enc.Offsets), fast.Offsets)
				}
			}
		})
	}
}

func checkBatch(t *testing.T, tok *Tokenizer, i int, row *goldenBatch) {
	var pairs []string
	if string(row.B) != "null" {
		pairs = decode[[]string](t, row.B)
	}
	got, err := tok.EncodeBatch(decode[[]string](t, row.A), pairs, row.options(t))
	if err != nil {
		t.Errorf("row %d: %v", i, err)
		return
	}
	want := decode[goldenCall[[][]int]](t, row.Slow)
	if len(got) != len(want.InputIDs) {
		t.Errorf("row %d: %d encodings, want %d", i, len(got), len(want.InputIDs))
		return
	}
	for k, enc := range got {
		equal(t, [2]int{i, k}, "ids", enc.IDs, want.InputIDs[k])
		equal(t, [2]int{i, k}, "type ids", enc.TypeIDs, want.TokenTypeIDs[k])
		equal(t, [2]int{i, k}, "attention mask", enc.AttentionMask, want.AttentionMask[k])
	}
}

func TestGoldenDeBERTaV3(t *testing.T) {
	tok := loadDeBERTa(t)
	if got := tok.MaskID(); got != 128000 {
		t.Errorf("[MASK] is %d, want 128000", got)
	}
	data, err := os.ReadFile(shared(t, "data", "deberta-v3-tokenizer", "golden_slow_encodings.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Single []struct {
			Text   string
			Tokens []string
			IDs    []int
		}
		Pairs []struct {
			A, B          string
			InputIDs      []int `json:"input_ids"`
			TokenTypeIDs  []int `json:"token_type_ids"`
			AttentionMask []int `json:"attention_mask"`
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Single) == 0 || len(golden.Pairs) == 0 {
		t.Fatal("no encodings")
	}
	for i, row := range golden.Single {
		enc, err := tok.Encode(row.Text, Options{})
		if err != nil {
			t.Errorf("row %d: %v", i, err)
			continue
		}
		equal(t, i, "ids", enc.IDs, row.IDs)
		equal(t, i, "tokens", enc.Tokens[1:enc.Len()-1], row.Tokens)
	}
	for _, row := range golden.Pairs {
		enc, err := tok.EncodePair(row.A, row.B, Options{})
		if err != nil {
			t.Errorf("%q, %q: %v", row.A, row.B, err)
			continue
		}
		equal(t, row.A, "ids", enc.IDs, row.InputIDs)
		equal(t, row.A, "type ids", enc.TypeIDs, row.TokenTypeIDs)
		equal(t, row.A, "attention mask", enc.AttentionMask, row.AttentionMask)
	}
}

func loadDeBERTa(t testing.TB) *Tokenizer {
	t.Helper()
	tok, err := LoadFS(deBERTaFS{os.DirFS(shared(t, "data", "deberta-v3-tokenizer"))}, ".")
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// deBERTaFS names the files of the data folder as a checkpoint does.
type deBERTaFS struct{ fs.FS }

func (f deBERTaFS) Open(name string) (fs.File, error) {
	if name == configFile {
		name = "deberta-v3-large." + configFile
	}
	return f.FS.Open(name)
}
