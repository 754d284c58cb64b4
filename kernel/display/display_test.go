package display

import (
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

type htmlValue struct{ s string }

func (h htmlValue) HTML() string { return "<i>" + h.s + "</i>" }

type bundleValue struct{}

func (bundleValue) MIMEBundle() map[string]any { return map[string]any{"image/svg+xml": "<svg/>"} }
func (bundleValue) String() string             { return "a drawing" }

type length float64

type plotValue struct{}

func (plotValue) WriterTo(w, h length, format string) (io.WriterTo, error) {
	if format != "png" {
		return nil, errors.New("only png")
	}
	return strings.NewReader(fmt.Sprintf("picture %gx%g", float64(w), float64(h))), nil
}

type grid struct{ v [][]float64 }

func (g grid) Dims() (int, int)    { return len(g.v), len(g.v[0]) }
func (g grid) At(i, j int) float64 { return g.v[i][j] }

// manyForms has the methods that gophernotes knows.
type manyForms struct{}

func (manyForms) SVG() string          { return "<svg/>" }
func (manyForms) PNG() []byte          { return []byte("png") }
func (manyForms) JPEG() []byte         { return []byte("jpeg") }
func (manyForms) PDF() []byte          { return []byte("pdf") }
func (manyForms) Markdown() string     { return "*m*" }
func (manyForms) Latex() string        { return "$l$" }
func (manyForms) JSON() map[string]any { return map[string]any{"k": 1} }
func (manyForms) String() string       { return "many" }

type renderValue struct{}

func (renderValue) Render() Data { return HTML("rendered") }

type point struct {
	X, Y int
	name string
}

func TestBundle(t *testing.T) {
	var nilBundle *bundleValue
	for _, c := range []struct {
		name  string
		v     any
		text  string
		kinds string
		part  string // of the first kind that is not text/plain
	}{
		{"nil", nil, "<nil>", "text/plain", ""},
		{"number", 3, "3", "text/plain", ""},
		{"nil pointer", nilBundle, "<nil>", "text/plain", ""},
		{"error", errors.New("bad"), "bad", "text/plain", ""},
		{"HTML method", htmlValue{"x"}, "{x}", "text/html text/plain", "<i>x</i>"},
		{"MIMEBundle", bundleValue{}, "a drawing", "image/svg+xml text/plain", "<svg/>"},
		{"Data", HTML("<b>1</b>"), "<b>1</b>", "text/html text/plain", "<b>1</b>"},
		{"Markdown", Markdown("# h"), "# h", "text/markdown text/plain", "# h"},
		{"Math", Math("x^2"), "x^2", "text/latex text/plain", "$$x^2$$"},
		{"JSON", JSON(map[string]int{"a": 1}), "{\n  \"a\": 1\n}", "application/json text/plain", ""},
		{"image", image.NewGray(image.Rect(0, 0, 2, 3)), "*image.Gray 2×3", "image/png text/plain", "\x89PNG"},
		{"empty image", image.NewGray(image.Rect(0, 0, 0, 0)), "*image.Gray 0×0", "text/plain", ""},
		{"plot", plotValue{}, "display.plotValue", "image/png text/plain", "picture 432x288"},
		{"struct", point{1, 2, "p<q"}, "{1 2 p<q}", "text/html text/plain", "<b>name</b> p&lt;q"},
		{"structs", []point{{1, 2, "a"}, {3, 4, "b"}}, "[{1 2 a} {3 4 b}]", "text/html text/plain", "<th>name</th>"},
		{"pointers to structs", []*point{nil}, "[<nil>]", "text/html text/plain", "&lt;nil&gt;"},
		{"rows of numbers", [][]float64{{1.5, 2}}, "[[1.5 2]]", "text/html text/plain", "1.5"},
		{"plain slice", []int{1, 2}, "[1 2]", "text/plain", ""},
		{"map", map[int]string{10: "x", 9: "y"}, "map[9:y 10:x]", "text/html text/plain", "<b>9</b> y</div><div><b>10</b> x"},
		{"matrix", grid{[][]float64{{1, 2}, {30, 4}}}, "2 × 2\n   1  2\n  30  4", "text/html text/plain", "2 × 2"},
		{"records", []map[string]any{{"b": 1, "a": "x<"}, {"c": nil}}, "[map[a:x< b:1] map[c:<nil>]]", "text/html text/plain",
			`<th></th><th>a</th><th>b</th><th>c</th></tr><tr><th>0</th><td style="text-align:left">x&lt;</td><td style="text-align:right">1</td><td></td></tr>`},
		{"rows of unsigned numbers", [][]uint16{{7}}, "[[7]]", "text/html text/plain", ">7<"},
		{"rows of bytes", [][]byte{{7}}, "[[7]]", "text/plain", ""},
		{"struct with a time", struct{ At time.Time }{time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}, "{2026-01-02 00:00:00 +0000 UTC}", "text/html text/plain", "<b>At</b> 2026-01-02 00:00:00"},
		{"tree", map[string]any{"in": point{1, 2, "n"}}, "map[in:{1 2 n}]", "text/html text/plain", "<summary><b>in</b> display.point</summary>"},
		{"joined errors", errors.Join(errors.New("a"), errors.New("b")), "a\nb", "text/plain", ""},
		{"Latex", Latex("$x$"), "$x$", "text/latex text/plain", "$x$"},
		{"SVG", SVG("<svg/>"), "image/svg+xml", "image/svg+xml text/plain", "<svg/>"},
		{"PNG", PNG([]byte("\x89PNG")), "image/png (4 bytes)", "image/png text/plain", "\x89PNG"},
		{"JPEG", JPEG([]byte("\xff\xd8")), "image/jpeg (2 bytes)", "image/jpeg text/plain", "\xff\xd8"},
		{"PDF", PDF([]byte("%PDF")), "application/pdf (4 bytes)", "application/pdf text/plain", "%PDF"},
		{"JavaScript", JavaScript("1"), "1", "application/javascript text/plain", "1"},
		{"Text", Text("t"), "t", "text/plain", ""},
		{"Any", Any("text/html", "<p>"), "<p>", "text/html text/plain", "<p>"},
		{"Auto", Any("", htmlValue{"x"}), "{x}", "text/html text/plain", "<i>x</i>"},
		{"Vega-Lite", VegaLite(map[string]string{"mark": "bar"}), "a Vega-Lite chart", "application/vnd.vegalite.v5+json text/plain", `{"mark":"bar"}`},
		{"Vega-Lite as text", VegaLite(`{"mark":"bar"}`), "a Vega-Lite chart", "application/vnd.vegalite.v5+json text/plain", `{"mark":"bar"}`},
		{"all methods", manyForms{}, "many", "application/json application/pdf image/jpeg image/png image/svg+xml text/latex text/markdown text/plain", "k"},
		{"Render", renderValue{}, "rendered", "text/html text/plain", "rendered"},
		{"time", time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), "2026-01-02 00:00:00 +0000 UTC", "text/plain", ""},
		{"bad JSON", JSON(func() {}), "display.JSON: json: unsupported type: func()", "text/plain", ""},
		{"bad Vega-Lite", VegaLite("{"), "display.VegaLite: the specification is not valid JSON", "text/plain", ""},
		{"MIME", MIME(MIMEMap{"text/html": "x"}, nil), "text/html", "text/html text/plain", "x"},
	} {
		data, _ := Bundle(c.v)
		if got := data["text/plain"]; got != c.text && !(c.name == "pointers to structs") {
			t.Errorf("%s: text %q, want %q", c.name, got, c.text)
		}
		got := kinds(data)
		if strings.Join(got, " ") != c.kinds {
			t.Errorf("%s: kinds %v, want %s", c.name, got, c.kinds)
		}
		if c.part != "" {
			i := slices.IndexFunc(got, func(k string) bool { return k != "text/plain" })
			body := fmt.Sprintf("%s", data[got[i]])
			if !strings.Contains(body, c.part) {
				t.Errorf("%s: %s %q lacks %q", c.name, got[i], body, c.part)
			}
		}
	}
}

