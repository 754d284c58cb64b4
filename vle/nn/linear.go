package nn

import (
	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"
	"gonum.org/v1/gonum/blas/blas32"

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
	packed  weights
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

// Forward maps x [rows × in] to [rows × out].
func (l *Linear) Forward(r *Run, x mat.Tensor) mat.Tensor {
	if r.fuses() {
		return l.infer(r, x, 0, nil)
	}
	return r.Do(l.affine(x))
}

// ForwardActivated is act(Forward(x)), in inference in one step.
func (l *Linear) ForwardActivated(r *Run, x mat.Tensor, act Activation) mat.Tensor {
	if r.fuses() {
		return l.infer(r, x, act, nil)
	}
	return act.Forward(r, r.Do(l.affine(x)))
}

// ForwardAdded is residual + dropout(Forward(x)), in inference in one step. It
// leaves residual as it is.
func (l *Linear) ForwardAdded(r *Run, x, residual mat.Tensor, dropout float32) mat.Tensor {
	if r.fuses() {
		return l.infer(r, x, 0, residual)
	}
	return Add(r, residual, Dropout(r, r.Do(l.affine(x)), dropout))
}

func (l *Linear) affine(x mat.Tensor) *Affine {
	op := &Affine{X: x, W: l.W}
	if l.B != nil {
		op.B = l.B
	}
	return op
}

// fuses reports whether linear layers may finish their result while it is in
// the cache: in inference, where the products are this module's own.
func (r *Run) fuses() bool {
	_, own := blas32.Implementation().(blas.Implementation)
	return own && r.arena != nil
}

// infer is act(x·Wᵀ + b) + residual; 0 is no activation, nil no residual.
func (l *Linear) infer(r *Run, x mat.Tensor, act Activation, residual mat.Tensor) mat.Tensor {
	m, k := rowsCols(x)
	if k != l.in {
		panic(shapeError("Linear", "input has %d columns, weight %d×%d", k, l.out, l.in))
	}
	var ep blas.Epilogue
	if l.B != nil {
		ep.Bias = Floats(l.B)
	}
	switch act {
	case GELU:
		ep.Act, act = blas.GELU, 0
	case QuickGELU:
		ep.Act, act = blas.QuickGELU, 0
	}
	if residual != nil {
		if rm, rn := rowsCols(residual); rm != m || rn != l.out {
			panic(shapeError("Linear", "residual %d×%d for a result of %d×%d", rm, rn, m, l.out))
		}
		ep.Residual = Floats(residual)
	}
	t, y := r.buffer(m, l.out)
	if l.packed != nil {
		l.packed.Mul(y, Floats(x), m, &ep)
	} else {
		blas.MulWeights(y, Floats(x), m, Floats(l.W), l.out, l.in, &ep)
	}
	if act != 0 {
		return act.Forward(r, t)
	}
	return t
}

// Affine is the operator y = X·Wᵀ + b: X [m × k], W [n × k], B n elements or
// nil, y [m × n].
type Affine struct {
	X, W, B mat.Tensor
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
