package vle

import (
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"govle/vle/nn"
)

// formula is the recorded formula that gives a real-size model its weights
// without a file: a parameter's elements follow from its name and shape.
type formula struct{ shapes map[string][]int }

func newFormula(m Parameterized) *formula {
	f := &formula{map[string][]int{}}
	visitShapes(m, f.shapes)
	return f
}

func (f *formula) Names() []string {
	var n []string
	for k := range f.shapes {
		n = append(n, k)
	}
	return n
}

func (f *formula) Shape(name string) []int { return f.shapes[name] }

func (f *formula) Float32(name string) ([]float32, error) {
	shape := f.shapes[name]
	n, tail := 1, 1
	for i, d := range shape {
		n *= d
		if i > 0 {
			tail *= d
		}
	}
	scale, shift := 0.2, 0.0
	switch {
	case len(shape) > 1 && strings.Contains(name, "embedding") && !strings.Contains(name, "patch_embedding"):
		scale = 1
	case len(shape) > 1:
		scale = math.Sqrt(12 / float64(tail))
	case strings.HasSuffix(name, "weight") && (strings.Contains(strings.ToLower(name), "norm") || strings.HasPrefix(name, "vqa_classifier.1.")):
		scale, shift = 0.4, 1
	}
	x := make([]float32, n)
	uniform(name, func(i int, u float64) { x[i] = float32(shift + scale*u) }, n)
	return x, nil
}

// uniform calls f with the n numbers in [-0.5, 0.5) that the formula gives name.
func uniform(name string, f func(i int, u float64), n int) {
	h := fnv.New64a()
	h.Write([]byte(name))
	s := h.Sum64()
	for i := range n {
		s += 0x9E3779B97F4A7C15
		z := s
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		f(i, float64(z>>40)/(1<<24)-0.5)
	}
}

// realModel returns the VQA model of an architecture recorded in golden/archs
// with the formula's weights, and its config.
func realModel(t testing.TB, size string, image int) *VQA {
	data, err := os.ReadFile(golden(t, "archs", size+".config.json"))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := ParseConfig(data)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Vision.ImageSize = image
	cfg.Labels = make(Labels, 3129)
	m, err := NewVQA(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(m, newFormula(m), LoadOptions{}); err != nil {
		t.Fatal(err)
	}
	return m
}

func realBatch(image int) *Batch {
	b := &Batch{IDs: make([][]int, 2), Mask: make([][]int, 2), Pixels: make([]float32, 2*3*image*image)}
	uniform("input_ids", func(i int, u float64) {
		b.IDs[i/17] = append(b.IDs[i/17], int((u+0.5)*127000)+100)
		on := 1
		if i >= 17+10 {
			on = 0
		}
		b.Mask[i/17] = append(b.Mask[i/17], on)
	}, 2*17)
	b.IDs[0][0], b.IDs[1][0], b.IDs[0][16], b.IDs[1][9] = 1, 1, 2, 2
	for j := 10; j < 17; j++ {
		b.IDs[1][j] = 0
	}
	uniform("pixel_values", func(i int, u float64) { b.Pixels[i] = float32(4 * u) }, len(b.Pixels))
	return b
}

// TestRealSize runs the 378 M model. It takes 3 GB and some seconds, so
// GOVLE_REALSIZE=1 must ask for it.
func TestRealSize(t *testing.T) {
	if os.Getenv("GOVLE_REALSIZE") == "" {
		t.Skip("set GOVLE_REALSIZE=1 to run the 378 M model")
	}
	for _, size := range []int{224, 384} {
		c := openRecording(t, golden(t, "realsize", fmt.Sprintf("vqa_base_%d.npz", size)))
		m := realModel(t, "base", size)
		b := realBatch(size)
		if fmt.Sprint(b.IDs) != fmt.Sprint(c.ints("input_ids.npy")) || fmt.Sprint(b.Mask) != fmt.Sprint(c.ints("attention_mask.npy")) {
			t.Fatal("the inputs are not the recorded ones")
		}
		// What was recorded as the vision encoder's last hidden state is CLIP's,
		// before the final layer norm.
		var vision []float32
		last := fmt.Sprintf("vision.layer%d.output", m.Config().Vision.NumLayers-1)
		r := nn.NewRun().WithWatch(func(name string, _ []int, data []float32) {
			if name == last {
				vision = append(vision, data...)
			}
		})
		out, err := m.Body.Forward(r, b)
		if err != nil {
			t.Fatal(err)
		}
		near := func(name string, got, want []float32) {
			worst := 0.0
			for i, w := range want {
				worst = max(worst, math.Abs(float64(got[i])-float64(w)))
			}
			t.Logf("%d px %s: off by %.3g", size, name, worst)
			if len(got) != len(want) || !(worst <= 1e-4) {
				t.Errorf("%d px %s: %d values, want %d; off by %g", size, name, len(got), len(want), worst)
			}
		}
		near("pooler_output", nn.Floats(out.Pooled), c.floats("pooler_output.npy"))
		near("logits", nn.Floats(m.Head.Forward(r, out.Pooled)), c.floats("logits.npy"))
		plain := nn.NewRun() // unwatched, attention keeps no probabilities
		y, err := m.Forward(plain, b)
		if err != nil {
			t.Fatal(err)
		}
		near("logits of an unwatched run", nn.Floats(y), c.floats("logits.npy"))
		plain.Close()
		for name, x := range map[string][]float32{
			"vision_last_hidden": vision, "text_last_hidden": nn.Floats(out.TextFeatures),
			"text_embeds": nn.Floats(out.Text), "image_embeds": nn.Floats(out.Image),
		} {
			var pos []int64
			if err := c.f.Read(name+".pos.npy", &pos); err != nil {
				t.Fatal(err)
			}
			at := make([]float32, len(pos))
			for i, p := range pos {
				at[i] = x[p]
			}
			near(name, at, c.floats(name+".val.npy"))
		}
		r.Close()
	}
}

// BenchmarkBase is the model with the head for questions, one picture and one
// question, with the weights in each form.
func BenchmarkBase(b *testing.B) {
	if os.Getenv("GOVLE_REALSIZE") == "" {
		b.Skip("set GOVLE_REALSIZE=1 to run the 378 M model")
	}
	for _, size := range []int{224, 384} {
		m := realModel(b, "base", size)
		in := realBatch(size)
		in.IDs, in.Mask, in.Pixels = in.IDs[:1], in.Mask[:1], in.Pixels[:3*size*size]
		for _, form := range []struct {
			name string
			pack func()
		}{
			{"as they are", func() {}},
			{"packed float32", func() { Pack(m) }},
			{"bfloat16", func() { PackWith(m, PackOptions{Precision: nn.BFloat16}) }},
			{"int8", func() { PackWith(m, PackOptions{Precision: nn.Int8}) }},
		} {
			form.pack()
			b.Run(fmt.Sprintf("%d/%s", size, form.name), func(b *testing.B) {
				b.ReportAllocs()
				best := math.Inf(1)
				for b.Loop() {
					start := time.Now()
					r := nn.NewRun()
					if _, err := m.Forward(r, in); err != nil {
						b.Fatal(err)
					}
					r.Close()
					best = min(best, time.Since(start).Seconds())
				}
				b.ReportMetric(1000*best, "best-ms")
			})
		}
	}
}
