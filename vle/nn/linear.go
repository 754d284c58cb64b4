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
	if l.fuses(r) {
		return l.infer(r, x, 0, nil)
	}
	return r.Do(l.affine(x))
}

// ForwardActivated is act(Forward(x)), in inference in one step.
func (l *Linear) ForwardActivated(r *Run, x mat.Tensor, act Activation) mat.Tensor {
	if l.fuses(r) {
		return l.infer(r, x, act, nil)
	}
	return act.Forward(r, r.Do(l.affine(x)))
}

// ForwardAdded is residual + dropout(Forward(x)), in inference in one step. It
// leaves residual as it is.
func (l *Linear) ForwardAdded(r *Run, x, residual mat.Tensor, dropout float32) mat.Tensor {
	if l.fuses(r) {
		return l.infer(r, x, 0, residual)
	}
	op := l.affine(x)
	op.Residual, op.Drop = residual, r.NewDropMask(dropout)
	return r.Do(op)
}

func (l *Linear) affine(x mat.Tensor) *Affine {
	op := &Affine{X: x, W: l.W}
	if l.B != nil {
		op.B = l.B
	}
	return op
}

// fuses reports whether the layer takes a road of its own: in inference, where
// products are this module's or where its weights were packed for it.
func (l *Linear) fuses(r *Run) bool { return r.infers() && (l.packed != nil || ownProducts()) }

// ownProducts reports whether matrix products are this module's own, which
// can finish a result while it is in the cache.
func ownProducts() bool {
	_, own := blas32.Implementation().(blas.Implementation)
	return own
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

// Affine is the operator y = Residual + drop(X·Wᵀ + B): X [m × k], W [n × k], B
// n elements or nil, Residual [m × n] or nil, y [m × n].
type Affine struct {
	X, W, B, Residual mat.Tensor
	// Drop is the dropout of the product.
	Drop DropMask
}

var _ Operator = (*Affine)(nil)

// Operands returns X, W and those of B and Residual that are set.
func (o *Affine) Operands() []mat.Tensor {
	ops := []mat.Tensor{o.X, o.W}
	for _, t := range []mat.Tensor{o.B, o.Residual} {
		if t != nil {
			ops = append(ops, t)
		}
	}
	return ops
}

func (o *Affine) check() error {
	m, k := rowsCols(o.X)
	n, wk := rowsCols(o.W)
	if k != wk {
		return shapeError("Affine", "input has %d columns, weight %d×%d", k, n, wk)
	}
	if o.B != nil && o.B.Size() != n {
		return shapeError("Affine", "weight %d×%d, bias of %d elements", n, wk, o.B.Size())
	}
	if o.Residual != nil {
		if rm, rn := rowsCols(o.Residual); rm != m || rn != n {
			return shapeError("Affine", "residual %d×%d for a result of %d×%d", rm, rn, m, n)
		}
	}
	return o.Drop.check("Affine")
}

// Forward computes y.
func (o *Affine) Forward() (mat.Tensor, error) { return forward(o) }

func (o *Affine) eval(r *Run) mat.Tensor {
	m, k := rowsCols(o.X)
	n, _ := rowsCols(o.W)
	t, y := r.buffer(m, n)
	x, w := Floats(o.X), Floats(o.W)
	var bias, residual []float32
	if o.B != nil {
		bias = Floats(o.B)
	}
	if o.Residual != nil {
		residual = Floats(o.Residual)
	}
	if ownProducts() {
		ep := blas.Epilogue{Bias: bias}
		if o.Drop.P == 0 {
			ep.Residual = residual
		}
		blas.MulWeights(y, x, m, w, n, k, &ep)
	} else {
		for i := range m {
			copy(y[i*n:(i+1)*n], bias)
		}
		beta := float32(0)
		if bias != nil {
			beta = 1
		}
		gemm(plain, transposed, m, n, k, 1, x, k, w, k, beta, y, n)
		if o.Drop.P == 0 && residual != nil {
			vec.Add(y, residual)
		}
	}
	if o.Drop.P > 0 {
		parallelRows(len(y), 8*len(y), func(r0, r1 int) {
			o.Drop.apply(y[r0:r1], y[r0:r1], r0)
			if residual != nil {
				vec.Add(y[r0:r1], residual[r0:r1])
			}
		})
	}
	return t
}

// Backward adds gy to Residual's gradient and, where it was not dropped, gy·W to X's, gyᵀ·X to W's and the column sums
// of gy to B's.
func (o *Affine) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *Affine) back(r *Run, g []float32) {
	if o.Residual != nil {
		r.pass(o.Residual, g)
	}
	m, k := rowsCols(o.X)
	n, _ := rowsCols(o.W)
	if o.Drop.P > 0 {
		d, v := r.temporary(len(g))
		defer r.drop(v)
		all := g
		parallelRows(len(g), 8*len(g), func(r0, r1 int) { o.Drop.apply(d[r0:r1], all[r0:r1], r0) })
		g = d
	}
	if s := r.sink(o.X); s.data != nil {
		gemm(plain, plain, m, k, n, 1, g, n, Floats(o.W), k, s.beta(), s.data, k)
		s.done()
	}
	if s := r.sink(o.W); s.data != nil {
		gemm(transposed, plain, n, k, m, 1, g, n, Floats(o.X), k, s.beta(), s.data, k)
		s.done()
	}
	if s := r.sink(o.B); s.data != nil {
		d := s.sum()
		for i := range m {
			vec.Add(d, g[i*n:(i+1)*n])
		}
		s.done()
	}
}
