package nn

import (
	"fmt"

	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"
	"github.com/nlpodyssey/spago/mat/float"
	spago "github.com/nlpodyssey/spago/nn"
)

// Value is a constant float32 matrix, row by row, whose buffer an inference
// [Run] owns and may use again. It is a mat.Tensor without a gradient.
type Value struct {
	shape [2]int
	data  []float32

	// The arena's: the buffer's size class, its place among those handed out,
	// the run that used it last.
	class, place int
	used         uint64
}

var _ mat.Tensor = (*Value)(nil)

// Shape returns the rows and the columns.
func (v *Value) Shape() []int { return v.shape[:] }

// Dims returns 2.
func (v *Value) Dims() int { return 2 }

// Size returns rows × columns.
func (v *Value) Size() int { return len(v.data) }

// Data returns the elements, row by row, without copying.
func (v *Value) Data() float.Slice { return float.Make(v.data...) }

// Item returns the only element and panics when there are more.
func (v *Value) Item() float.Float {
	if len(v.data) != 1 {
		panic(fmt.Sprintf("nn: Item of a %d×%d matrix", v.shape[0], v.shape[1]))
	}
	return float.Interface(v.data[0])
}

// SetAt panics: a Value is constant.
func (v *Value) SetAt(mat.Tensor, ...int) { panic("nn: SetAt on a constant") }

// At returns the element at the row and column as a 1×1 matrix.
func (v *Value) At(indices ...int) mat.Tensor {
	if len(indices) != 2 {
		panic("nn: At takes a row and a column")
	}
	return mat.Scalar(v.data[indices[0]*v.shape[1]+indices[1]])
}

// Value returns the matrix itself.
func (v *Value) Value() mat.Tensor { return v }

// Grad returns nil: a constant has no gradient.
func (v *Value) Grad() mat.Tensor { return nil }

// HasGrad returns false.
func (v *Value) HasGrad() bool { return false }

// RequiresGrad returns false.
func (v *Value) RequiresGrad() bool { return false }

// AccGrad does nothing: a constant has no gradient.
func (v *Value) AccGrad(mat.Tensor) {}

// ZeroGrad does nothing.
func (v *Value) ZeroGrad() {}

// Floats returns the elements of a float32 tensor row by row without copying,
// whether it is a parameter, an operator's result or a [Value].
func Floats(t mat.Tensor) []float32 {
	switch v := t.(type) {
	case *Value:
		return v.data
	case *mat.Dense[float32]:
		return mat.Data[float32](v)
	case *result:
		return mat.Data[float32](v.Dense)
	case *Weight:
		return mat.Data[float32](v.Dense)
	case *spago.Param:
		return Floats(v.Matrix)
	case *ag.Operator:
		return Floats(v.Value())
	}
	return mat.Data[float32](t)
}

// Dense returns a matrix over data, which is adopted and not copied.
// It panics when data does not hold rows × cols elements.
func Dense(rows, cols int, data []float32) *mat.Dense[float32] {
	if len(data) != rows*cols {
		panic(fmt.Sprintf("nn: %d elements for a %d×%d matrix", len(data), rows, cols))
	}
	return mat.NewDense[float32](mat.WithShape(rows, cols), mat.WithBacking(data))
}

func rowsCols(t mat.Tensor) (rows, cols int) {
	s := t.Shape()
	return s[0], s[1]
}

// zeros returns a new rows×cols matrix for a gradient.
func zeros(rows, cols int) (*mat.Dense[float32], []float32) {
	d := mat.NewDense[float32](mat.WithShape(rows, cols))
	return d, mat.Data[float32](d)
}

func wants(t mat.Tensor) bool { return t != nil && t.RequiresGrad() }
