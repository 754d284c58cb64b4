package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"govle/datasets"
	"govle/datasets/easyvqa"
	"govle/datasets/metrics"
	"govle/datasets/scenes"
	"govle/vle"
	"govle/vle/tokenizer"
	"govle/vle/train"
)

func trainCommand() *cobra.Command {
	var file string
	var resume bool
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "train --config FILE",
		Short: "Train a model as a configuration file says",
		Long: `Train a model for visual question answering as a TOML or JSON file says; docs/training.md
describes it. data and held name the questions: kind "easy-vqa" with the path of the
unpacked easy_vqa/data, or kind "scenes", which are generated (limit is their number).
The score of answering from the question alone is shown beside the model's.

An interrupt stops after the step and saves; --resume goes on. The other objectives
train from Go with package train.`,
		Example: `  govle train --config run.toml
  govle train --config run.toml --resume`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usagef("--config is missing")
			}
			c, err := train.ReadConfig(file)
			if err != nil {
				return err
			}
			c.Resume = c.Resume || resume
			if c.Dir == "" {
				return fmt.Errorf("%s: dir is not set: the trained model would be lost", file)
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return trainRun(ctx, c, train.Lines(cmd.ErrOrStderr(), every))
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "config", "", "the run's configuration `file`")
	f.BoolVar(&resume, "resume", false, "go on from the last checkpoint")
	f.DurationVar(&every, "every", 10*time.Second, "`time` between lines")
	return cmd
}

func trainRun(ctx context.Context, c *train.Config, report func(*train.Status)) error {
	for _, o := range c.Objectives {
		if o.Name != "vqa" {
			return fmt.Errorf("govle train has data for the objective vqa only, not for %q: train it from Go with package train", o.Name)
		}
	}
	m, p, err := c.Open()
	if err != nil {
		return err
	}
	opts, err := c.Options(p)
	if err != nil {
		return err
	}
	opts.Report = report
	vocab, err := datasets.NewVocab(m.Config().Labels)
	if err != nil {
		return err
	}
	data, err := openQuestions(c.Data, scenes.Train, "train", c.Seed)
	if err != nil {
		return err
	}
	if c.Held.Kind != "" {
		held, err := openQuestions(c.Held, scenes.Test, "test", c.Seed)
		if err != nil {
			return err
		}
		base, err := questionOnly(data, held, vocab)
		if err != nil {
			return err
		}
		opts.Evaluate = (&train.Held{
			Objective: train.VQA{}, Data: &trainQuestions{held, vocab, p},
			Baseline: base, BaselineName: "question only",
		}).Evaluate
	}
	tr, err := train.New(m, &trainQuestions{data, vocab, p}, opts)
	if err != nil {
		return err
	}
	return tr.Fit(ctx)
}

// openQuestions opens the questions that a configuration names, by default those
// of the given split.
func openQuestions(c train.DataConfig, split scenes.Split, name string, seed uint64) (datasets.Source[datasets.Question], error) {
	if c.Split != "" {
		name = c.Split
	}
	switch c.Kind {
	case "easy-vqa":
		q, err := easyvqa.Open(c.Path, name)
		if err != nil {
			return nil, err
		}
		if c.Limit > 0 {
			return datasets.Head(q, c.Limit), nil
		}
		return q, nil
	case "scenes":
		g, err := scenes.New(scenes.Config{Seed: seed})
		if err != nil {
			return nil, err
		}
		switch c.Split {
		case "":
		case "train":
			split = scenes.Train
		case "test":
			split = scenes.Test
		default:
			return nil, fmt.Errorf("scenes have no split %q: use train or test", c.Split)
		}
		if c.Limit <= 0 {
			return nil, errors.New("scenes: set limit, the number of questions to generate")
		}
		return g.Questions(split, c.Limit), nil
	}
	return nil, fmt.Errorf(`data of kind %q is unknown: use "easy-vqa" or "scenes"`, c.Kind)
}

// questionOnly is the score on held of the most frequent answer to the same
// words in data.
func questionOnly(data, held datasets.Source[datasets.Question], vocab *datasets.Vocab) (float64, error) {
	var prior metrics.Prior
	for q, err := range datasets.All(data) {
		if err != nil {
			return 0, err
		}
		prior.Fit(q.Text, q.Answer)
	}
	sum := 0.0
	for q, err := range datasets.All(held) {
		if err != nil {
			return 0, err
		}
		labels, scores, err := vocab.Targets(q)
		if err != nil {
			return 0, err
		}
		guess, ok := vocab.Label(prior.Answer(q.Text))
		for i, l := range labels {
			if ok && l == guess {
				sum += float64(scores[i])
			}
		}
	}
	return sum / float64(max(1, held.Len())), nil
}

// trainQuestions makes examples of questions.
type trainQuestions struct {
	src   datasets.Source[datasets.Question]
	vocab *datasets.Vocab
	p     *vle.Processor
}

func (d *trainQuestions) Len() int { return d.src.Len() }

func (d *trainQuestions) Example(i int, _ *rand.Rand) (*train.Example, error) {
	q, err := d.src.At(i)
	if err != nil {
		return nil, err
	}
	e := &train.Example{ID: fmt.Sprintf("question %d on %s", q.ID, q.Picture.Name)}
	fail := func(err error) (*train.Example, error) { return nil, fmt.Errorf("%s: %w", e.ID, err) }
	img, err := q.Picture.Image()
	if err != nil {
		return fail(err)
	}
	px, err := d.p.Images.Process(img)
	if err != nil {
		return fail(err)
	}
	enc, err := d.p.Tokenizer.Encode(q.Text, tokenizer.Options{})
	if err != nil {
		return fail(err)
	}
	if e.Labels, e.Scores, err = d.vocab.Targets(q); err != nil {
		return fail(err)
	}
	if e.Labels == nil {
		e.Labels = []int{} // every answer is wrong
	}
	e.IDs, e.Pixels = enc.IDs, px.Data
	return e, nil
}
