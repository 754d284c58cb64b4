package nn

import (
	"fmt"
	"slices"
	"sync"

	"github.com/nlpodyssey/spago/mat"

	"govle/vle/blas/vec"
)

// Weight is the matrix of a parameter that is trained. It differs from the matrix
// in it in how it takes gradients: their memory is kept from step to step, the
// first gradient of a step is written there and not copied, and of a table
// whose rows are looked up only the rows that were are cleared, summed and
// read.
type Weight struct {
	*mat.Dense[float32]

	mu    sync.Mutex
	grad  []float32 // nil before the first gradient
	state weightState
	// rows are those outside which grad is zero, marked says which they are, and
	// all says that there is no such list. Without a gradient what is in them is
	// left over.
	rows   []int
	marked []bool
	all    bool
}

type weightState int

const (
	noGradient weightState = iota
	someRows
	allOfIt
)

var _ mat.Matrix = (*Weight)(nil)

// NewWeight returns a matrix over data, which is adopted and not copied. It
// panics when data does not hold rows × cols elements.
func NewWeight(rows, cols int, data []float32) *Weight {
	return &Weight{Dense: Dense(rows, cols, data)}
}

// Value returns the weight itself.
func (w *Weight) Value() mat.Tensor { return w }

// Gradient returns the sum of the gradients, nil for none, and which rows it is
// not zero in: nil means that it may be anywhere. Both are valid until the next
// gradient comes.
func (w *Weight) Gradient() (g []float32, rows []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.state {
	case noGradient:
		return nil, nil
	case someRows:
		slices.Sort(w.rows)
		return w.grad, w.rows
	}
	return w.grad, nil
}

// Grad returns the sum of the gradients, nil for none.
func (w *Weight) Grad() mat.Tensor {
	g, _ := w.Gradient()
	if g == nil {
		return nil
	}
	rows, cols := rowsCols(w)
	return Dense(rows, cols, g)
}

// HasGrad reports whether there is a gradient.
func (w *Weight) HasGrad() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state != noGradient
}

// ZeroGrad forgets the gradients and keeps their memory.
func (w *Weight) ZeroGrad() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = noGradient
}

// AccGrad adds a gradient of the weight's size.
func (w *Weight) AccGrad(grad mat.Tensor) {
	if grad.Size() != w.Size() {
		panic(fmt.Sprintf("nn: gradient of %v for a weight of %v", grad.Shape(), w.Shape()))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	to, add := w.whole()
	if !add {
		copy(to, Floats(grad))
		return
	}
	vec.Add(to, Floats(grad))
}

// Take adds the gradients of from, a weight of the same shape, which has none
// afterwards.
func (w *Weight) Take(from *Weight) {
	w.mu.Lock()
	g, rows := from.Gradient()
	switch {
	case g == nil:
	case w.state == noGradient: // exchange the memory
		w.grad, from.grad = from.grad, w.grad
		w.rows, from.rows = from.rows, w.rows
		w.marked, from.marked = from.marked, w.marked
		w.all, from.all = from.all, w.all
		w.state = from.state
	case rows == nil:
		to, _ := w.whole()
		vec.Add(to, g)
	default:
		to := w.some(rows)
		_, n := rowsCols(w)
		for _, i := range rows {
			vec.Add(to[i*n:(i+1)*n], g[i*n:(i+1)*n])
		}
	}
	w.mu.Unlock()
	from.ZeroGrad()
}

// whole returns the memory of a gradient that goes to all of the weight: to add
// to, or else to overwrite.
func (w *Weight) whole() (to []float32, add bool) {
	if w.grad == nil {
		w.grad = make([]float32, w.Size())
	}
	add = w.state != noGradient
	w.forgetRows(false)
	w.state, w.all = allOfIt, true
	return w.grad, add
}

// some returns the memory to add a gradient of the listed rows to.
func (w *Weight) some(rows []int) []float32 {
	if w.state == allOfIt {
		return w.grad
	}
	if w.grad == nil {
		w.grad = make([]float32, w.Size())
	}
	if w.state == noGradient {
		if w.all {
			clear(w.grad)
			w.all = false
		}
		w.forgetRows(true)
	}
	if w.marked == nil {
		m, _ := rowsCols(w)
		w.marked = make([]bool, m)
	}
	w.state = someRows
	for _, i := range rows {
		if !w.marked[i] {
			w.marked[i] = true
			w.rows = append(w.rows, i)
		}
	}
	return w.grad
}

// forgetRows empties the list of rows, and the rows if zero is set.
func (w *Weight) forgetRows(zero bool) {
	_, n := rowsCols(w)
	for _, i := range w.rows {
		w.marked[i] = false
		if zero {
			clear(w.grad[i*n : (i+1)*n])
		}
	}
	w.rows = w.rows[:0]
}
