package tokenizer

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

func TestOffsets(t *testing.T) {
	tok := load(t, folder())
	for _, c := range []struct {
		text   string
		tokens string // separated by /
		cover  string // what the tokens' offsets cover, separated by /
	}{
		{"the dog", "▁the/▁dog", "the/ dog"},
		{"  the \t dog ", "▁the/▁dog", "the/ dog"}, // the last space of a run
		{"\u200bthe", "▁the", "\u200bthe"},
		{"né ﬁs…", "▁/n/é/▁/fi/s/./././", "n/n/é/ /ﬁ/s/…/…/…"},
		{"cafe\u0301", "▁ca/f/é", "ca/f/e"},
		{"日本 x", "▁/日本/▁/x", "日/日本/ /x"},
		{"the[MASK] dog", "▁the/[MASK]/▁dog", "the/[MASK]/dog"},
		{"é [MASK] é[SEP]", "▁/é/[MASK]/▁/é/[SEP]", "é/é/[MASK]/é/é/[SEP]"},
		{"\xffs\xc3", "▁/\uFFFD/s/\uFFFD", "\xff/\xff/s/\xc3"},
		{"a\x00s", "▁a/\x00/s", "a/\x00/s"},
	} {
		enc, err := tok.Encode(c.text, Options{NoSpecialTokens: true})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(enc.Tokens, "/"), strings.TrimSuffix(c.tokens, "/"); got != want {
			t.Errorf("%q: tokens %q, want %q", c.text, got, want)
		}
		chars := splitChars(c.text)
		var byBytes, byChars []string
		for i := range enc.IDs {
			b, o := enc.ByteOffsets[i], enc.Offsets[i]
			byBytes = append(byBytes, c.text[b.Start:b.End])
			byChars = append(byChars, strings.Join(chars[o.Start:o.End], ""))
		}
		if got := strings.Join(byBytes, "/"); got != c.cover {
			t.Errorf("%q: byte offsets cover %q, want %q", c.text, got, c.cover)
		}
		if got := strings.Join(byChars, "/"); got != c.cover {
			t.Errorf("%q: offsets cover %q, want %q", c.text, got, c.cover)
		}
	}
}

// splitChars splits a text into characters; an invalid byte is one.
func splitChars(s string) []string {
	var chars []string
	for len(s) > 0 {
		_, n := utf8.DecodeRuneInString(s)
		chars, s = append(chars, s[:n]), s[n:]
	}
	return chars
}

func TestWordIDs(t *testing.T) {
	tok := load(t, folder(addedFile, `{"[MASK]": 46, "<obj>": 47}`))
	enc, err := tok.EncodePair("the dogs? xy[MASK]s<obj>s", "dogs é", Options{MaxLength: 22, Padding: PadToMax})
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		token string
		word  int
	}{
		{"[CLS]", -1}, {"▁the", 0}, {"▁dog", 1}, {"s", 1}, {"?", 1}, {"▁", 2}, {"x", 2}, {"y", 2}, {"[MASK]", -1},
		{"▁", 3}, {"s", 3}, {"<obj>", 4}, {"▁", 5}, {"s", 5}, {"[SEP]", -1},
		{"▁dog", 6}, {"s", 6}, {"▁", 7}, {"é", 7}, {"[SEP]", -1}, {"[PAD]", -1}, {"[PAD]", -1},
	}
	for i, w := range want {
		if i >= enc.Len() || enc.Tokens[i] != w.token || enc.WordIDs[i] != w.word {
			t.Fatalf("token %d: got %q %v, want %v", i, enc.Tokens, enc.WordIDs, want)
		}
	}
}

