package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"govle/datasets"
	"govle/datasets/metrics"
	"govle/vle"
	"govle/vle/train"
)

func trainCommand() *cobra.Command {
	var file string
	var resume bool
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "train --config FILE",
		Short: "Train a model as a configuration file says",
		Long: `Train a model as a TOML or JSON file says; docs/training.md describes it. Each [[data]]
is a data set for one objective: questions for vqa (kinds easy-vqa, vqa, scenes,
sort-of-clevr), captions for itm, mlm and pbc (captions, scenes), multiple choice for
vcr_q2a and vcr_qa2r (vcr, scenes). [[held]] is what to evaluate on; beside the score of
questions stands that of answering without the picture.

An interrupt stops after the step and saves; --resume goes on.`,
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
	parts := func(list []train.DataConfig, split string) (out []*trainPart, err error) {
		for i, d := range list {
			if d.Objective == "" {
				if len(c.Objectives) > 1 {
					return nil, fmt.Errorf("data set %d (%s): set objective, for the run has several", i+1, d.Kind)
				}
				d.Objective = c.Objectives[0].Name
			}
			part, err := openPart(specOf(d, split, c.Seed), d, m, p, vocab)
			if err != nil {
				return nil, fmt.Errorf("data set %d (%s): %w", i+1, d.Kind, err)
			}
			out = append(out, part)
		}
		return out, nil
	}
	data, err := parts(c.Data, "train")
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return errors.New("there is no data to train on: add [[data]]")
	}
	held, err := parts(c.Held, "val")
	if err != nil {
		return fmt.Errorf("held: %w", err)
	}
	var evaluate []train.Evaluator
	for i, part := range held {
		h := &train.Held{Data: part, Batch: 60}
		for _, w := range opts.Mix {
			if w.Objective.Name() == part.objective {
				h.Objective = w.Objective
			}
		}
		if h.Objective == nil {
			return fmt.Errorf("held: data set %d is for the objective %s, which the run does not have", i+1, part.objective)
		}
		if part.objective == "vqa" {
			base, err := questionOnly(c, specOf(c.Held[i], "val", c.Seed), vocab)
			if err != nil {
				return err
			}
			h.Baseline, h.BaselineName = base, "question only"
		}
		name := ""
		if len(held) > 1 {
			name = c.Held[i].Kind + " "
		}
		evaluate = append(evaluate, func(ctx context.Context, m vle.Parameterized) ([]train.Score, error) {
			scores, err := h.Evaluate(ctx, m)
			for k := range scores {
				scores[k].Name = name + scores[k].Name
			}
			return scores, err
		})
	}
	if len(evaluate) > 0 {
		opts.Evaluate = func(ctx context.Context, m vle.Parameterized) (all []train.Score, err error) {
			for _, e := range evaluate {
				scores, err := e(ctx, m)
				if err != nil {
					return nil, err
				}
				all = append(all, scores...)
			}
			return all, nil
		}
	}
	tr, err := train.New(m, newTrainMix(data), opts)
	if err != nil {
		return err
	}
	return tr.Fit(ctx)
}

// specOf names a configuration's data set, by default the given split: train, or
// val, for settings are not chosen on a test split.
func specOf(c train.DataConfig, split string, seed uint64) dataSpec {
	d := dataSpec{Kind: c.Kind, Path: c.Path, Images: c.Images, Annotations: c.Annotations, Split: c.Split, Seed: seed, Limit: c.Limit}
	if d.Split == "" && (d.Kind == "easy-vqa" || dataKinds[d.Kind]) {
		if d.Split = split; d.Kind == "easy-vqa" && split == "train" {
			d.Split = "fit" // train without the pictures of val
		}
	}
	return d
}

// questionOnly is the score on held questions of the most frequent answer to the
// same words in the training data of the same kind.
func questionOnly(c *train.Config, spec dataSpec, vocab *datasets.Vocab) (float64, error) {
	const enough = 50_000
	var prior metrics.Prior
	for _, d := range c.Data {
		if d.Kind != spec.Kind || d.Objective != "" && d.Objective != "vqa" {
			continue
		}
		data, err := specOf(d, "train", c.Seed).questions()
		if err != nil {
			return 0, err
		}
		if data.Len() > enough {
			data = datasets.Head(data, enough)
		}
		for q, err := range datasets.All(data) {
			if err != nil {
				return 0, err
			}
			prior.Fit(q.Text, q.Answer)
		}
	}
	held, err := spec.questions()
	if err != nil {
		return 0, err
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
