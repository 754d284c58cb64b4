package train

import (
	"context"
	"fmt"

	"govle/vle"
	"govle/vle/blas"
	"govle/vle/nn"
)

// Held judges a model on held-out data by an objective's accuracy and loss; its
// Evaluate is for Options.Evaluate.
type Held struct {
	Objective Objective
	Data      Data
	// Batch is the number of examples of a pass, 32 if 0; Limit, if not 0, bounds
	// how many of the first examples are looked at.
	Batch, Limit int
	// Baseline is what the accuracy is compared with, such as that of answering
	// from the question alone, and BaselineName says what it is; empty for none.
	Baseline     float64
	BaselineName string
	// Seed decides masks, which are the same in every evaluation.
	Seed uint64
}

// Evaluate returns the accuracy and the loss. It stops early when ctx is
// cancelled.
func (h *Held) Evaluate(ctx context.Context, m vle.Parameterized) ([]Score, error) {
	size := h.Batch
	if size <= 0 {
		size = 32
	}
	n := h.Data.Len()
	if h.Limit > 0 {
		n = min(n, h.Limit)
	}
	batches := (n + size - 1) / size
	type result struct {
		right, loss   float64
		scored, units int
		err           error
	}
	results := make([]result, batches)
	blas.Parallel(batches, func(k int) {
		if ctx.Err() != nil {
			results[k].err = ctx.Err()
			return
		}
		res := &results[k]
		var examples []*Example
		for i := k * size; i < min(n, (k+1)*size); i++ {
			e, err := h.Data.Example(i, rngFor(h.Seed, forEvaluation, uint64(i)))
			if err != nil {
				res.err = fmt.Errorf("reading example %d: %w", i, err)
				return
			}
			examples = append(examples, e)
		}
		prepared, err := h.Objective.Prepare(m.Config(), examples, rngFor(h.Seed, forObjective, uint64(k)))
		if err != nil || len(prepared) == 0 {
			res.err = err
			return
		}
		for _, e := range prepared {
			res.units += h.Objective.Units(m.Config(), e)
		}
		r := nn.NewRun()
		defer r.Close()
		out, err := h.Objective.Run(m, r, prepared)
		if err != nil {
			res.err = err
			return
		}
		res.right, res.scored, res.loss = out.Right, out.Scored, float64(nn.Floats(out.Loss)[0])
	})
	var all result
	for k := range results {
		res := &results[k]
		if res.err != nil {
			return nil, res.err
		}
		all.right += res.right
		all.scored += res.scored
		all.loss += res.loss * float64(res.units)
		all.units += res.units
	}
	if all.scored == 0 {
		return nil, fmt.Errorf("no example has targets for %s", h.Objective.Name())
	}
	return []Score{
		{Name: h.Objective.Name() + " accuracy", Value: all.right / float64(all.scored), Baseline: h.Baseline, BaselineName: h.BaselineName},
		{Name: h.Objective.Name() + " loss", Value: all.loss / float64(all.units), LowerIsBetter: true},
	}, nil
}
