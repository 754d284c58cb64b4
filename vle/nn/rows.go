package nn

import (
	"github.com/nlpodyssey/spago/mat"

	"govle/vle/blas/vec"
)

// MeanRows is the operator whose result's row i is the mean of the rows
// Index[Start[i]:Start[i+1]] of X, and zero when there are none: the tokens of
// boxes from the patches that they cover.
type MeanRows struct {
	X     mat.Tensor
	Start []int
	Index []int
}

var _ Operator = (*MeanRows)(nil)

// Means returns the means of the listed rows of x, one row a list.
func Means(r *Run, x mat.Tensor, start, index []int) mat.Tensor {
	return r.Do(&MeanRows{X: x, Start: start, Index: index})
}

// Operands returns X.
func (o *MeanRows) Operands() []mat.Tensor { return []mat.Tensor{o.X} }

func (o *MeanRows) check() error {
	m, _ := rowsCols(o.X)
	for _, i := range o.Index {
		if i < 0 || i >= m {
			return shapeError("MeanRows", "row %d of %d", i, m)
		}
	}
	if len(o.Start) == 0 || o.Start[len(o.Start)-1] > len(o.Index) {
		return shapeError("MeanRows", "%d starts for %d indices", len(o.Start), len(o.Index))
	}
	return nil
}

// Forward averages.
func (o *MeanRows) Forward() (mat.Tensor, error) { return forward(o) }

func (o *MeanRows) eval(r *Run) mat.Tensor {
	_, n := rowsCols(o.X)
	x := Floats(o.X)
	rows := len(o.Start) - 1
	t, y := r.buffer(rows, n)
	for i := range rows {
		dst := y[i*n : (i+1)*n]
		list := o.Index[o.Start[i]:o.Start[i+1]]
		if len(list) == 1 {
			copy(dst, x[list[0]*n:(list[0]+1)*n])
			continue
		}
		clear(dst)
		for _, row := range list {
			vec.Axpy(dst, 1, x[row*n:(row+1)*n])
		}
		for j := range dst {
			if len(list) > 0 {
				dst[j] /= float32(len(list))
			}
		}
	}
	return t
}

// Backward spreads each row of gy evenly over the rows it is the mean of.
func (o *MeanRows) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *MeanRows) back(r *Run, g []float32) {
	s := r.sink(o.X)
	if s.data == nil {
		return
	}
	_, n := rowsCols(o.X)
	d := s.sum()
	for i := range len(o.Start) - 1 {
		list := o.Index[o.Start[i]:o.Start[i+1]]
		for _, row := range list {
			vec.Axpy(d[row*n:(row+1)*n], 1/float32(len(list)), g[i*n:(i+1)*n])
		}
	}
	s.done()
}

// Beside puts y's columns to the right of x's.
func Beside(r *Run, x, y mat.Tensor) mat.Tensor { return r.Do(&ConcatColumns{X: x, Y: y}) }

// ConcatColumns is the operator [X Y]: matrices of one height side by side.
type ConcatColumns struct{ X, Y mat.Tensor }

var _ Operator = (*ConcatColumns)(nil)

// Operands returns X and Y.
func (o *ConcatColumns) Operands() []mat.Tensor { return []mat.Tensor{o.X, o.Y} }

func (o *ConcatColumns) check() error {
	a, _ := rowsCols(o.X)
	if b, _ := rowsCols(o.Y); a != b {
		return shapeError("ConcatColumns", "%d rows and %d rows", a, b)
	}
	return nil
}

// Forward copies both.
func (o *ConcatColumns) Forward() (mat.Tensor, error) { return forward(o) }

func (o *ConcatColumns) eval(r *Run) mat.Tensor {
	m, p := rowsCols(o.X)
	_, q := rowsCols(o.Y)
	a, b := Floats(o.X), Floats(o.Y)
	t, y := r.buffer(m, p+q)
	for i := range m {
		copy(y[i*(p+q):], a[i*p:(i+1)*p])
		copy(y[i*(p+q)+p:], b[i*q:(i+1)*q])
	}
	return t
}

// Backward splits gy.
func (o *ConcatColumns) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *ConcatColumns) back(r *Run, g []float32) {
	m, p := rowsCols(o.X)
	_, q := rowsCols(o.Y)
	if s := r.sink(o.X); s.data != nil {
		d := s.overwrite()
		for i := range m {
			copy(d[i*p:(i+1)*p], g[i*(p+q):])
		}
		s.done()
	}
	if s := r.sink(o.Y); s.data != nil {
		d := s.overwrite()
		for i := range m {
			copy(d[i*q:(i+1)*q], g[i*(p+q)+p:])
		}
		s.done()
	}
}

// Reshape is the operator that reads X's elements, row by row, as a matrix of
// other dimensions.
type Reshape struct {
	X          mat.Tensor
	Rows, Cols int
}

var _ Operator = (*Reshape)(nil)

// Operands returns X.
func (o *Reshape) Operands() []mat.Tensor { return []mat.Tensor{o.X} }

func (o *Reshape) check() error {
	if o.X.Size() != o.Rows*o.Cols {
		return shapeError("Reshape", "%d elements as %d×%d", o.X.Size(), o.Rows, o.Cols)
	}
	return nil
}

// Forward copies the elements.
func (o *Reshape) Forward() (mat.Tensor, error) { return forward(o) }

func (o *Reshape) eval(r *Run) mat.Tensor {
	t, y := r.buffer(o.Rows, o.Cols)
	copy(y, Floats(o.X))
	return t
}

// Backward reads gy in X's dimensions.
func (o *Reshape) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *Reshape) back(r *Run, g []float32) {
	r.pass(o.X, g)
}
