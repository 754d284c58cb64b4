package nn

import (
	"fmt"

	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"
)

// tape is the operators of a graph run in the order in which they ran.
type tape struct {
	steps []step
	// current is the gradient that the operator under way was given.
	current *gradient
	// rewinding is set while Backward runs.
	rewinding bool
}

// step is an operator that ran in a graph, and its node there.
type step struct {
	op   Operator
	node *ag.Operator
}

// recorded is an operator of a run as spago sees it: its result lies in the
// run's memory.
type recorded struct {
	Operator
	run *Run
}

// Forward computes the result.
func (o *recorded) Forward() (mat.Tensor, error) { return o.eval(o.run), nil }

// record runs op and makes it a node of spago's graph and a step of the tape.
func (r *Run) record(op Operator) mat.Tensor {
	node := ag.NewOperator(&recorded{op, r}).Run()
	r.tape.steps = append(r.tape.steps, step{op, node})
	return node
}

// Backward takes the gradient of loss (1×1), times scale, to everything it was
// computed from. loss is the result of an operator in a graph run; the operators
// of the run go backwards one after the other from the last to the first, each on
// all processors. ag.Backward, which works too, starts them all at once, so that
// a value used three times sums its gradients in any order and no two runs agree
// to the last bit.
//
// The run is used up: the matrices it returned must not be read any more, and
// only Close may follow. Operators that are not of this package are not gone
// through; a loss made by one is an error.
func Backward(loss mat.Tensor, scale float32) error {
	if !loss.RequiresGrad() {
		return nil // nothing to train
	}
	v, ok := loss.Value().(*result)
	switch {
	case !ok || v.run == nil || !v.run.graph:
		return fmt.Errorf("nn: Backward wants the result of an operator in a graph run, this is a %T: use ag.Backward where spago's own operators take part", loss)
	case v.Size() != 1:
		return fmt.Errorf("nn: a loss has one element, this has %d", v.Size())
	}
	r := v.run
	r.tape.rewinding = true
	defer func() { r.tape.rewinding = false }()
	v.grad = r.newGradient(1)
	v.grad.data[0] = scale
	steps := r.tape.steps
	for i := len(steps) - 1; i >= 0; i-- {
		s := steps[i]
		steps[i] = step{}
		v := s.node.Value().(*result)
		if g := v.grad; g != nil && s.node.RequiresGrad() {
			r.tape.current = g
			s.op.back(r, g.data)
			v.grad = nil
			r.release(g)
		}
		r.drop(v.memory) // everything that reads it comes later on the tape
	}
	r.tape.steps, r.tape.current = steps[:0], nil
	return nil
}

// gradient is the sum of what has come of a result's gradient.
type gradient struct {
	data   []float32
	memory *Value
	// owners are the results that it is the gradient of; one with several is
	// copied before something is added.
	owners int
}

// newGradient returns a gradient of n elements of undefined contents.
func (r *Run) newGradient(n int) *gradient {
	v := r.arena.take(1, n)
	return &gradient{data: v.data, memory: v, owners: 1}
}

func (r *Run) release(g *gradient) {
	if g.owners--; g.owners == 0 {
		r.drop(g.memory)
	}
}
