package parity

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"sort"
	"strings"

	"github.com/nlpodyssey/spago/ag"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/nn"
)

// findGradients finds grad_C.norms.json with grad_C.npz in a head's folder.
func findGradients(f *folder, h head, known bool, ckpt string) []testCase {
	var cases []testCase
	for _, file := range f.names(".norms.json") {
		stem := strings.TrimSuffix(file, ".norms.json")
		f.path(stem + ".npz")
		tc := testCase{name: f.caseName(stem)}
		switch {
		case !known:
			tc.unsupported = fmt.Sprintf("head %q", filepath.Base(f.dir))
		case f.has["grad_weight.npz"]:
			f.path("grad_weight.npz")
			tc.run = func(_ context.Context, c *check) error { return checkBodyGradients(c, h, f, stem, ckpt) }
		default:
			tc.unsupported = "the loss of this head"
		}
		cases = append(cases, tc)
	}
	return cases
}

// gradientNorms is grad_C.norms.json: null for a parameter without a gradient.
type gradientNorms struct {
	Grads map[string]*struct {
		L2     float64 `json:"l2"`
		Sum    float64 `json:"sum"`
		AbsMax float64 `json:"absmax"`
	} `json:"grads"`
}

// checkBodyGradients takes the loss sum(pooled · w), w in grad_weight.npz, back
// through the body.
func checkBodyGradients(c *check, h head, f *folder, stem, ckpt string) error {
	weight, err := readNPZ(f.path("grad_weight.npz"))
	if err != nil {
		return err
	}
	z, info, err := readCase(f, "case_"+strings.TrimPrefix(stem, "grad_"))
	if err != nil {
		return err
	}
	m, err := load(h, ckpt, "", vle.LoadOptions{Trainable: true})
	if err != nil {
		return err
	}
	defer m.Close()
	b, err := makeBatch(z, "", info.Boxes, info.Types)
	if err != nil {
		return err
	}
	r := nn.NewGraphRun(false, 0)
	out, _, err := h.forward(m.Parameterized, r, b)
	if err != nil {
		return err
	}
	shape := out.Pooled.Shape()
	w := weight["w"].float32s()
	if len(w) != shape[0]*shape[1] {
		return fmt.Errorf("grad_weight.npz: w has shape %v, the pooled output %v", weight["w"].shape, shape)
	}
	out.Pooled.AccGrad(nn.Dense(shape[0], shape[1], w))
	if err := ag.Backward(out.Pooled); err != nil {
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
		if g := (*p).Grad(); g != nil {
			got[name] = nn.Floats(g)
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
			close(c, closely, name+what, got, want)
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
