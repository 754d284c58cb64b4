package train

import (
	"context"
	"fmt"
	"os"
	"time"

	"govle/vle"
)

// Options say how a model is trained. Objective (or Mix), Groups.LR and Epochs
// (or Steps) must be set; the rest has defaults.
type Options struct {
	// Objective is what the model is trained for.
	Objective Objective
	// Mix, instead of Objective, trains for several at once: the loss is the sum
	// of theirs by weight, each computed on the same examples.
	Mix []Weighted

	Groups    GroupOptions
	Optimizer AdamW
	Schedule  Schedule
	// ClipNorm bounds the norm of the whole gradient; 0 does not.
	ClipNorm float64
	// NoDropout turns the dropout of the model's configuration off.
	NoDropout bool

	// Batch is the number of examples whose mean loss is taken, 32 if 0. A step
	// sums the gradients of Accumulate batches (1 if 0) and divides by their
	// number.
	Batch, Accumulate int
	// Shards is the number of parts that a batch is cut into, 8 if 0. They are
	// computed side by side; their number, unlike that of the processors, decides
	// the last bits of the result. More shards keep more processors busy, fewer
	// make larger matrices.
	Shards int
	// PerPicture, if not 0, puts up to so many examples of one picture next to
	// each other, so that a batch encodes the picture once for all of them. The
	// data must be [Pictured], or [Examples]. Each epoch still sees each example once: it deals
	// the examples of every picture into groups of that size at random and then
	// shuffles the groups. The examples of a batch are not independent any more,
	// so that its gradient is as noisy as that of a smaller batch: let it hold
	// many pictures. The random numbers that the data gets are then the same for
	// all examples of a picture in an epoch, and a group is shown the pixels of its
	// first example; augment the picture before anything else.
	PerPicture int
	// Epochs is how often each example is seen. Steps, if not 0, bounds the
	// number of steps, or replaces Epochs.
	Epochs, Steps int
	// Seed decides order, masks, dropout and augmentation.
	Seed uint64

	// Evaluate is called every EvaluateEvery steps, or after each epoch if that is
	// 0, and at the end. The first score decides which checkpoint is the best.
	Evaluate      Evaluator
	EvaluateEvery int
	// Patience ends the run after so many evaluations in a row without a better
	// first score; 0 never does.
	Patience int

	// Dir, if not empty, is where checkpoints and logs go: the folders last and
	// best, log.csv, scores.csv and TensorBoard's event files.
	Dir string
	// SaveEvery is the number of steps between checkpoints; 0 saves after each
	// epoch and each evaluation. The end and an interruption save, too.
	SaveEvery int
	// Resume goes on from the last checkpoint in Dir, if there is one.
	Resume bool
	// Processor is saved with the model, so that a checkpoint opens as a pipeline.
	Processor *vle.Processor

	// Report is told how the run goes, about once every ReportEvery (a second if
	// 0), after each evaluation and at the end. Nil writes lines to standard
	// error, unless Show is set.
	Report      func(*Status)
	ReportEvery time.Duration
	// Show, in a notebook the Update method of a display handle, is given the
	// same as a picture that is drawn anew in place and stays when the notebook
	// is saved.
	Show func(any)
}

// Weighted is an objective with the weight of its loss; 0 means 1.
type Weighted struct {
	Objective Objective
	Weight    float64
}

// Score is one figure of an evaluation.
type Score struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	// Baseline is what to compare with, such as the score of answering without
	// the picture, and BaselineName says what it is; empty for none.
	Baseline     float64 `json:"baseline,omitempty"`
	BaselineName string  `json:"baseline_name,omitempty"`
	// LowerIsBetter is set for losses.
	LowerIsBetter bool `json:"lower_is_better,omitempty"`
}

func (s Score) better(than float64) bool {
	if s.LowerIsBetter {
		return s.Value < than
	}
	return s.Value > than
}

// Evaluator judges the model while it is trained. It must not change it.
type Evaluator func(ctx context.Context, m vle.Parameterized) ([]Score, error)

// complete checks the options and fills defaults in.
func (o Options) complete() (Options, error) {
	if o.Objective != nil {
		if o.Mix != nil {
			return o, fmt.Errorf("train: options: set Objective or Mix, not both")
		}
		o.Mix = []Weighted{{o.Objective, 1}}
	}
	if len(o.Mix) == 0 {
		return o, fmt.Errorf("train: options: no objective")
	}
	mix := append([]Weighted(nil), o.Mix...)
	for i := range mix {
		if mix[i].Objective == nil || !(mix[i].Weight >= 0) {
			return o, fmt.Errorf("train: options: objective %d of the mix is %v with weight %g", i, mix[i].Objective, mix[i].Weight)
		}
		mix[i].Weight = or1(mix[i].Weight)
	}
	o.Mix = mix
	for _, f := range []struct {
		name    string
		p       *int
		missing int
	}{{"Batch", &o.Batch, 32}, {"Accumulate", &o.Accumulate, 1}, {"Shards", &o.Shards, 8}, {"PerPicture", &o.PerPicture, 0}, {"Epochs", &o.Epochs, 0},
		{"Steps", &o.Steps, 0}, {"EvaluateEvery", &o.EvaluateEvery, 0}, {"Patience", &o.Patience, 0}, {"SaveEvery", &o.SaveEvery, 0}} {
		if *f.p < 0 {
			return o, fmt.Errorf("train: options: %s is %d", f.name, *f.p)
		}
		if *f.p == 0 {
			*f.p = f.missing
		}
	}
	if o.Epochs == 0 && o.Steps == 0 {
		return o, fmt.Errorf("train: options: set Epochs or Steps")
	}
	if o.Groups.LR == 0 {
		return o, fmt.Errorf("train: options: Groups.LR, the learning rate, is not set; FindLR helps to choose one")
	}
	if !(o.ClipNorm >= 0) {
		return o, fmt.Errorf("train: options: ClipNorm is %g", o.ClipNorm)
	}
	if o.ReportEvery <= 0 {
		o.ReportEvery = time.Second
	}
	if o.Report == nil && o.Show == nil {
		o.Report = Lines(os.Stderr, 10*time.Second)
	}
	if o.Resume && o.Dir == "" {
		return o, fmt.Errorf("train: options: Resume without Dir")
	}
	if err := o.Schedule.check(); err != nil {
		return o, fmt.Errorf("train: options: %w", err)
	}
	if err := o.Optimizer.check(); err != nil {
		return o, fmt.Errorf("train: options: %w", err)
	}
	return o, nil
}
