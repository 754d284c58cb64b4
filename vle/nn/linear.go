package nn

import (
	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/blas"
	"govle/vle/blas/vec"
)

// Linear is y = x·Wᵀ + b.
type Linear struct {
	spago.Module
	// W is [out × in] and B [out × 1]; B may be nil.
	W, B *spago.Param

	in, out int
	bias    bool
	packed  *blas.Packed
}

var _ spago.Model = (*Linear)(nil)

// NewLinear returns a layer from in to out columns without its parameters:
// loading or initialising sets them through Visit.
func NewLinear(in, out int, bias bool) *Linear { return &Linear{in: in, out: out, bias: bias} }

// Visit calls v for the parameters weight and bias below prefix.
func (l *Linear) Visit(prefix string, v Visitor) {
	v(prefix+".weight", []int{l.out, l.in}, &l.W)
	if l.bias {
		v(prefix+".bias", []int{l.out}, &l.B)
	}
}

// Pack lays a copy of W out for the matrix product, once, so that inference runs
// need not do it at every call. It takes as much memory again as W. After W was
// changed Pack must be called again; it must not be called while the layer is in
// use.
func (l *Linear) Pack() { l.packed = blas.NewPacked(Floats(l.W), l.out, l.in) }

// Forward maps x [rows × in] to [rows × out].
func (l *Linear) Forward(r *Run, x mat.Tensor) mat.Tensor {
	op := &Affine{X: x, W: l.W, Packed: l.packed}
	if l.B != nil {
		op.B = l.B
	}
	return r.Do(op)
}

// Affine is the operator y = X·Wᵀ + b: X [m × k], W [n × k], B n elements or
// nil, y [m × n].
type Affine struct {
	X, W, B mat.Tensor
	// Packed is W laid out ahead, or nil.
	Packed *blas.Packed
}

var _ Operator = (*Affine)(nil)

// Operands returns X, W and B.
func (o *Affine) Operands() []mat.Tensor {
	if o.B == nil {
		return []mat.Tensor{o.X, o.W}
	}
	return []mat.Tensor{o.X, o.W, o.B}
}

func (o *Affine) check() error {
	_, k := rowsCols(o.X)
	n, wk := rowsCols(o.W)
	if k != wk {
		return shapeError("Affine", "input has %d columns, weight %d×%d", k, n, wk)
	}
	if p := o.Packed; p != nil && (p.Rows() != k || p.Cols() != n) {
		return shapeError("Affine", "weight %d×%d, packed %d×%d", n, wk, p.Cols(), p.Rows())
	}
	if o.B != nil && o.B.Size() != n {
		return shapeError("Affine", "weight %d×%d, bias of %d elements", n, wk, o.B.Size())
	}
	return nil
}

// Forward computes y.
func (o *Affine) Forward() (mat.Tensor, error) { return forward(o) }

func (o *Affine) eval(r *Run) mat.Tensor {
	m, k := rowsCols(o.X)
	n, _ := rowsCols(o.W)
	y, c := r.buffer(m, n)
	if o.Packed != nil {
		ep := blas.Epilogue{}
		if o.B != nil {
			ep.Bias = Floats(o.B)
		}
		o.Packed.Mul(c, Floats(o.X), m, &ep)
		return y
	}
	beta := float32(0)
	if o.B != nil {
		beta = 1
		b := Floats(o.B)
		for i := range m {
			copy(c[i*n:(i+1)*n], b)
		}
	}
	gemm(plain, transposed, m, n, k, 1, Floats(o.X), k, Floats(o.W), k, beta, c, n)
	return y
}

// Backward adds gy·W to X's gradient, gyᵀ·X to W's and the column sums of gy
// to B's.
func (o *Affine) Backward(gy mat.Tensor) error {
	m, k := rowsCols(o.X)
	n, _ := rowsCols(o.W)
	g := Floats(gy)
	if wants(o.X) {
		gx, d := zeros(m, k)
		gemm(plain, plain, m, k, n, 1, g, n, Floats(o.W), k, 0, d, k)
		o.X.AccGrad(gx)
	}
	if wants(o.W) {
		gw, d := zeros(n, k)
		gemm(transposed, plain, n, k, m, 1, g, n, Floats(o.X), k, 0, d, k)
		o.W.AccGrad(gw)
	}
	if wants(o.B) {
		gb, d := zeros(n, 1)
		for i := range m {
			vec.Axpy(d, 1, g[i*n:(i+1)*n])
		}
		o.B.AccGrad(gb)
	}
	return nil
}
