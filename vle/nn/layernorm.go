package nn

import (
	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/blas/vec"
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
	if !r.infers() {
		stats, _ := r.temporary(2 * m) // the run's until it ends
		o.mean, o.scale = stats[:m], stats[m:]
	}
	parallelRows(m, 4*m*n, func(r0, r1 int) {
		for i := r0; i < r1; i++ {
			mean, scale := vec.LayerNorm(y[i*n:(i+1)*n], x[i*n:(i+1)*n], w, b, o.Eps)
			if o.mean != nil {
				o.mean[i], o.scale[i] = mean, scale
			}
		}
	})
	return t
}

// Backward adds the gradients of X, W and B.
func (o *Normalize) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *Normalize) back(r *Run, g []float32) {
	m, n := rowsCols(o.X)
	x, w := Floats(o.X), Floats(o.W)
	sx, sw, sb := r.sink(o.X), r.sink(o.W), r.sink(o.B)
	unread, v := r.temporary(3 * n) // for what nobody wants
	defer r.drop(v)
	dw, db := unread[:n], unread[n:2*n]
	if sw.data != nil {
		dw = sw.sum()
	}
	if sb.data != nil {
		db = sb.sum()
	}
	var dx []float32
	if sx.data != nil {
		dx = sx.overwrite()
	}
	for i := range m {
		row := unread[2*n:]
		if dx != nil {
			row = dx[i*n : (i+1)*n]
		}
		vec.LayerNormGrad(row, g[i*n:(i+1)*n], x[i*n:(i+1)*n], w, o.mean[i], o.scale[i], dw, db)
	}
	sx.done()
	sw.done()
	sb.done()
}
