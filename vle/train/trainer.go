package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"govle/vle"
	"govle/vle/blas"
)

// Trainer trains a model. It is for one goroutine at a time, and the model must
// not be used by others while Fit runs.
type Trainer struct {
	model   vle.Parameterized
	data    Data
	opts    Options
	params  []*Parameter
	workers *workers

	total     int // steps of the whole run
	perEpoch  int // steps of an epoch
	perStep   int // examples of a step
	factor    func(step int) float64
	sampler   *sampler
	order     []place // of epoch orderOf
	orderOf   int
	ahead     *loading // the next step's examples
	state     state
	savedStep int // the step of the last checkpoint, -1 for none
	saveBest  bool
	logs      *logs

	last     Step
	fitStart time.Time
	before   time.Duration // of earlier Fits
	stepTime float64       // seconds, a running mean
	lastTold time.Time
}

// Step is what came of one step.
type Step struct {
	// Step counts from 1.
	Step int
	// Loss is the mean over the step's examples, weighted as the mix says, before
	// the update. Accuracy is the objectives' (see each) over the same examples.
	Loss, Accuracy float64
	// GradNorm is that before clipping. LR is the base learning rate by the
	// schedule.
	GradNorm, LR float64
	// Losses are the objectives' own, by name.
	Losses map[string]float64
}

