package nn

import (
	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/blas/vec"
)

// NoPadding says that an embedding has no padding row.
const NoPadding = -1

// Embedding is a table of rows chosen by number.
type Embedding struct {
	spago.Module
	// W is [count × size].
	W *spago.Param
	// Padding is the row that gets no gradient, or NoPadding.
	Padding int

	count, size int
}

var _ spago.Model = (*Embedding)(nil)

// NewEmbedding returns a table of count rows of size columns without its
// parameters.
func NewEmbedding(count, size, padding int) *Embedding {
	return &Embedding{count: count, size: size, Padding: padding}
}

// Visit calls v for the parameter weight below prefix.
func (e *Embedding) Visit(prefix string, v Visitor) {
	v(prefix+".weight", []int{e.count, e.size}, &e.W)
}

// Forward returns the rows with the given numbers, [len(ids) × size].
func (e *Embedding) Forward(r *Run, ids []int) mat.Tensor {
	return r.Do(&Gather{X: e.W, Index: ids, Padding: e.Padding})
}

// Rows returns the rows of x with the given numbers, [len(index) × cols].
func Rows(r *Run, x mat.Tensor, index []int) mat.Tensor {
	return r.Do(&Gather{X: x, Index: index, Padding: NoPadding})
}

// Gather is the operator that takes rows of X by number. Rows taken more than
// once sum their gradients.
type Gather struct {
	X     mat.Tensor
	Index []int
	// Padding is the row that gets no gradient, or NoPadding.
	Padding int
}

var _ Operator = (*Gather)(nil)

// Operands returns X.
func (o *Gather) Operands() []mat.Tensor { return []mat.Tensor{o.X} }

func (o *Gather) check() error {
	rows, _ := rowsCols(o.X)
	for _, i := range o.Index {
		if i < 0 || i >= rows {
			return shapeError("Gather", "row %d of %d", i, rows)
		}
	}
	return nil
}

// Forward copies the rows.
func (o *Gather) Forward() (mat.Tensor, error) { return forward(o) }

func (o *Gather) eval(r *Run) mat.Tensor {
	_, n := rowsCols(o.X)
	x := Floats(o.X)
	t, y := r.buffer(len(o.Index), n)
	for i, row := range o.Index {
		copy(y[i*n:(i+1)*n], x[row*n:(row+1)*n])
	}
	return t
}

// Backward adds each row of gy to the gradient of the row it came from.
func (o *Gather) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *Gather) back(r *Run, g []float32) {
	s := r.rowsSink(o.X, o.Index)
	if s.data == nil {
		return
	}
	_, n := rowsCols(o.X)
	for i, row := range o.Index {
		if row != o.Padding {
			vec.Add(s.data[row*n:(row+1)*n], g[i*n:(i+1)*n])
		}
	}
	s.done()
}
