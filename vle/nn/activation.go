package nn

import (
	"fmt"
	"math"

	"github.com/nlpodyssey/spago/mat"

	"govle/vle/blas/vec"
)

// Activation names an elementwise function.
type Activation int

// The activations that the reference's configurations may name.
const (
	// GELU is x·Φ(x) with Φ by the error function (Hendrycks and Gimpel 2016).
	GELU Activation = iota + 1
	// QuickGELU is x·σ(1.702x), CLIP's.
	QuickGELU
	// GELUNew is the tanh approximation of GELU.
	GELUNew
	// ReLU is max(x, 0).
	ReLU
	// Tanh is the hyperbolic tangent.
	Tanh
)

var activationNames = map[string]Activation{
	"gelu": GELU, "quick_gelu": QuickGELU, "gelu_new": GELUNew,
	"gelu_pytorch_tanh": GELUNew, "relu": ReLU, "tanh": Tanh,
}

// ParseActivation returns the activation that a Hugging Face config names.
func ParseActivation(name string) (Activation, error) {
	if a, ok := activationNames[name]; ok {
		return a, nil
	}
	return 0, fmt.Errorf("unknown activation %q (known: gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, relu, tanh)", name)
}

// Forward applies the function to each element of x and, in inference,
// overwrites x.
func (a Activation) Forward(r *Run, x mat.Tensor) mat.Tensor {
	return r.Do(&Activate{X: x, Kind: a, InPlace: true})
}

func tanh32(x float32) float32 { return float32(math.Tanh(float64(x))) }

// Activate is the elementwise operator y = Kind(X).
type Activate struct {
	X    mat.Tensor
	Kind Activation
	// InPlace lets an inference run overwrite X.
	InPlace bool
}

var _ Operator = (*Activate)(nil)

// Operands returns X.
func (o *Activate) Operands() []mat.Tensor { return []mat.Tensor{o.X} }

func (o *Activate) check() error {
	if o.Kind < GELU || o.Kind > Tanh {
		return shapeError("Activate", "unknown activation %d", o.Kind)
	}
	return nil
}

// Forward applies the function.
func (o *Activate) Forward() (mat.Tensor, error) { return forward(o) }

func (o *Activate) eval(r *Run) mat.Tensor {
	x := Floats(o.X)
	t, y := r.over(o.X, o.InPlace)
	parallelRows(len(x), 8*len(x), func(r0, r1 int) { o.Kind.apply(y[r0:r1], x[r0:r1]) })
	return t
}

const (
	tanhScale = 0.79788456080286535588 // sqrt(2/π)
	tanhCubic = 0.044715
)

func (a Activation) apply(y, x []float32) {
	y = y[:len(x)]
	switch a {
	case GELU:
		vec.GELU(y, x)
	case QuickGELU:
		vec.QuickGELU(y, x)
	case GELUNew:
		for i, v := range x {
			y[i] = 0.5 * v * (1 + tanh32(tanhScale*(v+tanhCubic*v*v*v)))
		}
	case ReLU:
		for i, v := range x {
			y[i] = max(v, 0)
		}
	case Tanh:
		vec.Tanh(y, x)
	}
}

// Backward adds gy·Kind'(X) to X's gradient.
func (o *Activate) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *Activate) back(r *Run, g []float32) {
	s := r.sink(o.X)
	if s.data == nil {
		return
	}
	x, d := Floats(o.X), s.overwrite()
	parallelRows(len(x), 16*len(x), func(r0, r1 int) { o.Kind.slope(d[r0:r1], x[r0:r1], g[r0:r1]) })
	s.done()
}

func (a Activation) slope(d, x, g []float32) {
	d, g = d[:len(x)], g[:len(x)]
	switch a {
	case GELU:
		vec.GELUGrad(d, x, g)
	case QuickGELU:
		vec.QuickGELUGrad(d, x, g)
	case GELUNew:
		for i, v := range x {
			t := tanh32(tanhScale * (v + tanhCubic*v*v*v))
			d[i] = g[i] * (0.5*(1+t) + 0.5*v*(1-t*t)*tanhScale*(1+3*tanhCubic*v*v))
		}
	case ReLU:
		for i, v := range x {
			if d[i] = 0; v > 0 {
				d[i] = g[i]
			}
		}
	case Tanh:
		vec.Tanh(d, x)
		vec.TanhGrad(d, d, g)
	}
}
