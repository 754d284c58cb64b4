package vle

import (
	"image"
	"slices"
	"strings"
	"testing"

	"govle/vle/nn"
)

// TestNoCrossAttention: without it the text's states do not depend on the
// picture; with it they do.
func TestNoCrossAttention(t *testing.T) {
	p, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, alone := range []bool{false, true} {
		cfg := *p.Model.Config()
		cfg.NoCrossAttention = alone
		m, err := NewModel(&cfg)
		if err != nil {
			t.Fatal(err)
		}
		Initialize(m, 1)
		states := func(level float32) []float32 {
			b := &Batch{IDs: [][]int{{1, 5, 9, 2}}, Pixels: make([]float32, 3*cfg.Vision.ImageSize*cfg.Vision.ImageSize)}
			for i := range b.Pixels {
				b.Pixels[i] = level * float32(i%7)
			}
			r := nn.NewRun()
			defer r.Close()
			out, err := m.Forward(r, b)
			if err != nil {
				t.Fatal(err)
			}
			return slices.Clone(nn.Floats(out.Text))
		}
		if same := slices.Equal(states(0.1), states(-0.3)); same != alone {
			t.Errorf("no_cross_attention %v: the text's states are the same for two pictures: %v", alone, same)
		}
	}
}

// TestExplainNeedsCrossAttention: a model that lacks it says so.
func TestExplainNeedsCrossAttention(t *testing.T) {
	p, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	cfg := *p.Model.Config()
	cfg.NoCrossAttention = true
	m, err := NewVQA(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	Initialize(m, 1)
	_, err = (&VQAPipeline{Model: m, Processor: p.Processor}).Explain(image.NewGray(image.Rect(0, 0, 64, 64)), "is there a circle?", 1)
	if err == nil || !strings.Contains(err.Error(), "no_cross_attention") {
		t.Errorf("%v", err)
	}
}
