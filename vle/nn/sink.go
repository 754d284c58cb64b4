package nn

import (
	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/blas/vec"
)

// sink is where an operator puts the gradient of an operand. Without data
// nobody wants it.
type sink struct {
	data []float32
	// add says that data holds a sum to add to; else its contents are undefined
	// and must be overwritten.
	add bool

	// What done has to do: add fresh to data, give dense to operand.
	run     *Run
	fresh   *Value
	operand mat.Tensor
	dense   *mat.Dense[float32]
}

// sink returns where the gradient of an operand goes: in [Backward] straight into
// its sum, else into a matrix that done hands to the operand.
func (r *Run) sink(t mat.Tensor) sink {
	if !wants(t) {
		return sink{}
	}
	if r.tape.rewinding {
		if v := r.own(t); v != nil {
			return v.sink(r)
		}
		if w := weightOf(t); w != nil {
			to, add := w.whole()
			return sink{data: to, add: add, run: r}
		}
	}
	rows, cols := rowsCols(t)
	d, s := zeros(rows, cols)
	return sink{data: s, operand: t, dense: d, run: r}
}

// own returns the result that t is if it is one of the run.
func (r *Run) own(t mat.Tensor) *result {
	if node, ok := t.(*ag.Operator); ok {
		if v, ok := node.Value().(*result); ok && v.run == r {
			return v
		}
	}
	return nil
}

// weightOf returns the weight that t is, or nil.
func weightOf(t mat.Tensor) *Weight {
	if p, ok := t.(*spago.Param); ok {
		t = p.Matrix
	}
	w, _ := t.(*Weight)
	return w
}

func (v *result) sink(r *Run) sink {
	switch {
	case v.grad == nil:
		v.grad = r.newGradient(v.Size())
		return sink{data: v.grad.data, run: r}
	case v.grad.owners > 1:
		g := r.newGradient(v.Size())
		copy(g.data, v.grad.data)
		v.grad.owners--
		v.grad = g
	}
	return sink{data: v.grad.data, add: true, run: r}
}

// together makes sinks of one operator add where two of them are one operand's.
func together(sinks ...*sink) {
	for i, a := range sinks {
		for _, b := range sinks[:i] {
			if len(a.data) > 0 && len(b.data) > 0 && &a.data[0] == &b.data[0] {
				b.sum()
				a.add = true
			}
		}
	}
}

// rowsSink is a sink for a gradient that only the listed rows get, to be added
// to.
func (r *Run) rowsSink(t mat.Tensor, rows []int) sink {
	if r.tape.rewinding && wants(t) {
		if w := weightOf(t); w != nil {
			return sink{data: w.some(rows), add: true, run: r}
		}
	}
	s := r.sink(t)
	s.sum()
	return s
}

// pass gives an operand the gradient of the result as it is.
func (r *Run) pass(t mat.Tensor, g []float32) {
	if r.tape.rewinding && wants(t) {
		if v := r.own(t); v != nil && v.grad == nil {
			v.grad = r.tape.current
			v.grad.owners++
			return
		}
	}
	s := r.sink(t)
	if s.data == nil {
		return
	}
	if s.add {
		vec.Add(s.data, g)
	} else {
		copy(s.data, g)
	}
	s.done()
}

// beta is what a product scales data with before it adds.
func (s *sink) beta() float32 {
	if s.add {
		return 1
	}
	return 0
}

// sum returns data to add to.
func (s *sink) sum() []float32 {
	if !s.add {
		clear(s.data)
		s.add = true
	}
	return s.data
}

// overwrite returns memory that done adds to data, or data itself.
func (s *sink) overwrite() []float32 {
	if !s.add {
		return s.data
	}
	d, v := s.run.temporary(len(s.data))
	if v == nil {
		v = &Value{data: d}
	}
	s.fresh = v
	return d
}

// done ends the writing.
func (s *sink) done() {
	if s.fresh != nil {
		vec.Add(s.data, s.fresh.data)
		if s.run.arena != nil {
			s.run.drop(s.fresh)
		}
	}
	if s.dense != nil {
		s.operand.AccGrad(s.dense)
	}
}
