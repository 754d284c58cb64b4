package spm

import (
	"encoding/binary"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"govle/vle/tokenizer/internal/spmfile"
	"govle/vle/tokenizer/internal/spmtest"
)

// edited is the map from a to b with one unit of its trie overwritten. The
// root is unit 0, its child a is unit 256^'a', whose leaf is unit 512.
func edited(unit int, value uint32) []byte {
	b := spmtest.Charsmap(map[string]string{"a": "b"})
	binary.LittleEndian.PutUint32(b[4+4*unit:], value)
	return b
}

// update writes testdata/bad anew.
var update = flag.Bool("update", false, "write the files in testdata/bad anew")

// badModels are how the files in testdata/bad were made: damaged model files and
// what the error must say.
func badModels() map[string]struct {
	data []byte
	want string
} {
	type entry = struct {
		data []byte
		want string
	}
	good := spmtest.DeBERTa().Bytes()
	with := func(p ...spmfile.Piece) []byte {
		m := spmtest.DeBERTa()
		m.Pieces = append(m.Pieces, p...)
		return m.Bytes()
	}
	mapped := func(charsmap []byte) []byte {
		m := spmtest.DeBERTa()
		m.Charsmap = charsmap
		return m.Bytes()
	}
	retyped := func(kind uint64) []byte {
		m := spmtest.DeBERTa()
		m.ModelType = kind
		return m.Bytes()
	}
	noUnk := spmtest.DeBERTa()
	noUnk.Pieces = slices.DeleteFunc(noUnk.Pieces, func(p spmfile.Piece) bool { return p.Type == spmfile.Unknown })
	fewBytes := spmtest.DeBERTa().WithBytes()
	fewBytes.Pieces = fewBytes.Pieces[:len(fewBytes.Pieces)-1]
	return map[string]entry{
		"empty":               {nil, "the model is empty"},
		"text":                {[]byte("version https://git-lfs.github.com/spec/v1\n"), "cut short or malformed"},
		"cut in a piece":      {good[:100], "cut short"},
		"cut in a tag":        {append(slices.Clone(good), 0x80), "bad field tag"},
		"lying length":        {[]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 'x'}, "cut short"},
		"inner lying length":  {[]byte{0x0a, 0x03, 0x0a, 0x7f, 'x'}, "cut short"},
		"piece as a number":   {[]byte{0x08, 0x01}, "field 1 has wire type 0, want 2"},
		"text as a number":    {[]byte{0x0a, 0x02, 0x08, 0x01}, "field 1 has wire type 0, want 2"},
		"score as a number":   {[]byte{0x0a, 0x05, 0x0a, 0x01, 'a', 0x10, 0x01}, "want 5"},
		"no pieces":           {[]byte{0x12, 0x02, 0x18, 0x01}, "no pieces"},
		"empty piece":         {with(spmfile.Piece{Type: 1}), "the piece is empty"},
		"long piece":          {with(spmfile.Piece{Text: strings.Repeat("a", maxPieceBytes+1), Type: 1}), "more than the limit"},
		"piece not UTF-8":     {with(spmfile.Piece{Text: "\xff", Type: 1}), "not UTF-8"},
		"piece with NUL":      {with(spmfile.Piece{Text: "a\x00", Type: 1}), "NUL"},
		"NaN score":           {with(spmfile.Piece{Text: "nan", Score: float32(math.NaN()), Type: 1}), `score of "nan" is NaN`},
		"infinite score":      {with(spmfile.Piece{Text: "inf", Score: float32(math.Inf(1)), Type: 1}), "+Inf"},
		"unknown type":        {with(spmfile.Piece{Text: "odd", Type: 9}), "unknown piece type 9"},
		"duplicate piece":     {with(spmfile.Piece{Text: "▁the", Type: 1}), `"▁the" is defined twice, as ids 4 and`},
		"two unknown":         {with(spmfile.Piece{Text: "<unk>", Type: 2}), "two unknown pieces"},
		"no unknown":          {noUnk.Bytes(), "is the unknown piece"},
		"BPE":                 {retyped(2), "type 2 (BPE)"},
		"stray byte":          {with(spmfile.Piece{Text: "<0x41>", Type: 6}), "byte_fallback, which is off"},
		"odd byte":            {with(spmfile.Piece{Text: "<0x4G>", Type: 6}), "not of the form"},
		"few bytes":           {fewBytes.Bytes(), "needs 256 byte pieces, found 255"},
		"short map":           {mapped([]byte{1, 0, 0}), "too few for its header"},
		"map trie too long":   {mapped([]byte{0xff, 0xff, 0xff, 0xff, 0}), "its trie has 4294967295 bytes, but 1 bytes follow"},
		"map trie of 3 bytes": {mapped([]byte{3, 0, 0, 0, 1, 2, 3, 4, 5}), "its trie has 3 bytes"},
		"map root outside":    {mapped(edited(0, 1<<20<<10)), "unit 0 leads to unit 1048576 of 768"},
		"map node outside":    {mapped(edited(256^'a', 'a'|1<<20<<10)), "leads to unit 1048"},
		"map in a circle":     {mapped(edited(256^'a', 'a'|'a'<<10)), "unit 353 is below itself"},
		"replacement outside": {mapped(edited(512, 1<<31|2)), "a replacement starts at byte 2 of 2"},
		"replacement binary":  {mapped(spmtest.Charsmap(map[string]string{"a": "\xff"})), "a replacement is not UTF-8"},
		"replacement long":    {mapped(spmtest.Charsmap(map[string]string{"a": strings.Repeat("b", maxRuleReplacement+1)})), "more than 120 bytes"},
		"replacement spaces":  {mapped(spmtest.Charsmap(map[string]string{"a": strings.Repeat(" ", maxRuleReplacement/3+1)})), "more than 120 bytes"},
	}
}

