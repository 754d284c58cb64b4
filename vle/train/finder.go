package train

import (
	"context"
	"errors"
	"fmt"
	"math"

	"govle/vle"
)

// LRCurve is the loss as the learning rate rises. In a notebook it shows as a
// curve over the logarithm of the rate.
type LRCurve struct {
	LR, Loss []float64 // the loss smoothed
	// Suggested is the rate at which the loss falls fastest, 0 if it never does.
	Suggested float64
}

// FindLR takes steps (100 if 0) with a learning rate that rises from low to high
// by the same factor each time (Smith 2017), and stops when the loss is four times its
// smallest. Groups.LR, Schedule, Dir and Evaluate of the options are not read.
// The model has its values back at the end.
func FindLR(ctx context.Context, m vle.Parameterized, data Data, opts Options, low, high float64, steps int) (*LRCurve, error) {
	if steps <= 0 {
		steps = 100
	}
	if !(low > 0 && low < high) {
		return nil, fmt.Errorf("train: learning rates from %g to %g: the first must be positive and below the second", low, high)
	}
	opts.Groups.LR, opts.Schedule = 1, Schedule{Kind: Constant}
	opts.Dir, opts.Resume, opts.Evaluate = "", false, nil
	// Enough epochs for every step.
	opts.Epochs, opts.Steps = 0, steps
	t, err := New(m, data, opts)
	if err != nil {
		return nil, err
	}
	t.factor = func(step int) float64 {
		return low * math.Pow(high/low, float64(step)/float64(max(1, steps-1)))
	}
	values := make([][]float32, len(t.params))
	for i, p := range t.params {
		values[i] = append([]float32(nil), p.Value...)
	}
	defer func() {
		for i, p := range t.params {
			if !p.Frozen {
				copy(p.Value, values[i])
			}
		}
	}()
	c := &LRCurve{}
	mean, least := 0.0, math.Inf(1)
	for k := range steps {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("train: looking for a learning rate: %w", ctx.Err())
		}
		if err := t.step(); err != nil {
			var bad *LossError
			if errors.As(err, &bad) && k > 0 {
				break // that was too fast
			}
			return nil, err
		}
		const keep = 0.9 // a running mean, corrected for its start
		mean = keep*mean + (1-keep)*t.last.Loss
		smooth := mean / (1 - math.Pow(keep, float64(k+1)))
		c.LR, c.Loss = append(c.LR, t.last.LR), append(c.Loss, smooth)
		least = min(least, smooth)
		if smooth > 4*least {
			break
		}
	}
	c.suggest()
	return c, nil
}

// suggest finds the steepest fall, over a few steps each.
func (c *LRCurve) suggest() {
	const span = 3
	most := 0.0
	for i := span; i+span < len(c.Loss); i++ {
		if fall := c.Loss[i-span] - c.Loss[i+span]; fall > most {
			most, c.Suggested = fall, c.LR[i]
		}
	}
}

// String says what is suggested.
func (c *LRCurve) String() string {
	if c.Suggested == 0 {
		return fmt.Sprintf("the loss did not fall at any of %d learning rates", len(c.LR))
	}
	return fmt.Sprintf("the loss falls fastest at a learning rate of %.2g (%d tried, %.2g to %.2g)", c.Suggested, len(c.LR), c.LR[0], c.LR[len(c.LR)-1])
}

// MIMEBundle returns the forms that a notebook shows.
func (c *LRCurve) MIMEBundle() map[string]any {
	var points []Point
	for i := range c.LR {
		points = append(points, Point{math.Log10(c.LR[i]), c.Loss[i]})
	}
	return map[string]any{
		"text/plain": c.String(),
		"text/html":  `<div>` + c.String() + `</div>` + plot("loss", points, nil, "#3b78b8", "log₁₀ of the learning rate", "%.1f"),
	}
}
