package vle

import (
	"math"
	"testing"

	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/nn"
)

// TestSharedPictures: items that share a picture have the results and the
// gradients of items with copies of it, whichever parts are wanted.
func TestSharedPictures(t *testing.T) {
	p, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	cfg := *p.Model.Config()
	size := 3 * cfg.Vision.ImageSize * cfg.Vision.ImageSize
	pictures := make([]float32, 3*size) // the third is nobody's
	for i := range pictures {
		pictures[i] = float32(math.Sin(float64(i) * float64(i/size+1)))
	}
	images := []int{1, 0, 1, 1}
	var copies []float32
	for _, i := range images {
		copies = append(copies, pictures[i*size:(i+1)*size]...)
	}
	ids := [][]int{{1, 40, 50, 2}, {1, 60, 2}, {1, 41, 51, 61, 71, 2}, {1, 60, 2}}
	for _, layers := range []int{0, 1, 2} {
		cfg.NumLayers = layers
		m, err := NewModel(&cfg)
		if err != nil {
			t.Fatal(err)
		}
		Initialize(m, 3)
		shared, apart := &Batch{IDs: ids, Pixels: pictures, Images: images}, &Batch{IDs: ids, Pixels: copies}
		for _, want := range []parts{pooledPart, pooledPart | textPart | imagePart, imagePart} {
			var got [2][][]float32
			for k, b := range []*Batch{shared, apart} {
				r := nn.NewRun()
				out, err := m.forward(r, b, want)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range []mat.Tensor{out.Pooled, out.Text, out.Image} {
					if x != nil {
						got[k] = append(got[k], append([]float32(nil), nn.Floats(x)...))
					}
				}
				r.Close()
			}
			for i := range got[0] {
				if w := worst(got[0][i], got[1][i]); w > 1 || len(got[0][i]) != len(got[1][i]) {
					t.Errorf("%d layers, parts %b: output %d is off by %g tolerances", layers, want, i, w)
				}
			}
		}
		var grads [2]map[string][]float32
		for k, b := range []*Batch{shared, apart} {
			r := nn.NewGraphRun(false, 0)
			out, err := m.forward(r, b, pooledPart|imagePart)
			if err != nil {
				t.Fatal(err)
			}
			rows, cols := out.Pooled.Shape()[0], out.Pooled.Shape()[1]
			loss := nn.BinaryCrossEntropy(r, nn.Tanh.Forward(r, out.Pooled), make([]float32, rows*cols), 1)
			grads[k] = map[string][]float32{}
			if err := nn.Backward(loss, 100); err != nil {
				t.Fatal(err)
			}
			r.Close()
			m.Visit(func(name string, _ []int, p **spago.Param) {
				if (*p).HasGrad() {
					grads[k][name] = append([]float32(nil), nn.Floats((*p).Grad())...)
					(*p).ZeroGrad()
				}
			})
		}
		if len(grads[0]) != len(grads[1]) || len(grads[0]) < 40 {
			t.Errorf("%d layers: %d and %d parameters have gradients", layers, len(grads[0]), len(grads[1]))
		}
		for name, g := range grads[0] {
			if w := worst(g, grads[1][name]); w > 5 {
				t.Errorf("%d layers: the gradient of %s is off by %g tolerances", layers, name, w)
			}
		}
	}
}
