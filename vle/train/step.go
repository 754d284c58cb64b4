package train

import (
	"fmt"
	"math"
	"strings"
	"sync"

	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/blas"
	"govle/vle/nn"
)

// LossError is the error for a loss or a gradient that is no finite number. The
// step that it came up in was not taken: the model is as it was before.
type LossError struct {
	Step      int
	Objective string
	Value     float64
	// Examples are the names of those whose own loss is not finite, or, if there
	// is none, of all that it was computed of.
	Examples []string
}

// Error names the step and the examples.
func (e *LossError) Error() string {
	what := "loss"
	if e.Objective == "" {
		what = "norm of the gradient"
	} else {
		what += " of " + e.Objective
	}
	names := e.Examples
	more := ""
	if len(names) > 8 {
		more = fmt.Sprintf(" and %d more", len(names)-8)
		names = names[:8]
	}
	return fmt.Sprintf("train: step %d: the %s is %g for the examples %s%s: check them, or lower the learning rate or clip the gradient; the step was not taken",
		e.Step, what, e.Value, strings.Join(names, ", "), more)
}

// worker is a replica of the model that one goroutine uses at a time.
type worker struct {
	model  vle.Parameterized
	params []*spago.Param
}

// workers hands replicas out, making as many as are needed at once.
type workers struct {
	model  vle.Parameterized
	params []*Parameter
	mu     sync.Mutex
	idle   []*worker
}

func (w *workers) take() (*worker, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.idle); n > 0 {
		x := w.idle[n-1]
		w.idle = w.idle[:n-1]
		return x, nil
	}
	m, params, err := replica(w.model, w.params)
	return &worker{m, params}, err
}

func (w *workers) give(x *worker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle = append(w.idle, x)
}

// gradients lists the worker's gradients.
func (x *worker) gradients() []gradient {
	out := make([]gradient, len(x.params))
	for i, p := range x.params {
		w := p.Matrix.(*nn.Weight)
		out[i].data, out[i].rows = w.Gradient()
		out[i].width = w.Size() / w.Shape()[0]
	}
	return out
}

// zero forgets the worker's gradients.
func (x *worker) zero() {
	for _, p := range x.params {
		p.ZeroGrad()
	}
}

// shard is a part of a batch whose gradient is computed on its own.
type shard struct {
	objective Objective
	examples  []*Example
	weight    float32 // of its mean loss in the whole
	seed      uint64

	loss   float64
	right  float64
	scored int
	err    error
}

// sum adds up gradients in the order of their numbers, whatever the order they
// come in, so that the sum does not depend on who was first.
type sum struct {
	workers *workers
	mu      sync.Mutex
	total   *worker // whose gradients the sum is in, nil for none
	pending map[int]*worker
	next    int
}

// add adds the gradients of x, which may be nil, and takes x back.
func (s *sum) add(i int, x *worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending[i] = x
	for {
		x, ok := s.pending[s.next]
		if !ok {
			return
		}
		delete(s.pending, s.next)
		s.next++
		switch {
		case x == nil:
		case s.total == nil:
			s.total = x
		default:
			for k, p := range x.params {
				s.total.params[k].Matrix.(*nn.Weight).Take(p.Matrix.(*nn.Weight))
			}
			s.workers.give(x)
		}
	}
}

// close gives everything back.
func (s *sum) close() {
	if s.total != nil {
		s.total.zero()
		s.workers.give(s.total)
	}
}

// cut divides the prepared examples of an objective into at most n shards.
// Neighbours that share a picture stay together.
func cut(c *vle.Config, o Objective, examples []*Example, n int, weight float64, seed func(shard int) uint64) []*shard {
	total := 0
	for _, e := range examples {
		total += o.Units(c, e)
	}
	n = min(n, len(examples))
	var out []*shard
	first := 0
	for i := range n {
		end := max(first, (i+1)*len(examples)/n)
		for end > first && end < len(examples) && samePicture(examples[end-1], examples[end]) {
			end++
		}
		part := examples[first:end]
		first = end
		units := 0
		for _, e := range part {
			units += o.Units(c, e)
		}
		if units > 0 {
			out = append(out, &shard{objective: o, examples: part, weight: float32(weight * float64(units) / float64(total)), seed: seed(i)})
		}
	}
	return out
}

// run computes the losses and adds the gradients of all shards to s.
func (w *workers) run(shards []*shard, s *sum, dropout bool, step int) error {
	first := s.next
	blas.Parallel(len(shards), func(i int) {
		sh := shards[i]
		var x *worker
		x, sh.err = w.shard(sh, dropout, step)
		s.add(first+i, x)
	})
	for _, sh := range shards {
		if sh.err != nil {
			return sh.err
		}
	}
	return nil
}

// shard computes a shard's loss and returns the worker that holds its gradients.
func (w *workers) shard(sh *shard, dropout bool, step int) (_ *worker, err error) {
	x, err := w.take()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			x.zero()
			w.give(x)
		}
	}()
	r := nn.NewGraphRun(dropout, sh.seed)
	defer r.Close()
	out, err := sh.objective.Run(x.model, r, sh.examples)
	if err != nil {
		return nil, fmt.Errorf("train: step %d: %s: examples %s: %w", step, sh.objective.Name(), strings.Join(names(sh.examples), ", "), err)
	}
	sh.loss, sh.right, sh.scored = float64(nn.Floats(out.Loss)[0]), out.Right, out.Scored
	if math.IsNaN(sh.loss) || math.IsInf(sh.loss, 0) {
		return nil, &LossError{Step: step, Objective: sh.objective.Name(), Value: sh.loss, Examples: culprits(x.model, sh)}
	}
	if err := nn.Backward(out.Loss, sh.weight); err != nil {
		return nil, err
	}
	return x, nil
}

// culprits names the examples whose own loss is not finite, or all.
func culprits(m vle.Parameterized, sh *shard) []string {
	var bad []*Example
	for _, e := range sh.examples {
		r := nn.NewRun()
		out, err := sh.objective.Run(m, r, []*Example{e})
		if err == nil {
			if v := float64(nn.Floats(out.Loss)[0]); math.IsNaN(v) || math.IsInf(v, 0) {
				bad = append(bad, e)
			}
		}
		r.Close()
	}
	if len(bad) == 0 {
		bad = sh.examples
	}
	return names(bad)
}

func names(examples []*Example) []string {
	var out []string
	for _, e := range examples {
		out = append(out, fmt.Sprintf("%q", e.ID))
	}
	return out
}