// badFiles reads testdata/bad: each X.model must be refused with the error in
// X.model.error.
func badFiles(tb testing.TB) map[string][]byte {
	tb.Helper()
	dir := filepath.Join("testdata", "bad")
	if *update {
		for name, bad := range badModels() {
			path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".model")
			if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, bad.data, 0o644), os.WriteFile(path+".error", []byte(bad.want+"\n"), 0o644)); err != nil {
				tb.Fatal(err)
			}
		}
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.model"))
	if err != nil || len(paths) < 30 {
		tb.Fatalf("%d bad models in %s (%v)", len(paths), dir, err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		files[path] = data
	}
	return files
}

func TestParseRefuses(t *testing.T) {
	long := spmtest.DeBERTa() // of 1 MB, and therefore no file
	long.Charsmap = spmtest.Charsmap(map[string]string{strings.Repeat("a", maxRuleSource+1): "b"})
	if _, err := Parse(long.Bytes()); err == nil || !strings.Contains(err.Error(), "a rule has 1025 bytes") {
		t.Errorf("a long rule gives %v", err)
	}
	for path, data := range badFiles(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			want, err := os.ReadFile(path + ".error")
			if err != nil {
				t.Fatal(err)
			}
			text := strings.TrimSpace(string(want))
			if _, err := Parse(data); err == nil || text == "" || !strings.Contains(err.Error(), text) {
				t.Errorf("the error is %v, want one with %q", err, text)
			}
		})
	}
}

// TestParseAcceptsTheLimits pins the bounds: what is just inside them loads.
func TestParseAcceptsTheLimits(t *testing.T) {
	m := spmtest.DeBERTa()
	m.Pieces = append(m.Pieces, spmfile.Piece{Text: strings.Repeat("a", maxPieceBytes), Score: -1, Type: spmfile.Normal})
	m.Rules[strings.Repeat("b", maxRuleSource)] = strings.Repeat("c", maxRuleReplacement)
	model, err := Parse(m.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := model.Normalize(strings.Repeat("b", maxRuleSource)), "▁"+strings.Repeat("c", maxRuleReplacement); got != want {
		t.Errorf("the longest rule gives %.20q…", got)
	}
}

// check fails when a segmentation breaks what Segmentation promises.
func check(t *testing.T, m *Model, text string) {
	t.Helper()
	s, err := m.Segment(text, LeadTrimmed, true)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release(s)
	if !utf8.Valid(s.Text) {
		t.Errorf("%q is normalised to invalid %q", text, s.Text)
	}
	if len(s.Align) != len(s.Text) || len(s.Text) > 0 && len(s.Origin) != len(s.Text)+1 {
		t.Fatalf("%q: %d bytes, %d alignments, %d origins", text, len(s.Text), len(s.Align), len(s.Origin))
	}
	for name, at := range map[string][]int32{"Align": s.Align, "Origin": s.Origin} {
		if !slices.IsSorted(at) {
			t.Errorf("%q: %s %v is not sorted", text, name, at)
		}
		if n := len(at); n > 0 && (at[0] < 0 || int(at[n-1]) > len(text)) {
			t.Errorf("%q: %s %v leaves the text", text, name, at)
		}
	}
	end := int32(0)
	for i, seg := range s.Segments {
		if seg.ID < 0 || int(seg.ID) >= m.Size() {
			t.Errorf("%q: id %d of %d", text, seg.ID, m.Size())
		}
		again := i > 0 && s.Segments[i-1].Start == seg.Start && m.Type(int(seg.ID)) == Byte
		if seg.Start != end && !again || seg.End <= seg.Start {
			t.Errorf("%q: segment %d is %v after byte %d", text, i, seg, end)
		}
		end = seg.End
	}
	if int(end) != len(s.Text) {
		t.Errorf("%q: segments end at %d of %d bytes", text, end, len(s.Text))
	}
}

// FuzzParse reads arbitrary model files; those that load must segment.
func FuzzParse(f *testing.F) {
	for _, data := range badFiles(f) {
		f.Add(data, "what is on the grass?")
	}
	for _, m := range variants() {
		if data := m.Bytes(); len(data) < 1<<17 {
			f.Add(data, "what is café ﬁ…\x01 日本")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		m, err := Parse(data)
		if err != nil {
			return
		}
		check(t, m, text)
		pieces := make([]string, min(m.Size(), 300))
		for i := range pieces {
			pieces[i] = m.Piece(i)
		}
		m.Decode(pieces)
	})
}

// FuzzSegment segments arbitrary text with every kind of model.
func FuzzSegment(f *testing.F) {
	f.Add("what is on the grass?")
	f.Add(" \t\u3000ﬁ…\x00\xff\xc3 e\u0301\u0323\r\n日本<tag>")
	var models []*Model
	for _, v := range variants() {
		m, err := Parse(v.Bytes())
		if err != nil {
			f.Fatal(err)
		}
		models = append(models, m)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range models {
			check(t, m, text)
		}
	})
}
