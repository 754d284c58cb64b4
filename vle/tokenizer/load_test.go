package tokenizer

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

func load(t testing.TB, fsys fs.FS) *Tokenizer {
	t.Helper()
	tok, err := LoadFS(fsys, ".")
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestLoadRefuses loads the folders in testdata/bad, each a bad file or more in
// place of a good folder's, which must be refused with the error beside it.
func TestLoadRefuses(t *testing.T) {
	wants, err := filepath.Glob(filepath.Join("testdata", "bad", "*.error"))
	if err != nil || len(wants) < 16 {
		t.Fatalf("%d expected errors in testdata/bad (%v)", len(wants), err)
	}
	for _, want := range wants {
		dir := strings.TrimSuffix(want, ".error")
		t.Run(filepath.Base(dir), func(t *testing.T) {
			text, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			files, err := os.ReadDir(dir)
			if err != nil || len(files) == 0 {
				t.Fatalf("%d files in %s (%v)", len(files), dir, err)
			}
			fsys := folder()
			for _, f := range files {
				data, err := os.ReadFile(filepath.Join(dir, f.Name()))
				if err != nil {
					t.Fatal(err)
				}
				fsys[f.Name()] = &fstest.MapFile{Data: data}
			}
			says := strings.TrimSpace(string(text))
			if _, err := LoadFS(fsys, "."); err == nil || says == "" || !strings.Contains(err.Error(), says) {
				t.Errorf("the error is %v, want one with %q", err, says)
			}
		})
	}
	if _, err := LoadFS(fstest.MapFS{}, "."); err == nil || !strings.Contains(err.Error(), "reading spm.model: open spm.model") {
		t.Errorf("an empty folder gives %v", err)
	}
	_, err = Load(filepath.Join(t.TempDir(), "absent"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "absent") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestVocabulary(t *testing.T) {
	tok := load(t, folder(addedFile, `{"[MASK]": 46, "<obj>": 47}`, configFile, `{"model_max_length": 512}`))
	ids := []int{tok.PadID(), tok.CLSID(), tok.SEPID(), tok.UNKID(), tok.MaskID(), tok.VocabSize(), tok.ModelMaxLength()}
	equal(t, "special", "ids", ids, []int{0, 1, 2, 3, 46, 48, 512})
	for id := range tok.VocabSize() {
		if got := tok.ID(tok.Token(id)); got != id {
			t.Errorf("id %d is %q, which is id %d", id, tok.Token(id), got)
		}
	}
	for _, id := range []int{-1, 48, 1 << 40} {
		if got := tok.Token(id); got != "[UNK]" {
			t.Errorf("Token(%d) is %q", id, got)
		}
		if got := tok.Score(id); got != 0 {
			t.Errorf("Score(%d) is %v", id, got)
		}
	}
	if tok.ID("nowhere") != tok.UNKID() || tok.Has("nowhere") || !tok.Has("<obj>") {
		t.Error("a text that is no token")
	}
	if tok.IsSpecial(47) || !tok.IsSpecial(46) || !tok.IsSpecial(3) {
		t.Error("special tokens are [MASK] and [UNK], not <obj>")
	}
	if got := tok.Score(4); got != -2.5 {
		t.Errorf("the score of ▁the is %v", got)
	}
	if got := load(t, folder()).ModelMaxLength(); got != unlimited {
		t.Errorf("without a config, the limit is %d", got)
	}
}

// TestAddedTokensDecoder reads the added tokens where transformers 4.34 and
// later list them.
func TestAddedTokensDecoder(t *testing.T) {
	tok := load(t, folder(configFile, `{"added_tokens_decoder": {
		"0": {"content": "[PAD]", "special": true}, "47": {"content": "<obj>"}, "46": {"content": "[MASK]"}}}`))
	if tok.MaskID() != 46 || tok.ID("<obj>") != 47 || tok.PadID() != 0 {
		t.Errorf("[MASK] is %d, <obj> is %d, [PAD] is %d", tok.MaskID(), tok.ID("<obj>"), tok.PadID())
	}
}

// fastFolder is a folder with only a tokenizer.json.
func fastFolder(json string) fstest.MapFS {
	return fstest.MapFS{fastFile: {Data: []byte(json)}}
}

func TestFastFile(t *testing.T) {
	tok := load(t, fastFolder(`{
		"added_tokens": [{"id": 0, "content": "[PAD]"}, {"id": 1, "content": "[CLS]"}, {"id": 2, "content": "[SEP]"},
			{"id": 3, "content": "[UNK]"}, {"id": 7, "content": "[MASK]"}],
		"normalizer": {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, {"type": "Strip"}]},
		"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Punctuation"}, {"type": "Metaspace"}]},
		"model": {"type": "Unigram", "unk_id": 3, "vocab": [["[PAD]", 0.0], ["[CLS]", 0.0], ["[SEP]", 0.0], ["[UNK]", 0.0],
			["▁the", -1.5], ["▁", -2], ["▁.", -3]]}}`))
	enc, err := tok.Encode("THE the.[MASK]", Options{})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "fast", "ids", enc.IDs, []int{1, 4, 4, 6, 7, 2})
	if err := tok.Save(t.TempDir()); err != nil {
		t.Error(err)
	}
	for want, file := range map[string]string{
		"reading tokenizer.json: unexpected end":    `{`,
		`of type "BPE"`:                             `{"model": {"type": "BPE"}}`,
		"unk_id names no piece":                     `{"model": {"type": "Unigram", "vocab": []}}`,
		"unk_id names no":                           `{"model": {"type": "Unigram", "unk_id": 1, "vocab": [["a", 0]]}}`,
		"the score of":                              `{"model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", 1e300]]}}`,
		`added token "x" has id -1`:                 `{"added_tokens": [{"id": -1, "content": "x"}], "model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", 0]]}}`,
		"the piece is empty":                        `{"model": {"type": "Unigram", "unk_id": 0, "vocab": [["", 0]]}}`,
		"cannot unmarshal":                          `{"model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", "b"]]}}`,
		"reading tokenizer.json: illegal base64":    `{"normalizer": {"type": "Precompiled", "precompiled_charsmap": "*"}}`,
		"tokenizer.json: precompiled_charsmap has ": `{"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}, "model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", 0]]}}`,
	} {
		_, err := LoadFS(fastFolder(file), ".")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
	}
}

// TestGoldenFastFile reads the recorded tokenizer.json instead of spm.model.
func TestGoldenFastFile(t *testing.T) {
	for _, name := range goldenModels {
		data, err := os.ReadFile(shared(t, "golden", "tokenizer", name+"_hf", fastFile))
		if err != nil {
			t.Fatal(err)
		}
		tok := load(t, fastFolder(string(data)))
		for _, row := range readLines[goldenRow](t, shared(t, "golden", "tokenizer", name+".jsonl")) {
			enc, err := tok.Encode(row.Text, Options{})
			if err != nil {
				t.Fatal(err)
			}
			equal(t, row.I, "ids", enc.IDs, row.IDs)
		}
	}
}

func TestSave(t *testing.T) {
	for name, fsys := range folders() {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new", "folder")
			before := load(t, fsys)
			if err := before.Save(dir); err != nil {
				t.Fatal(err)
			}
			after, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			const text = "the <obj> [MASK] new Word, [SEP] É"
			a, err := before.Encode(text, Options{Padding: PadToMax})
			if err != nil {
				t.Fatal(err)
			}
			b, err := after.Encode(text, Options{Padding: PadToMax})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(a, b) {
				t.Errorf("encoded as %v, after saving as %v", a.Tokens, b.Tokens)
			}
		})
	}
}

