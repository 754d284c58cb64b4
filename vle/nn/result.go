package nn

import (
	"fmt"
	"sync"

	"github.com/nlpodyssey/spago/mat"

	"govle/vle/blas/vec"
)

// result is the value of an operator in a graph. It differs from the matrix in
// it in how it takes gradients: mat.Dense copies the first one, which for hidden
// states is a good part of a training step; result keeps the first as it is and
// makes a sum of its own only when a second one comes. Gradients that it was
// given are never written.
type result struct {
	*mat.Dense[float32]
	// run is that of the graph and memory its buffer, nil outside a Run.
	run    *Run
	memory *Value
	// grad is what Backward has come to. Gradients from outside are in given, a
	// sum of the result's own where own is set.
	grad  *gradient
	mu    sync.Mutex
	given *mat.Dense[float32]
	own   bool
}

var _ mat.Matrix = (*result)(nil)

// Value returns the result itself.
func (v *result) Value() mat.Tensor { return v }

// Grad returns the sum of the gradients, nil for none.
func (v *result) Grad() mat.Tensor {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.given == nil {
		return nil
	}
	return v.given
}

// HasGrad reports whether there is a gradient.
func (v *result) HasGrad() bool { return v.Grad() != nil }

// ZeroGrad forgets the gradients.
func (v *result) ZeroGrad() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.given, v.own = nil, false
}

// AccGrad adds a gradient of the value's size.
func (v *result) AccGrad(grad mat.Tensor) {
	if grad.Size() != v.Size() {
		panic(fmt.Sprintf("nn: gradient of %v for a value of %v", grad.Shape(), v.Shape()))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	g, ok := grad.(*mat.Dense[float32])
	switch {
	case v.given == nil && ok:
		v.given = g
		return
	case v.given == nil || !v.own:
		rows, cols := rowsCols(v)
		sum, s := zeros(rows, cols)
		if v.given != nil {
			copy(s, Floats(v.given))
		}
		v.given, v.own = sum, true
	}
	vec.Add(Floats(v.given), Floats(grad))
}
