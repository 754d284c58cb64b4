package viz_test

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot/cmpimg"

	"govle/viz"
)

var update = flag.Bool("update", false, "write the golden pictures anew; look at them before committing")

type picture interface {
	WritePNG(io.Writer) error
	WriteSVG(io.Writer) error
	MIMEBundle() map[string]any
	String() string
}

func topK(t testing.TB) *viz.TopK {
	t.Helper()
	p, err := viz.NewTopK("what is the colour of the shape?",
		[]string{"teal", "blue", "green", "an answer that is far too long to stand beside its bar", "no"},
		[]float64{0.8213, 0.1106, 0.0534, 0.0143, 0.0001})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// disc is a wide picture with a red disc left of its centre.
func disc() image.Image {
	img := image.NewRGBA(image.Rect(10, 20, 106, 84))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{230, 240, 235, 255}), image.Point{}, draw.Src)
	for y := 20; y < 84; y++ {
		for x := 10; x < 106; x++ {
			if math.Hypot(float64(x-42), float64(y-52)) < 14 {
				img.SetRGBA(x, y, color.RGBA{200, 30, 30, 255})
			}
		}
	}
	return img
}

// bump is a rows×cols weight matrix that peaks at (r, c).
func bump(rows, cols int, r, c, height float64) mat.Matrix {
	m := mat.NewDense(rows, cols, nil)
	for i := range rows {
		for j := range cols {
			d := (float64(i)-r)*(float64(i)-r) + (float64(j)-c)*(float64(j)-c)
			m.Set(i, j, height*math.Exp(-d/2))
		}
	}
	return m
}

func attention(t testing.TB) *viz.Attention {
	t.Helper()
	a, err := viz.NewAttention(disc(), []string{"what", "colour", "disc", "?", "[SEP]"}, []mat.Matrix{
		bump(8, 8, 0, 0, 0.05), bump(8, 8, 3.5, 2, 0.2), bump(8, 8, 3.5, 1.6, 0.31), bump(8, 8, 7, 7, 0.1), mat.NewDense(8, 8, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Title = "Where each word looks"
	a.Region = image.Rect(26, 20, 90, 84) // the centre crop of a wide picture
	return a
}

func TestGoldenPictures(t *testing.T) {
	smooth := attention(t)
	smooth.Smooth, smooth.Columns = true, 3
	for name, p := range map[string]picture{"topk": topK(t), "attention": attention(t), "attention_smooth": smooth} {
		t.Run(name, func(t *testing.T) {
			compare(t, filepath.Join("testdata", name+".png"), "png", p.WritePNG)
			compare(t, filepath.Join("testdata", name+".svg"), "svg", p.WriteSVG)
		})
	}
}

// compare checks what write writes against the golden file.
func compare(t *testing.T, golden, format string, write func(io.Writer) error) {
	t.Helper()
	var got bytes.Buffer
	if err := write(&got); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	same, err := cmpimg.EqualApprox(format, got.Bytes(), want, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	if !same {
		t.Errorf("%s differs from what is drawn now; go test ./viz -update writes it anew", golden)
	}
}

func TestBundle(t *testing.T) {
	for _, p := range []picture{topK(t), attention(t)} {
		b := p.MIMEBundle()
		if svg, _ := b["image/svg+xml"].(string); !strings.HasPrefix(svg, "<svg") || strings.Contains(svg, "NaN") {
			t.Errorf("%T: image/svg+xml begins %.40q", p, svg)
		}
		if _, format, err := image.Decode(bytes.NewReader(b["image/png"].([]byte))); err != nil || format != "png" {
			t.Errorf("%T: image/png: %v", p, err)
		}
		if b["text/plain"] != p.String() {
			t.Errorf("%T: text/plain is %q", p, b["text/plain"])
		}
	}
}

func TestTextForms(t *testing.T) {
	if got := topK(t).String(); !strings.Contains(got, " 82.1 %  teal\n") || !strings.HasSuffix(got, "<0.1 %  no") {
		t.Errorf("top-k as text:\n%s", got)
	}
	if got := attention(t).String(); !strings.Contains(got, "disc: most at row 4, column 3 of 8×8 patches") {
		t.Errorf("attention as text:\n%s", got)
	}
}

func TestBadNumbers(t *testing.T) {
	ok := bump(2, 2, 0, 0, 1)
	for name, build := range map[string]func() error{
		"no answers":      func() error { _, err := viz.NewTopK("q", nil, nil); return err },
		"lengths":         func() error { _, err := viz.NewTopK("q", []string{"a"}, []float64{.1, .2}); return err },
		"not probability": func() error { _, err := viz.NewTopK("q", []string{"a"}, []float64{math.NaN()}); return err },
		"too much":        func() error { _, err := viz.NewTopK("q", []string{"a"}, []float64{1.5}); return err },
		"no picture":      func() error { _, err := viz.NewAttention(nil, []string{"a"}, []mat.Matrix{ok}); return err },
		"no tokens":       func() error { _, err := viz.NewAttention(disc(), nil, []mat.Matrix{ok}); return err },
		"sizes": func() error {
			_, err := viz.NewAttention(disc(), []string{"a", "b"}, []mat.Matrix{ok, bump(2, 3, 0, 0, 1)})
			return err
		},
		"negative": func() error {
			_, err := viz.NewAttention(disc(), []string{"a"}, []mat.Matrix{mat.NewDense(1, 1, []float64{-1})})
			return err
		},
	} {
		if err := build(); err == nil || !strings.HasPrefix(err.Error(), "viz: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