func TestTruncationCuts(t *testing.T) {
	const text, pair = "a b c d e f", "a b c"
	tok := load(t, folder())
	full, err := tok.EncodePair(text, pair, Options{})
	if err != nil {
		t.Fatal(err)
	}
	first, second := count(full.TypeIDs, 0)-2, count(full.TypeIDs, 1)-1
	for _, c := range []struct {
		strategy      Truncation
		max           int
		first, second int
	}{
		{DoNotTruncate, 1, first, second},
		{LongestFirst, full.Len() - 1, first - 1, second},
		{LongestFirst, 3 + 2*second, second, second},
		{LongestFirst, 3 + 2*second - 1, second, second - 1}, // the second first
		{LongestFirst, 3 + 2*second - 3, second - 1, second - 2},
		{LongestFirst, 1, 0, 0},
		{OnlyFirst, 3 + second + 1, 1, second},
		{OnlyFirst, 3 + second, first, second}, // nothing would be left
		{OnlySecond, 3 + first + 1, first, 1},
		{OnlySecond, 3 + first, first, second},
	} {
		enc, err := tok.EncodePair(text, pair, Options{MaxLength: c.max, Truncation: c.strategy})
		if err != nil {
			t.Fatal(err)
		}
		got := [2]int{count(enc.TypeIDs, 0) - 2, count(enc.TypeIDs, 1) - 1}
		if got != [2]int{c.first, c.second} || enc.Truncated != full.Len()-enc.Len() {
			t.Errorf("strategy %d to %d: %v tokens, %d truncated, want %d and %d", c.strategy, c.max, got, enc.Truncated, c.first, c.second)
		}
	}
	enc, err := tok.Encode(text, Options{MaxLength: 4, Truncation: OnlySecond})
	if err != nil || enc.Len() != first+2 {
		t.Errorf("only_second cuts a single text: %d tokens, %v", enc.Len(), err)
	}
}

func count(s []int, v int) int {
	n := 0
	for _, x := range s {
		if x == v {
			n++
		}
	}
	return n
}

func TestOptionsRefused(t *testing.T) {
	tok := load(t, folder())
	for want, o := range map[string]Options{
		"MaxLength is -1":           {MaxLength: -1},
		"PadToMultipleOf is -8":     {PadToMultipleOf: -8},
		"unknown truncation":        {Truncation: 9},
		"unknown padding":           {Padding: -1},
		"padding to 1073741824":     {MaxLength: 1 << 30, Padding: PadToMax},
		"multiple of 1073741824":    {Padding: PadLongest, PadToMultipleOf: 1 << 30},
		"exclude each other":        {MaxLength: 10, PadToMultipleOf: 8, Truncation: OnlyFirst, Padding: PadToMax},
		"padding to a multiple of ": {MaxLength: 10, PadToMultipleOf: 8, Truncation: OnlyFirst, Padding: PadLongest},
	} {
		for _, err := range []error{second(tok.Encode("a", o)), second(tok.EncodeBatch(nil, nil, o))} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %v, want one with %q", err, want)
			}
		}
	}
	if _, err := tok.EncodeBatch([]string{"a", "b"}, []string{"c"}, Options{}); err == nil {
		t.Error("2 texts and 1 second text make a batch")
	}
}

func second[T any](_ T, err error) error { return err }

