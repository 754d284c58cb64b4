package nn

import (
	"github.com/nlpodyssey/spago/mat"

	"govle/vle/blas/vec"
)

// Add returns x + y. In inference it overwrites y.
func Add(r *Run, x, y mat.Tensor) mat.Tensor { return r.Do(&Sum{X: x, Y: y}) }

// Sum is the operator X + Y for matrices of one shape. An inference run
// overwrites Y.
type Sum struct{ X, Y mat.Tensor }

var _ Operator = (*Sum)(nil)

// Operands returns X and Y.
func (o *Sum) Operands() []mat.Tensor { return []mat.Tensor{o.X, o.Y} }

func (o *Sum) check() error {
	m, n := rowsCols(o.X)
	if p, q := rowsCols(o.Y); m != p || n != q {
		return shapeError("Sum", "%d×%d and %d×%d", m, n, p, q)
	}
	return nil
}

// Forward adds.
func (o *Sum) Forward() (mat.Tensor, error) { return forward(o) }

func (o *Sum) eval(r *Run) mat.Tensor {
	a, b := Floats(o.X), Floats(o.Y)
	t, y := r.over(o.Y, true)
	if len(b) > 0 && &y[0] != &b[0] {
		copy(y, b)
	}
	vec.Add(y, a)
	return t
}

// Backward passes gy on to both.
func (o *Sum) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *Sum) back(r *Run, g []float32) {
	r.pass(o.X, g)
	r.pass(o.Y, g)
}

// ScaleRows multiplies row i of X by the constant Weights[i]: the mask of a
// sequence. An inference run overwrites X.
type ScaleRows struct {
	X       mat.Tensor
	Weights []float32
}

var _ Operator = (*ScaleRows)(nil)

// MaskRows multiplies row i of x by weights[i]. In inference it overwrites x.
func MaskRows(r *Run, x mat.Tensor, weights []float32) mat.Tensor {
	return r.Do(&ScaleRows{X: x, Weights: weights})
}

// Operands returns X.
func (o *ScaleRows) Operands() []mat.Tensor { return []mat.Tensor{o.X} }

func (o *ScaleRows) check() error {
	if m, _ := rowsCols(o.X); m != len(o.Weights) {
		return shapeError("ScaleRows", "%d rows, %d weights", m, len(o.Weights))
	}
	return nil
}

// Forward scales.
func (o *ScaleRows) Forward() (mat.Tensor, error) { return forward(o) }

func (o *ScaleRows) eval(r *Run) mat.Tensor {
	t, y := r.over(o.X, true)
	o.scale(y, Floats(o.X))
	return t
}

func (o *ScaleRows) scale(y, x []float32) {
	_, n := rowsCols(o.X)
	for i, w := range o.Weights {
		for j := i * n; j < (i+1)*n; j++ {
			y[j] = w * x[j]
		}
	}
}

// Backward scales gy likewise.
func (o *ScaleRows) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *ScaleRows) back(r *Run, g []float32) {
	if s := r.sink(o.X); s.data != nil {
		o.scale(s.overwrite(), g)
		s.done()
	}
}