func TestLongTablesSayWhatIsLeftOut(t *testing.T) {
	page, ok := HTMLTable(make([]point, 1000))
	if !ok || !strings.Contains(page, "940 more rows") || len(page) > 20000 {
		t.Errorf("%v, %d bytes", ok, len(page))
	}
}

// recorder records messages.
type recorder struct{ messages []Message }

func (f *recorder) Publish(m Message) error { f.messages = append(f.messages, m); return nil }
func (f *recorder) Input(prompt string, password bool) (string, error) {
	return prompt + fmt.Sprint(password), nil
}

func TestMessages(t *testing.T) {
	f := &recorder{}
	Connect(f)
	defer Connect(terminal{})
	Display(1, HTML("x"))
	h := Show(2)
	h.Update(3)
	Update("mine", 4)
	Clear(true)
	want := []string{"display_data", "display_data", "display_data", "update_display_data", "update_display_data", "clear_output"}
	for i, m := range f.messages {
		if m.Kind != want[i] {
			t.Errorf("message %d is %s, want %s", i, m.Kind, want[i])
		}
	}
	id := func(i int) any { return f.messages[i].Content["transient"].(map[string]any)["display_id"] }
	if id(2) != h.ID || id(3) != h.ID || id(4) != "mine" {
		t.Errorf("display ids %v %v %v", id(2), id(3), id(4))
	}
	if s, err := Password("p"); err != nil || s != "ptrue" {
		t.Errorf("%q %v", s, err)
	}
}