func TestBatchIsPaddedToTheLongest(t *testing.T) {
	tok := load(t, folder())
	texts := []string{"", "the dog", "what is on the grass?"}
	batch, err := tok.EncodeBatch(texts, nil, Options{Padding: PadLongest, PadToMultipleOf: 4})
	if err != nil {
		t.Fatal(err)
	}
	for i, enc := range batch {
		single, err := tok.Encode(texts[i], Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := single.Len()
		if enc.Len() != 8 || !reflect.DeepEqual(enc.IDs[:n], single.IDs) || count(enc.AttentionMask, 1) != n || count(enc.IDs[n:], tok.PadID()) != 8-n {
			t.Errorf("%q: %v, mask %v", texts[i], enc.Tokens, enc.AttentionMask)
		}
	}
}

// TestEncodingsAreIndependent appends to one slice of an encoding, which must
// not write into another.
func TestEncodingsAreIndependent(t *testing.T) {
	tok := load(t, folder())
	enc, err := tok.Encode("the dog", Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = append(enc.IDs, 99), append(enc.Offsets, Offset{99, 99})
	equal(t, "append", "type ids", enc.TypeIDs, make([]int, 4))
	equal(t, "append", "byte offsets", enc.ByteOffsets[:1], []Offset{{}})
}

func TestConcurrentUse(t *testing.T) {
	tok := load(t, folder(configFile, `{"do_lower_case": true}`))
	texts := []string{"what is on the grass?", "É ﬁ… [MASK] 日本", strings.Repeat("the dog ", 50), ""}
	var want []*Encoding
	for _, text := range texts {
		enc, err := tok.Encode(text, Options{})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, enc)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 200 {
				enc, err := tok.Encode(texts[i%len(texts)], Options{})
				if err != nil || !reflect.DeepEqual(enc, want[i%len(texts)]) {
					t.Errorf("%q: %v, %v", texts[i%len(texts)], enc, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestLongTexts holds the time linear: 100,000 words, one word of a million
// letters, and a million brackets, none of which starts a special token.
func TestLongTexts(t *testing.T) {
	tok := load(t, folder())
	rng := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("what is on the grass dogs color café … [MASK] 日本 it's")
	var b strings.Builder
	for range 100_000 {
		b.WriteString(words[rng.IntN(len(words))])
		b.WriteByte(' ')
	}
	for name, text := range map[string]string{
		"words":      b.String(),
		"one word":   strings.Repeat("ca", 500_000),
		"unknown":    strings.Repeat("日", 300_000),
		"brackets":   strings.Repeat("[", 1_000_000),
		"spaces":     strings.Repeat(" ", 1_000_000),
		"marks":      "e" + strings.Repeat("\u0301", 300_000),
		"bad bytes":  strings.Repeat("\xc3", 500_000),
		"many masks": strings.Repeat("[MASK] ", 100_000),
	} {
		start := time.Now()
		enc, err := tok.Encode(text, Options{MaxLength: 512, Truncation: LongestFirst, Padding: PadToMax})
		if err != nil || enc.Len() != 512 {
			t.Errorf("%s: %d tokens, %v", name, enc.Len(), err)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
	if _, err := tok.Encode(strings.Repeat(" ", 16<<20+1), Options{}); err == nil || !strings.Contains(err.Error(), "more than the limit") {
		t.Errorf("a text of more than 16 MiB: %v", err)
	}
}

// checkEncoding fails when an encoding breaks what Encoding promises.
func checkEncoding(t *testing.T, tok *Tokenizer, enc *Encoding, texts ...string) {
	t.Helper()
	n := enc.Len()
	if len(enc.TypeIDs) != n || len(enc.AttentionMask) != n || len(enc.SpecialTokensMask) != n || len(enc.WordIDs) != n ||
		len(enc.Tokens) != n || len(enc.Offsets) != n || len(enc.ByteOffsets) != n {
		t.Fatalf("%q: slices of different lengths", texts)
	}
	var last [2]Offset
	word := -1
	for i, id := range enc.IDs {
		if id < 0 || id >= tok.VocabSize() {
			t.Errorf("%q: id %d of %d", texts, id, tok.VocabSize())
		}
		b, o := enc.ByteOffsets[i], enc.Offsets[i]
		if enc.SpecialTokensMask[i] == 1 {
			if b != (Offset{}) || o != (Offset{}) || enc.WordIDs[i] != -1 {
				t.Errorf("%q: special token %d has offsets %v %v, word %d", texts, i, b, o, enc.WordIDs[i])
			}
			continue
		}
		text, before := texts[enc.TypeIDs[i]], last[enc.TypeIDs[i]]
		if b.Start < before.Start || b.End < before.End || b.Start >= b.End || b.End > len(text) {
			t.Fatalf("%q: bytes %v after %v", texts, b, before)
		}
		last[enc.TypeIDs[i]] = b
		if c := utf8.RuneCountInString(text[:b.Start]); utf8.ValidString(text) && o != (Offset{c, c + utf8.RuneCountInString(text[b.Start:b.End])}) {
			t.Errorf("%q: bytes %v but characters %v", texts, b, o)
		}
		if w := enc.WordIDs[i]; w != -1 && w != word && w != word+1 {
			t.Errorf("%q: word ids %v", texts, enc.WordIDs)
		} else if w != -1 {
			word = w
		}
	}
}

// FuzzEncode encodes arbitrary texts with every kind of folder.
func FuzzEncode(f *testing.F) {
	f.Add("what is on the grass?", "the [MASK] dog", 8)
	f.Add(" É\xff[SEP]\x00ﬁ…\r\n", "e\u0301\u0323İ<obj>", 3)
	var toks []*Tokenizer
	for _, fsys := range folders() {
		toks = append(toks, load(f, fsys))
	}
	f.Fuzz(func(t *testing.T, a, b string, limit int) {
		for _, tok := range toks {
			enc, err := tok.EncodePair(a, b, Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkEncoding(t, tok, enc, a, b)
			tok.Decode(enc.IDs, limit%2 == 0)
			if enc, err = tok.EncodePair(a, b, Options{MaxLength: limit & 63, Truncation: Truncation(limit & 3), Padding: Padding(limit >> 2 & 1)}); err != nil {
				t.Fatal(err)
			}
			checkEncoding(t, tok, enc, a, b)
		}
	})
}
