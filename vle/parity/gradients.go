package parity

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/nlpodyssey/spago/ag"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/nn"
)

// ofLargest is for gradients in units of their tensor's largest one.
var ofLargest = tolerance{1e-4, 0}

// gradientNorms is grad_C.norms.json: null for a parameter without a gradient.
type gradientNorms struct {
	Grads map[string]*struct {
		L2     float64 `json:"l2"`
		Sum    float64 `json:"sum"`
		AbsMax float64 `json:"absmax"`
	} `json:"grads"`
}

// checkGradients takes a case's loss back through the model. The bare body has
// none: its loss is sum(pooled · w), w in grad_weight.npz.
func checkGradients(c *check, h head, f *folder, stem, ckpt string) error {
	z, info, err := readCase(f, "case_"+strings.TrimPrefix(stem, "grad_"))
	if err != nil {
		return err
	}
	m, err := load(h, ckpt, "", vle.LoadOptions{Trainable: true})
	if err != nil {
		return err
	}
	defer m.Close()
	batches, err := makeBatches(z, info)
	if err != nil {
		return err
	}
	r := nn.NewGraphRun(false, 0)
	x, err := h.run(m.Parameterized, r, batches)
	if err != nil {
		return err
	}
	if h.loss == nil {
		weight, err := readNPZ(f.path("grad_weight.npz"))
		if err != nil {
			return err
		}
		shape, w := x.Shape(), weight["w"].float32s()
		if len(w) != shape[0]*shape[1] {
			return fmt.Errorf("grad_weight.npz: w has shape %v, the pooled output %v", weight["w"].shape, shape)
		}
		x.AccGrad(nn.Dense(shape[0], shape[1], w))
	} else if x, _, err = h.loss(r, x, info); err != nil {
		return err
	}
	if err := ag.Backward(x); err != nil {
		return err
	}
	return compareGradients(c, m.Parameterized, f, stem)
}

// compareGradients holds the parameters' gradients against the recorded norms
// and, where they are recorded, against every element.
func compareGradients(c *check, m vle.Parameterized, f *folder, stem string) error {
	var norms gradientNorms
	if err := readJSON(f.path(stem+".norms.json"), &norms); err != nil {
		return err
	}
	full, err := readNPZ(f.path(stem + ".npz"))
	if err != nil {
		return err
	}
	most := 0.0
	for _, n := range norms.Grads {
		if n != nil {
			most = max(most, n.AbsMax)
		}
	}
	got := map[string][]float32{}
	m.Visit(func(name string, _ []int, p **spago.Param) {
		if (*p).HasGrad() {
			got[name] = nn.Floats((*p).Grad())
		} else {
			got[name] = nil
		}
	})
	names := make([]string, 0, len(norms.Grads))
	for name := range norms.Grads {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		n, g := norms.Grads[name], got[name]
		if n == nil {
			c.item(g == nil || largest(g) == 0, "%s: has a gradient, the reference has none", name)
			continue
		}
		if g == nil {
			// Analytically zero here and there; only noise was recorded.
			c.item(n.AbsMax <= 1e-6*most, "%s: has no gradient, recorded norm %g", name, n.L2)
			continue
		}
		var sum, square float64
		for _, v := range g {
			sum += float64(v)
			square += float64(v) * float64(v)
		}
		// In units of the tensor's largest gradient, so that one tolerance
		// fits all; some tensors' gradients are zero but for rounding.
		unit := max(n.AbsMax, most/100, math.SmallestNonzeroFloat32)
		scaled := func(what string, unit float64, got, want []float64) {
			for i := range got {
				got[i] /= unit
			}
			for i := range want {
				want[i] /= unit
			}
			close(c, ofLargest, name+what, got, want)
		}
		root := math.Sqrt(float64(len(g)))
		scaled(": largest", unit, []float64{largest(g)}, []float64{n.AbsMax})
		scaled(": l2 norm", unit*root, []float64{math.Sqrt(square)}, []float64{n.L2})
		scaled(": sum", unit*root, []float64{sum}, []float64{n.Sum})
		if a, ok := full[name]; ok {
			wide := make([]float64, len(g))
			for i, v := range g {
				wide[i] = float64(v)
			}
			scaled("", unit, wide, a.floats)
		}
	}
	return nil
}

func largest(x []float32) float64 {
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(float64(v)))
	}
	return most
}
