package nn

import "github.com/nlpodyssey/spago/mat"

// Dropout zeroes elements of x with probability p and scales the others by
// 1/(1−p) when the run's dropout is on; otherwise it returns x.
func Dropout(r *Run, x mat.Tensor, p float32) mat.Tensor {
	if !r.dropout || p <= 0 {
		return x
	}
	return r.Do(&Drop{X: x, Mask: r.NewDropMask(p)})
}

// NewDropMask returns a fresh mask, empty when dropout is off.
func (r *Run) NewDropMask(p float32) DropMask {
	if !r.dropout || p <= 0 {
		return DropMask{}
	}
	r.draws++
	return DropMask{P: p, Seed: mix(r.seed + r.draws*0x9E3779B97F4A7C15)}
}

// DropMask says which elements dropout keeps. It is a function of the seed and
// the element's number alone, so it needs no memory and no order.
type DropMask struct {
	// P is the probability of dropping; 0 keeps everything.
	P    float32
	Seed uint64
}

// mix is the finaliser of splitmix64.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// apply writes to y the elements of x, dropped or scaled; first is the number
// of x's first element.
func (d DropMask) apply(y, x []float32, first int) {
	scale := 1 / (1 - d.P)
	limit := uint64(float64(d.P) * (1 << 24))
	for i, v := range x {
		if mix(d.Seed+uint64(first+i+1)*0x9E3779B97F4A7C15)>>40 < limit {
			y[i] = 0
		} else {
			y[i] = v * scale
		}
	}
}

// Drop is the dropout operator.
type Drop struct {
	X    mat.Tensor
	Mask DropMask
}

var _ Operator = (*Drop)(nil)

// Operands returns X.
func (o *Drop) Operands() []mat.Tensor { return []mat.Tensor{o.X} }

func (o *Drop) check() error { return o.Mask.check("Drop") }

func (d DropMask) check(op string) error {
	if d.P < 0 || d.P >= 1 {
		return shapeError(op, "dropout of %g is outside [0, 1)", d.P)
	}
	return nil
}

// Forward drops.
func (o *Drop) Forward() (mat.Tensor, error) { return forward(o) }

func (o *Drop) eval(r *Run) mat.Tensor {
	m, n := rowsCols(o.X)
	t, y := r.buffer(m, n)
	o.Mask.apply(y, Floats(o.X), 0)
	return t
}

// Backward drops gy likewise.
func (o *Drop) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *Drop) back(r *Run, g []float32) {
	if s := r.sink(o.X); s.data != nil {
		o.Mask.apply(s.overwrite(), g, 0)
		s.done()
	}
}
