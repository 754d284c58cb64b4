package nn

import (
	"fmt"

	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"
)

// Run is one pass through the layers: it says whether a graph is kept,
// whether dropout is on, where buffers come from and who watches. A Run is
// for one goroutine; any number of Runs may go through the same layers at once.
type Run struct {
	graph   bool
	dropout bool
	arena   *arena
	tape    tape
	watch   Watch
	prefix  string
	seed    uint64
	draws   uint64
}

// Watch is told the intermediate results of a run: name says which, shape is
// that of data in the reference's order ([batch, tokens, hidden] for hidden
// states, [batch, heads, queries, keys] for attention probabilities). data is
// valid during the call only.
type Watch func(name string, shape []int, data []float32)

// NewRun starts an inference run. Matrices that its layers return are valid
// until Close.
func NewRun() *Run {
	return &Run{arena: arenas.Get().(*arena)}
}

// NewGraphRun starts a run that keeps the graph for [Backward] or ag.Backward.
// With dropout true the layers' dropout is on; the masks follow from seed alone,
// whatever the number of threads. Closing it makes the next run cheaper; without,
// its matrices are the garbage collector's.
func NewGraphRun(dropout bool, seed uint64) *Run {
	return &Run{graph: true, dropout: dropout, seed: seed, arena: arenas.Get().(*arena)}
}

// WithWatch makes w see the intermediate results and returns the run.
func (r *Run) WithWatch(w Watch) *Run {
	r.watch = w
	return r
}

// SetPrefix puts prefix before the names of the results that are shown from now
// on.
func (r *Run) SetPrefix(prefix string) { r.prefix = prefix }

// Close gives the run's buffers back. The matrices it returned must not be used
// any more.
func (r *Run) Close() {
	if r.arena == nil {
		return
	}
	r.arena.reset()
	arenas.Put(r.arena)
	r.arena, r.tape = nil, tape{}
}

// infers reports whether no backward pass will follow, so that buffers may be
// overwritten and nothing need be kept.
func (r *Run) infers() bool { return r.arena != nil && !r.graph }

// Watched reports whether somebody watches, so that what only a watcher wants
// need not be computed.
func (r *Run) Watched() bool { return r.watch != nil }

// Show hands the rows of t to the watcher as [batch, rows/batch, cols].
func (r *Run) Show(name string, batch int, t mat.Tensor) {
	if r.watch == nil {
		return
	}
	rows, cols := rowsCols(t)
	if rows == batch {
		r.watch(r.prefix+name, []int{rows, cols}, Floats(t))
		return
	}
	r.watch(r.prefix+name, []int{batch, rows / batch, cols}, Floats(t))
}

// ShowData hands data of any shape to the watcher.
func (r *Run) ShowData(name string, shape []int, data []float32) {
	if r.watch != nil {
		r.watch(r.prefix+name, shape, data)
	}
}

// Free says that t is not used any more, so that an inference run can use its
// buffer again. A graph run ignores it.
func (r *Run) Free(ts ...mat.Tensor) {
	if !r.infers() {
		return
	}
	for _, t := range ts {
		if v, ok := t.(*Value); ok {
			r.arena.give(v)
		}
	}
}

// buffer returns a rows×cols matrix with undefined contents, from the arena if
// there is one.
func (r *Run) buffer(rows, cols int) (mat.Tensor, []float32) {
	switch {
	case r.graph:
		v := r.arena.take(rows, cols)
		return &result{Dense: Dense(rows, cols, v.data), run: r, memory: v}, v.data
	case r.arena != nil:
		v := r.arena.take(rows, cols)
		return v, v.data
	}
	d, s := zeros(rows, cols)
	return &result{Dense: d}, s
}

// temporary returns n floats of undefined contents, and what drop takes back.
func (r *Run) temporary(n int) ([]float32, *Value) {
	if r.arena == nil {
		return make([]float32, n), nil
	}
	v := r.arena.take(1, n)
	return v.data, v
}

func (r *Run) drop(v *Value) {
	if v != nil {
		r.arena.give(v)
	}
}

// over returns the buffer for a result of x's shape that may overwrite x:
// x itself in inference when inPlace is set and x is the run's own.
func (r *Run) over(x mat.Tensor, inPlace bool) (mat.Tensor, []float32) {
	if inPlace && r.infers() {
		if v, ok := x.(*Value); ok {
			return v, v.data
		}
	}
	rows, cols := rowsCols(x)
	return r.buffer(rows, cols)
}

// Operator is a step of this package that a Run can take with or without a graph.
type Operator interface {
	ag.AutoGradFunction
	check() error
	// eval computes the result into a buffer of the run. Unless the run infers, it
	// keeps what back needs.
	eval(r *Run) mat.Tensor
	// back adds the gradients of the operands, g being that of the result. It
	// must not change g.
	back(r *Run, g []float32)
}

// Do takes one step. It panics when the shapes do not fit.
func (r *Run) Do(op Operator) mat.Tensor {
	if err := op.check(); err != nil {
		panic(err)
	}
	if r.graph {
		return r.record(op)
	}
	return op.eval(r)
}

// forward is the Forward of every operator: outside a Run, on new memory,
// keeping what Backward needs.
func forward(op Operator) (mat.Tensor, error) {
	if err := op.check(); err != nil {
		return nil, err
	}
	return op.eval(&Run{}), nil
}

// backward is the Backward of every operator: on new memory.
func backward(op Operator, gy mat.Tensor) error {
	op.back(&Run{}, Floats(gy))
	return nil
}

func shapeError(op, format string, args ...any) error {
	return fmt.Errorf("nn: %s: %s", op, fmt.Sprintf(format, args...))
}
