package nn

import (
	"math"

	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"
)

// LayerNorm normalises each row to mean 0 and variance 1, then scales by W
// and shifts by B (Ba, Kiros and Hinton 2016).
type LayerNorm struct {
	spago.Module
	// W and B are [size × 1].
	W, B *spago.Param
	// Eps is added to the variance.
	Eps float32

	size int
}

var _ spago.Model = (*LayerNorm)(nil)

// NewLayerNorm returns a layer for rows of size columns without its parameters.
func NewLayerNorm(size int, eps float64) *LayerNorm {
	return &LayerNorm{size: size, Eps: float32(eps)}
}

// Visit calls v for the parameters weight and bias below prefix.
func (l *LayerNorm) Visit(prefix string, v Visitor) {
	v(prefix+".weight", []int{l.size}, &l.W)
	v(prefix+".bias", []int{l.size}, &l.B)
}

// Forward normalises x [rows × size] into a new matrix.
func (l *LayerNorm) Forward(r *Run, x mat.Tensor) mat.Tensor {
	return r.Do(&Normalize{X: x, W: l.W, B: l.B, Eps: l.Eps})
}

// Over normalises x and, in inference, overwrites it.
func (l *LayerNorm) Over(r *Run, x mat.Tensor) mat.Tensor {
	return r.Do(&Normalize{X: x, W: l.W, B: l.B, Eps: l.Eps, InPlace: true})
}

// Normalize is the layer norm operator: X [m × n], W and B of n elements.
type Normalize struct {
	X, W, B mat.Tensor
	Eps     float32
	// InPlace lets an inference run overwrite X.
	InPlace bool

	mean, scale []float32
}

var _ Operator = (*Normalize)(nil)

// Operands returns X, W and B.
func (o *Normalize) Operands() []mat.Tensor { return []mat.Tensor{o.X, o.W, o.B} }

func (o *Normalize) check() error {
	_, n := rowsCols(o.X)
	if o.W.Size() != n || o.B.Size() != n {
		return shapeError("Normalize", "input has %d columns, weight %d and bias %d elements", n, o.W.Size(), o.B.Size())
	}
	return nil
}

// Forward normalises the rows of X.
func (o *Normalize) Forward() (mat.Tensor, error) { return forward(o) }

func (o *Normalize) eval(r *Run) mat.Tensor {
	m, n := rowsCols(o.X)
	x, w, b := Floats(o.X), Floats(o.W), Floats(o.B)
	t, y := r.over(o.X, o.InPlace)
	if r.arena == nil {
		o.mean, o.scale = make([]float32, m), make([]float32, m)
	}
	parallelRows(m, 4*m*n, func(r0, r1 int) {
		for i := r0; i < r1; i++ {
			mean, scale := normalizeRow(y[i*n:(i+1)*n], x[i*n:(i+1)*n], w, b, o.Eps)
			if o.mean != nil {
				o.mean[i], o.scale[i] = mean, scale
			}
		}
	})
	return t
}

// normalizeRow sums in float64: the variance of rows with a large mean would
// lose its digits in float32.
func normalizeRow(y, x, w, b []float32, eps float32) (mean, scale float32) {
	var s float64
	for _, v := range x {
		s += float64(v)
	}
	mu := s / float64(len(x))
	var q float64
	for _, v := range x {
		d := float64(v) - mu
		q += d * d
	}
	mean = float32(mu)
	scale = float32(1 / math.Sqrt(q/float64(len(x))+float64(eps)))
	y, w, b = y[:len(x)], w[:len(x)], b[:len(x)]
	for j, v := range x {
		y[j] = (v-mean)*scale*w[j] + b[j]
	}
	return mean, scale
}

// Backward adds the gradients of X, W and B.
func (o *Normalize) Backward(gy mat.Tensor) error {
	m, n := rowsCols(o.X)
	x, w, g := Floats(o.X), Floats(o.W), Floats(gy)
	gx, dx := zeros(m, n)
	parallelRows(m, 8*m*n, func(r0, r1 int) {
		for i := r0; i < r1; i++ {
			mu, rs := o.mean[i], o.scale[i]
			xr, gr, dr := x[i*n:(i+1)*n], g[i*n:(i+1)*n], dx[i*n:(i+1)*n]
			var a, b float64
			for j, v := range gr {
				h := float64(v) * float64(w[j])
				a += h
				b += h * float64((xr[j]-mu)*rs)
			}
			ma, mb := float32(a/float64(n)), float32(b/float64(n))
			for j, v := range gr {
				dr[j] = rs * (v*w[j] - ma - (xr[j]-mu)*rs*mb)
			}
		}
	})
	if wants(o.W) || wants(o.B) {
		gw, dw := zeros(n, 1)
		gb, db := zeros(n, 1)
		for i := range m {
			mu, rs := o.mean[i], o.scale[i]
			xr, gr := x[i*n:(i+1)*n], g[i*n:(i+1)*n]
			for j, v := range gr {
				dw[j] += v * (xr[j] - mu) * rs
				db[j] += v
			}
		}
		if wants(o.W) {
			o.W.AccGrad(gw)
		}
		if wants(o.B) {
			o.B.AccGrad(gb)
		}
	}
	if wants(o.X) {
		o.X.AccGrad(gx)
	}
	return nil
}
