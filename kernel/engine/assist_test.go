package engine

import (
	"context"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// at cuts the cursor mark ‸ out of a source.
func at(src string) (string, int) {
	before, after, _ := strings.Cut(src, "‸")
	return before + after, utf8.RuneCountInString(before)
}

func TestComplete(t *testing.T) {
	e, _ := shared(t)
	do(t, e, "import \"strings\"\n// compSq is a square.\ntype compSq struct{ side float64; Name string }\n// Area is its area.\nfunc (q compSq) Area() float64 { return q.side * q.side }\nfunc (q *compSq) grow() { q.side++ }\ncompVar := compSq{1, \"x\"}\nfunc compFn(a int, b ...string) error { return nil }")
	for _, c := range []struct{ src, want, kind, sig string }{
		{"strings.ToU‸", "ToUpper", "function", "func strings.ToUpper(s string) string"},
		{"strings.‸", "Builder", "type", ""},
		{"compVar.‸", "side", "field", "field side float64"},
		{"compVar.‸", "grow", "method", ""},
		{"compVar.Ar‸ea", "Area", "method", "func (compSq).Area() float64"},
		{"x := 1\ncompV‸", "compVar", "variable", "var compVar compSq"},
		{"compFn(comp‸", "compFn", "function", "func compFn(a int, b ...string) error"},
		{"func f() {\n\tlocalName := 3\n\tif true {\n\t\tloc‸", "localName", "variable", "var localName int"},
		{"func f(param []int) {\n\tpar‸\n}\nf(nil)", "param", "variable", ""},
		{"später := compVar\nspäter.Na‸", "Name", "field", ""},
		{"st := strings.NewReader(\"x\")\nst.Re‸", "ReadByte", "method", ""},
		{"for i := range 3 { compVar.‸ }", "side", "field", ""},
		{"bytes.Contai‸", "Contains", "function", ""},
		{"byte‸", "bytes", "package", "package bytes"},
		{"ret‸", "return", "keyword", ""},
		{"appe‸", "append", "function", "func append(slice []Type, elems ...Type) []Type"},
		{"Disp‸", "Display", "function", ""},
		{"display.HT‸", "HTML", "function", ""},
		{"compSq{}.‸", "Area", "method", ""},
		{"[]compSq{{}}[0].‸", "side", "field", ""},
	} {
		src, pos := at(c.src)
		got := e.Complete(context.Background(), src, pos)
		i := slices.IndexFunc(got.Matches, func(m Match) bool { return m.Text == c.want })
		if i < 0 {
			t.Errorf("%q: %d matches without %s", c.src, len(got.Matches), c.want)
			continue
		}
		m := got.Matches[i]
		if m.Type != c.kind {
			t.Errorf("%q: %s is a %s, want %s", c.src, m.Text, m.Type, c.kind)
		}
		if c.sig != "" && m.Signature != c.sig {
			t.Errorf("%q: signature %q, want %q", c.src, m.Signature, c.sig)
		}
		if got.Start > pos || got.End < pos {
			t.Errorf("%q: replaces %d to %d", c.src, got.Start, got.End)
		}
	}
	src, pos := at("größe := 1; grö‸")
	if got := e.Complete(context.Background(), src, pos); got.Start != 12 || got.End != 15 {
		t.Errorf("code points: %d to %d, want 12 to 15", got.Start, got.End)
	}
}

func TestInspect(t *testing.T) {
	e, _ := shared(t)
	do(t, e, "// insFn doubles.\n// Really.\nfunc insFn(a int) int { return 2 * a }\ninsVar := map[string]int{}")
	do(t, e, "// insT counts.\ntype insT struct{ n int }\n\n// Add counts on.\nfunc (t *insT) Add(d int) {\n\tt.n += d // here\n}\nconst insC = 5\ninsV := insT{}")
	for _, c := range []struct {
		src    string
		want   []string
		source string // shown when it is asked for
	}{
		{"insF‸n(3)", []string{"func insFn(a int) int", "insFn doubles.", "Really."}, "{ return 2 * a }"},
		{"insFn(‸", []string{"func insFn(a int) int"}, "{ return 2 * a }"},
		{"insVar‸", []string{"var insVar map[string]int"}, ""},
		{"ins‸T{}", []string{"type insT struct", "insT counts.", "Add(d int)"}, "type insT struct{ n int }"},
		{"insV.Ad‸d(1)", []string{"Add(d int)", "Add counts on."}, "t.n += d // here"},
		{"ins‸C", []string{"const insC"}, "const insC = 5"},
		{"import \"strings\"\nstrings.ToUpper‸", []string{"func strings.ToUpper(s string) string", "returns s with all Unicode letters mapped to their upper case"}, "unicode.ToUpper"},
		{"import \"strings\"\nstrings.NewReader(\"\").Le‸n()", []string{"Len() int", "the number of bytes of the unread portion"}, "func (r *Reader) Len() int {"},
		{"import \"strings\"\nstrin‸gs.ToUpper(\"x\")", []string{"package strings", "simple functions to manipulate UTF-8"}, ""},
		{"import \"os\"\nos.O_APP‸END", []string{"append data to the file when writing"}, "syscall.O_APPEND"},
		{"import \"time\"\ntime.Secon‸d", []string{"const time.Second"}, "1000 * Millisecond"},
		{"import \"net/http\"\nhttp.Server{}.Add‸r", []string{"field Addr string", "the TCP address for the server to listen on"}, "Addr string"},
		{"display.HTML‸", []string{"func display.HTML(s string)", "a piece of HTML"}, "func HTML(s string)"},
		{"appe‸nd(nil)", []string{"func append(slice []Type, elems ...Type) []Type", "appends elements to the end of a slice", "slice = append(slice, elem1, elem2)"}, ""},
		{"make(‸", []string{"func make(t Type, size ...IntegerType) Type", "allocates and initializes"}, ""},
		{"le‸n(\"\")", []string{"func len(v Type) int", "the length of v"}, ""},
		{"var e err‸or", []string{"the conventional interface for representing"}, "type error interface"},
		{"error(nil).Err‸or()", []string{"Error() string"}, "Error() string"},
		{"iot‸a", []string{"the untyped integer ordinal"}, "const iota = 0"},
		{"mus‸t(1, nil)", []string{"func must[T any](v T, err error) T", "Must returns v, and panics"}, "panic(err)"},
		{"ct‸x", []string{"var ctx context.Context", "cancelled when the cell is"}, "var Ctx context.Context"},
		{"Displ‸ay(1)", []string{"func Display(", "Display"}, "func Display("},
	} {
		src, pos := at(c.src)
		for detail := range 2 {
			got, found := e.Inspect(context.Background(), src, pos, detail)
			if !found {
				t.Errorf("%q: nothing found", c.src)
				continue
			}
			text, _ := got["text/plain"].(string)
			want := c.want
			if detail == 1 {
				want = append(want, c.source)
			}
			for _, want := range want {
				if !strings.Contains(text, want) {
					t.Errorf("%q: %q lacks %q", c.src, text, want)
				}
			}
			if has := strings.Contains(text, "\nSource:\n"); has != (detail == 1 && c.source != "") {
				t.Errorf("%q at detail %d: source shown: %v in %q", c.src, detail, has, text)
			}
		}
	}
	if _, found := e.Inspect(context.Background(), "  ", 1, 0); found {
		t.Error("found something in white space")
	}
}

func TestIsComplete(t *testing.T) {
	e, _ := shared(t)
	for _, c := range []struct{ src, status, indent string }{
		{"1 + 1", "complete", ""},
		{"", "complete", ""},
		{"// x", "complete", ""},
		{"for i := range 3 {", "incomplete", "\t"},
		{"func f() {\n\tif true {", "incomplete", "\t\t"},
		{"func f() int", "incomplete", ""},
		{"x := 1 +", "incomplete", "\t"},
		{"fmt.Println(", "incomplete", "\t"},
		{"s := `abc", "incomplete", ""},
		{"/* abc", "incomplete", ""},
		{"x := := 3", "invalid", ""},
		{"x)", "invalid", ""},
		{"}", "invalid", ""},
		{"func }{", "invalid", ""},
		{"f(a[1)", "invalid", ""},
		{"x := \")\" +", "incomplete", "\t"},
		{"import (", "incomplete", "\t"},
		{"type T struct {\n\tA int\n}", "complete", ""},
		{"%time x", "complete", ""},
		{"a := []int{1,\n2,", "incomplete", "\t"},
		{"if x > 3 {\n} else {", "incomplete", "\t"},
	} {
		status, indent := e.IsComplete(c.src)
		if status != c.status || indent != c.indent {
			t.Errorf("%q: %s %q, want %s %q", c.src, status, indent, c.status, c.indent)
		}
	}
}

func TestFormat(t *testing.T) {
	e, _ := shared(t)
	for _, c := range []struct{ src, want string }{
		{"x:=1+2", "x := 1 + 2"},
		{"import   \"fmt\"\n// c\nx:=1\nfunc f( ){ }\n// d\nfmt.Println( x )", "import \"fmt\"\n\n// c\nx := 1\n\nfunc f() {}\n\n// d\nfmt.Println(x)"},
	} {
		got, err := e.Format(c.src)
		if err != nil {
			t.Errorf("%q: %v", c.src, err)
		}
		squeeze := func(s string) string { return strings.ReplaceAll(s, "\n\n", "\n") }
		if squeeze(got) != squeeze(c.want) {
			t.Errorf("%q: %q, want %q", c.src, got, c.want)
		}
	}
	if _, err := e.Format("x := ("); err == nil {
		t.Error("broken source was formatted")
	}
}