// TestGoldenSave writes the files byte by byte as the reference did.
func TestGoldenSave(t *testing.T) {
	for _, name := range goldenModels {
		dir := t.TempDir()
		if err := loadGolden(t, name).Save(dir); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{modelFile, configFile, specialMapFile, addedFile} {
			want, err := os.ReadFile(shared(t, "golden", "tokenizer", name+"_hf", file))
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("%s of %s\n got %.600s\nwant %.600s", file, name, got, want)
			}
		}
	}
}

// FuzzLoad reads arbitrary JSON files beside the model, or a tokenizer.json in
// its stead; what loads must encode.
func FuzzLoad(f *testing.F) {
	for _, fsys := range folders() {
		f.Add(fileOf(fsys, configFile), fileOf(fsys, specialMapFile), fileOf(fsys, addedFile), []byte(nil))
	}
	f.Add([]byte("{}"), []byte("{}"), []byte("{}"), []byte(`{"added_tokens": [{"id": 4, "content": "[MASK]"}],
		"normalizer": {"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": "AAAA"}]},
		"model": {"type": "Unigram", "unk_id": 3, "vocab": [["[PAD]", 0], ["[CLS]", 0], ["[SEP]", 0], ["[UNK]", 0]]}}`))
	f.Fuzz(func(t *testing.T, config, special, added, fast []byte) {
		fsys := folder()
		if len(fast) > 0 {
			fsys = fastFolder(string(fast))
		}
		for name, data := range map[string][]byte{configFile: config, specialMapFile: special, addedFile: added} {
			if len(data) > 0 {
				fsys[name] = &fstest.MapFile{Data: data}
			}
		}
		tok, err := LoadFS(fsys, ".")
		if err != nil {
			return
		}
		const a, b = "The new Word, <obj>[MASK] is", "É [SEP]?"
		enc, err := tok.EncodePair(a, b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkEncoding(t, tok, enc, a, b)
		tok.Decode(enc.IDs, false)
	})
}

func fileOf(fsys fstest.MapFS, name string) []byte {
	if f := fsys[name]; f != nil {
		return f.Data
	}
	return nil
}

// TestGoldenSaveFast writes the fast tokenizer's file with the same content as
// the reference did.
func TestGoldenSaveFast(t *testing.T) {
	for _, name := range goldenModels {
		dir := t.TempDir()
		if err := loadGolden(t, name).Save(dir); err != nil {
			t.Fatal(err)
		}
		parse := func(file string) (content map[string]any) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &content); err != nil {
				t.Fatal(err)
			}
			return content
		}
		got, want := parse(filepath.Join(dir, fastFile)), parse(shared(t, "golden", "tokenizer", name+"_hf", fastFile))
		for key := range want {
			if !reflect.DeepEqual(got[key], want[key]) {
				t.Errorf("%s of %s: %q\n got %.600v\nwant %.600v", fastFile, name, key, got[key], want[key])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d keys, want %d", len(got), len(want))
		}
	}
}

// TestHuggingFaceReadsBack gives a saved folder to the tokenizers package of
// Python and compares ids.
func TestHuggingFaceReadsBack(t *testing.T) {
	python := os.Getenv("GOVLE_PYTHON")
	if python == "" {
		python = "python3"
	}
	if exec.Command(python, "-c", "import tokenizers").Run() != nil {
		t.Skipf("%s has no package tokenizers; set GOVLE_PYTHON to one that has", python)
	}
	for name, fsys := range folders() {
		before := load(t, fsys)
		dir := t.TempDir()
		if err := before.Save(dir); err != nil {
			t.Fatal(err)
		}
		text := "the new word the [SEP] new [MASK] word"
		out, err := exec.Command(python, "-c", `
import json, sys, tokenizers
t = tokenizers.Tokenizer.from_file(sys.argv[1])
print(json.dumps(t.encode(sys.argv[2]).ids))`, filepath.Join(dir, fastFile), text).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
			continue
		}
		var got []int
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%s: %v in %q", name, err, out)
		}
		want, err := before.Encode(text, Options{})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, 0, name, got, want.IDs)
	}
}
