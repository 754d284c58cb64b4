package notebook

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"regexp"
	"strings"
	"testing"
)

func TestCompareText(t *testing.T) {
	for _, c := range []struct {
		name, a, b string
		opts       CompareOptions
		want       string // "" when they agree
	}{
		{"same", "a", "a", CompareOptions{}, ""},
		{"line changed", "a\nb\nc", "a\nx\nc", CompareOptions{}, `line 2 was "b", now "x"`},
		{"line new", "a", "a\nb", CompareOptions{}, `line 2 is new: "b"`},
		{"line missing", "a\nb", "a", CompareOptions{}, `line 2 is missing: "b"`},
		{"durations", "took 1.5s and 20 ms, 1m3s", "took 2s and 7.25 µs, 59.5s", CompareOptions{}, ""},
		{"durations when strict", "took 1.5s", "took 2s", CompareOptions{Strict: true}, "line 1"},
		{"a number is no duration", "n = 3", "n = 4", CompareOptions{}, "line 1"},
		{"rates", "12.5 it/s, 90 img/s", "3 it/s, 1e3 img/s", CompareOptions{}, ""},
		{"times", "at 2026-01-02T03:04:05.6Z", "at 2025-12-31 23:59:59", CompareOptions{}, ""},
		{"addresses", "p 0xc000123456", "p 0xc000abcdef", CompareOptions{}, ""},
		{"a short hex number counts", "0x1f", "0x2f", CompareOptions{}, "line 1"},
		{"own pattern", "seed 42 ok", "seed 7 ok", CompareOptions{Ignore: []*regexp.Regexp{regexp.MustCompile(`seed \d+`)}}, ""},
		{"numbers within tolerance", "p = 0.12345, n=2", "p = 0.12346, n=2", CompareOptions{Numbers: 1e-3}, ""},
		{"numbers beyond tolerance", "p = 0.12", "p = 0.13", CompareOptions{Numbers: 1e-3}, "line 1"},
		{"words around numbers count", "p = 0.12", "q = 0.12", CompareOptions{Numbers: 1e-3}, "line 1"},
		{"colours do not count", "\x1b[31ma\x1b[0m", "a", CompareOptions{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := compareText(c.a, c.b, c.opts)
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, wanted %q", got, c.want)
			}
		})
	}
}

// gradient is a 10×10 PNG in base64 with the first pixels brighter by delta.
func gradient(t *testing.T, width, changed int, delta uint8) string {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, width, 10))
	for i := range width * 10 {
		v := uint8(i)
		if i < changed {
			v += delta
		}
		img.SetNRGBA(i%width, i/width, color.NRGBA{v, 10, 20, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestComparePictures(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b string
		opts CompareOptions
		want string
	}{
		{"same", gradient(t, 10, 0, 0), gradient(t, 10, 0, 0), CompareOptions{}, ""},
		{"line breaks do not count", gradient(t, 10, 0, 0), gradient(t, 10, 0, 0)[:40] + "\n" + gradient(t, 10, 0, 0)[40:], CompareOptions{}, ""},
		{"one pixel", gradient(t, 10, 0, 0), gradient(t, 10, 1, 9), CompareOptions{}, "1 % of the pixels differ, by up to 9 of 255"},
		{"within the tolerance of a channel", gradient(t, 10, 0, 0), gradient(t, 10, 50, 2), CompareOptions{Pixels: 2}, ""},
		{"beyond it", gradient(t, 10, 0, 0), gradient(t, 10, 50, 3), CompareOptions{Pixels: 2}, "50 %"},
		{"within the share", gradient(t, 10, 0, 0), gradient(t, 10, 1, 200), CompareOptions{PixelShare: 0.01}, ""},
		{"other size", gradient(t, 10, 0, 0), gradient(t, 12, 0, 0), CompareOptions{PixelShare: 1}, "was (10,10), now (12,10)"},
		{"no picture", "aGk=", "aGo=", CompareOptions{}, "bytes differ"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := comparePictures(c.a, c.b, c.opts)
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, wanted %q", got, c.want)
			}
			inHTML := compareText(`<img src="data:image/png;base64,`+c.a+`">`, `<img src="data:image/png;base64,`+c.b+`">`, c.opts)
			if (inHTML == "") != (c.want == "") {
				t.Errorf("inside HTML: %q, wanted %q", inHTML, c.want)
			}
		})
	}
}

func TestCompareCells(t *testing.T) {
	stream := func(name, text string) *Output { return &Output{Type: Stream, Name: name, Text: text} }
	value := func(data map[string]any) *Output { return &Output{Type: ExecuteResult, Data: data} }
	for _, c := range []struct {
		name string
		a, b []*Output
		want string
	}{
		{"interleaving does not count", []*Output{stream("stdout", "a"), stream("stderr", "x"), stream("stdout", "b")}, []*Output{stream("stdout", "ab"), stream("stderr", "x")}, ""},
		{"stderr counts", []*Output{stream("stderr", "x")}, nil, "stderr: "},
		{"output missing", []*Output{value(map[string]any{"text/plain": "7"})}, nil, "missing output: execute_result text/plain 7"},
		{"output new", nil, []*Output{{Type: ErrorOutput, ErrorName: "Panic", ErrorValue: "boom"}}, "new output: error Panic: boom"},
		{"form missing", []*Output{value(map[string]any{"text/plain": "7", "text/html": "<b>"})}, []*Output{value(map[string]any{"text/plain": "7"})}, "text/html is missing"},
		{"value differs", []*Output{value(map[string]any{"text/plain": "7"})}, []*Output{value(map[string]any{"text/plain": "8"})}, `text/plain: line 1 was "7", now "8"`},
		{"JSON differs", []*Output{value(map[string]any{"application/json": map[string]any{"a": true}})}, []*Output{value(map[string]any{"application/json": map[string]any{"a": false}})}, "application/json: "},
		{"widget models are random", []*Output{value(map[string]any{"application/vnd.jupyter.widget-view+json": map[string]any{"model_id": "a"}})}, []*Output{value(map[string]any{"application/vnd.jupyter.widget-view+json": map[string]any{"model_id": "b"}})}, ""},
		{"other error", []*Output{{Type: ErrorOutput, ErrorName: "Panic", ErrorValue: "a"}}, []*Output{{Type: ErrorOutput, ErrorName: "Panic", ErrorValue: "b"}}, "error: "},
		{"other kind", []*Output{value(map[string]any{"text/plain": "7"})}, []*Output{{Type: ErrorOutput, ErrorName: "Panic"}}, "was execute_result text/plain 7, now error Panic"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(compareCells(&Cell{Outputs: c.a}, &Cell{Outputs: c.b}, CompareOptions{}), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, wanted %q", got, c.want)
			}
		})
	}
}
