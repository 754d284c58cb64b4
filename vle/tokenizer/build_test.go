package tokenizer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestBuild makes a tokenizer, saves it, and reads with what was saved.
func TestBuild(t *testing.T) {
	texts := []string{"What color is the circle?", "is the circle red?", "a red circle, a blue star .", "is the star blue?"}
	built, err := Build(slices.Values(texts))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := built.Save(dir); err != nil {
		t.Fatal(err)
	}
	read, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, tokens string }{
		{"What COLOR is the red star?", "[CLS] ▁what ▁color ▁is ▁the ▁red ▁star ? [SEP]"},
		{"red, blue .", "[CLS] ▁red , ▁blue ▁. [SEP]"},
		{"a [MASK] star", "[CLS] ▁a [MASK] ▁star [SEP]"},
		{"stars", "[CLS] ▁star s [SEP]"},
		{"a dog", "[CLS] ▁a ▁ d o g [SEP]"},
		{"é", "[CLS] ▁ [UNK] [SEP]"},
	} {
		for name, tok := range map[string]*Tokenizer{"built": built, "read": read} {
			e, err := tok.Encode(c.text, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, id := range e.IDs {
				got = append(got, tok.Token(id))
			}
			if strings.Join(got, " ") != c.tokens {
				t.Errorf("%s: %q is read as %v, want %s", name, c.text, got, c.tokens)
			}
		}
	}
	for role, id := range map[string]int{"[PAD]": built.PadID(), "[CLS]": built.CLSID(), "[SEP]": built.SEPID(), "[UNK]": built.UNKID(), "[MASK]": built.MaskID()} {
		if built.Token(id) != role || read.Token(id) != role || !built.IsSpecial(id) {
			t.Errorf("%s has id %d, which is %q and, saved, %q", role, id, built.Token(id), read.Token(id))
		}
	}
	// Another order of the texts changes nothing.
	slices.Reverse(texts)
	other, err := Build(slices.Values(texts))
	if err != nil {
		t.Fatal(err)
	}
	saved, err := os.ReadFile(filepath.Join(dir, modelFile))
	if err != nil || string(saved) != other.model.Data() {
		t.Errorf("the same words in another order give another model (%v)", err)
	}
	if _, err := Build(slices.Values([]string{" ", ""})); err == nil {
		t.Error("a vocabulary of no words was built")
	}
}