// New prepares a run. The model must have its values and be trainable; its own
// memory is trained. With Options.Resume the run goes on from its last
// checkpoint.
func New(model vle.Parameterized, data Data, opts Options) (*Trainer, error) {
	o, err := opts.complete()
	if err != nil {
		return nil, err
	}
	params, err := Group(model, o.Groups)
	if err != nil {
		return nil, err
	}
	n := data.Len()
	if n == 0 {
		return nil, errors.New("train: the data is empty")
	}
	t := &Trainer{model: model, data: data, opts: o, params: params, savedStep: -1, orderOf: -1}
	if t.sampler, err = newSampler(data, o.PerPicture); err != nil {
		return nil, err
	}
	t.workers = &workers{model: model, params: params}
	w, err := t.workers.take() // to learn now whether it can be trained
	if err != nil {
		return nil, err
	}
	t.workers.give(w)
	t.perStep = o.Batch * o.Accumulate
	t.perEpoch = (n + t.perStep - 1) / t.perStep
	t.total = t.perEpoch * o.Epochs
	if o.Steps > 0 && (o.Epochs == 0 || o.Steps < t.total) {
		t.total = o.Steps
	}
	t.factor = func(step int) float64 { return o.Schedule.Factor(step, t.total, o.Groups.LR) }
	t.state.Settings = t.settings()
	if o.Dir != "" {
		if err := t.resume(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Steps returns the number of steps of the whole run, and Done how many are done.
func (t *Trainer) Steps() int { return t.total }

// Done returns the number of steps that are done.
func (t *Trainer) Done() int { return t.state.Step }

// Last returns what came of the last step.
func (t *Trainer) Last() Step { return t.last }

// Parameters returns the parameters with their groups' settings.
func (t *Trainer) Parameters() []*Parameter { return t.params }

// Fit trains until the last step, or until the scores stop improving
// (Options.Patience), or until ctx is cancelled; then it returns ctx's error and another
// call goes on. After any other error, too, the finished steps are kept, and with
// a Dir they are saved if that is possible.
func (t *Trainer) Fit(ctx context.Context) (err error) {
	t.fitStart, t.before, t.stepTime = time.Now(), t.state.elapsed(), 0
	if t.opts.Dir != "" && t.logs == nil {
		if t.logs, err = openLogs(t.opts.Dir, t.state.Step); err != nil {
			return err
		}
	}
	defer func() {
		if t.logs != nil {
			err = errors.Join(err, t.logs.close())
			t.logs = nil
		}
	}()
	for {
		// What is due after a step comes first, for an earlier call may have been
		// stopped, or failed, before it was done.
		if t.evaluationDue() {
			if err := t.evaluate(ctx); err != nil {
				return errors.Join(err, t.saveIfDue(true))
			}
		}
		if err := t.saveIfDue(false); err != nil {
			return err
		}
		if t.state.Step >= t.total || t.state.Stopped != "" {
			t.report("done")
			return t.saveIfDue(true)
		}
		if ctx.Err() != nil {
			t.report("interrupted")
			return errors.Join(fmt.Errorf("train: stopped after step %d of %d, Fit goes on from here: %w", t.state.Step, t.total, ctx.Err()), t.saveIfDue(true))
		}
		start := time.Now()
		if err := t.step(); err != nil {
			return errors.Join(err, t.saveIfDue(true))
		}
		t.keepTime(time.Since(start))
		if t.logs != nil {
			if err := t.logs.step(&t.last, t.epoch()); err != nil {
				return errors.Join(err, t.saveIfDue(true))
			}
		}
		if time.Since(t.lastTold) >= t.opts.ReportEvery {
			t.report("")
		}
	}
}

func (t *Trainer) keepTime(d time.Duration) {
	t.state.Seconds = (t.before + time.Since(t.fitStart)).Seconds()
	if t.stepTime == 0 {
		t.stepTime = d.Seconds()
	} else {
		t.stepTime += 0.05 * (d.Seconds() - t.stepTime)
	}
}

// epoch returns how many times the data was gone through, with its fraction.
func (t *Trainer) epoch() float64 { return float64(t.state.Step) / float64(t.perEpoch) }

func (t *Trainer) epochEnds() bool { return t.state.Step%t.perEpoch == 0 }

// evaluationDue tells whether the model as it is now is to be evaluated and was
// not yet.
func (t *Trainer) evaluationDue() bool {
	done := t.state.Evaluations
	if t.opts.Evaluate == nil || t.state.Step == 0 || len(done) > 0 && done[len(done)-1].Step == t.state.Step {
		return false
	}
	switch {
	case t.state.Step == t.total:
		return true
	case t.opts.EvaluateEvery > 0:
		return t.state.Step%t.opts.EvaluateEvery == 0
	}
	return t.epochEnds()
}

// evaluate asks for the scores, and remembers whether they are the best.
func (t *Trainer) evaluate(ctx context.Context) error {
	scores, err := t.opts.Evaluate(ctx, t.model)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("train: stopped while evaluating after step %d of %d, Fit goes on from here: %w", t.state.Step, t.total, ctx.Err())
		}
		return fmt.Errorf("train: evaluating after step %d: %w", t.state.Step, err)
	}
	for _, x := range scores {
		if math.IsNaN(x.Value) || math.IsInf(x.Value, 0) {
			return fmt.Errorf("train: evaluating after step %d: the score %q is %g", t.state.Step, x.Name, x.Value)
		}
	}
	s := &t.state
	s.Evaluations = append(s.Evaluations, Evaluated{Step: s.Step, Scores: scores})
	if len(scores) > 0 {
		if s.BestStep == 0 || scores[0].better(s.Best) {
			s.Best, s.BestStep, s.Worse = scores[0].Value, s.Step, 0
			t.saveBest = t.opts.Dir != ""
		} else {
			s.Worse++
		}
		if t.opts.Patience > 0 && s.Worse >= t.opts.Patience {
			s.Stopped = fmt.Sprintf("no better %s in %d evaluations; the best was %.4g after step %d", scores[0].Name, s.Worse, s.Best, s.BestStep)
		}
	}
	if t.logs != nil {
		if err := t.logs.scores(s.Step, scores); err != nil {
			return err
		}
	}
	t.report("evaluated")
	return nil
}

// saveIfDue saves a checkpoint if it is time to; with now, if anything is unsaved.
func (t *Trainer) saveIfDue(now bool) error {
	if t.opts.Dir == "" || t.state.Step == 0 || t.state.Step == t.savedStep && !t.saveBest {
		return nil
	}
	due := now || t.saveBest
	if t.opts.SaveEvery > 0 {
		due = due || t.state.Step%t.opts.SaveEvery == 0
	} else {
		evals := t.state.Evaluations
		due = due || t.epochEnds() || len(evals) > 0 && evals[len(evals)-1].Step == t.state.Step
	}
	if !due {
		return nil
	}
	return t.save()
}

// step takes one step. When it fails the model and the state are as before.
func (t *Trainer) step() error {
	step := t.state.Step
	micros, err := t.examples(step)
	if err != nil {
		return err
	}
	c := t.model.Config()
	total := &sum{workers: t.workers, pending: map[int]*worker{}}
	defer total.close()
	out := Step{Step: step + 1, Losses: map[string]float64{}}
	right, scored := 0.0, 0
	for i, examples := range micros {
		var shards []*shard
		for k, w := range t.opts.Mix {
			prepared, err := w.Objective.Prepare(c, examples, rngFor(t.opts.Seed, forObjective, uint64(step), uint64(i), uint64(k)))
			if err != nil {
				return fmt.Errorf("train: step %d: %s: %w", step+1, w.Objective.Name(), err)
			}
			shards = append(shards, cut(c, w.Objective, prepared, t.opts.Shards, w.Weight/float64(len(micros)), func(s int) uint64 {
				return seedFor(t.opts.Seed, forDropout, uint64(step), uint64(i), uint64(k), uint64(s))
			})...)
		}
		if err := t.workers.run(shards, total, !t.opts.NoDropout, step+1); err != nil {
			return err
		}
		for _, sh := range shards {
			out.Loss += float64(sh.weight) * sh.loss
			out.Losses[sh.objective.Name()] += float64(sh.weight) * sh.loss
			right += sh.right
			scored += sh.scored
		}
	}
	if total.total == nil {
		return fmt.Errorf("train: step %d: no example of the batch has targets for the objective", step+1)
	}
	for _, w := range t.opts.Mix {
		out.Losses[w.Objective.Name()] /= w.Weight
	}
	limit := math.Inf(1)
	if t.opts.ClipNorm > 0 {
		limit = t.opts.ClipNorm
	}
	grads := total.total.gradients()
	out.GradNorm = clip(grads, limit)
	if math.IsNaN(out.GradNorm) || math.IsInf(out.GradNorm, 0) {
		var all []string
		for _, examples := range micros {
			all = append(all, names(examples)...)
		}
		return &LossError{Step: step + 1, Value: out.GradNorm, Examples: all}
	}
	factor := t.factor(step)
	t.opts.Optimizer.step(t.params, grads, factor)
	out.LR = factor * t.opts.Groups.LR
	if scored > 0 {
		out.Accuracy = right / float64(scored)
	}
	t.last = out
	t.state.Step++
	t.state.Curve.add(float64(t.state.Step), out.Loss)
	return nil
}

// loading is the examples of a step on their way.
type loading struct {
	step   int
	done   chan struct{}
	micros [][]*Example
	err    error
}

// examples returns the batches of a step, and has the next step's loaded
// meanwhile.
func (t *Trainer) examples(step int) ([][]*Example, error) {
	l := t.ahead
	if l == nil || l.step != step {
		l = t.load(step)
	}
	t.ahead = nil
	<-l.done
	if l.err == nil && step+1 < t.total {
		t.ahead = t.load(step + 1)
	}
	return l.micros, l.err
}

// load starts loading the examples of a step.
func (t *Trainer) load(step int) *loading {
	epoch := step / t.perEpoch
	if t.orderOf != epoch {
		t.order, t.orderOf = t.sampler.order(rngFor(t.opts.Seed, forOrder, uint64(epoch))), epoch
	}
	first := step % t.perEpoch * t.perStep
	order := t.order[first:min(first+t.perStep, len(t.order))]
	l := &loading{step: step, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		examples, errs := make([]*Example, len(order)), make([]error, len(order))
		blas.Parallel(len(order), func(k int) {
			i := order[k].example
			seed := uint64(i)
			if p := order[k].picture; p >= 0 {
				seed = uint64(p) // one picture is augmented in one way
			}
			examples[k], errs[k] = t.data.Example(i, rngFor(t.opts.Seed, forExample, uint64(epoch), seed))
		})
		for k, err := range errs {
			if err == nil && examples[k] == nil {
				err = errors.New("there is none")
			}
			if err != nil {
				l.err = fmt.Errorf("train: step %d: reading example %d of the data: %w", step+1, order[k].example, err)
				return
			}
		}
		sharePixels(order, examples)
		for len(examples) > 0 {
			n := min(t.opts.Batch, len(examples))
			l.micros = append(l.micros, examples[:n])
			examples = examples[n:]
		}
	}()
	return l
}
