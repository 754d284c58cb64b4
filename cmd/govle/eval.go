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
)

// evalOptions are the flags that all of govle eval's subcommands have.
type evalOptions struct {
	precision precisionFlag
	models    []string
	data      string
	spec      dataSpec
	// fit is the data that baselines are fitted on.
	fit, fitAnnotations string
	out, submission     string
	asJSON              bool
	every               time.Duration
}

func evalCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Score a model on a data set as the official evaluations do",
		Long: `Score a model on a data set. --data is one of

` + dataHelp + `

Beside the score stands what is reached without looking: by chance, by always giving the
most frequent answer, and by answering from the text alone. The last two are counted on
the training questions: --fit names them; for easy-vqa, scenes and sort-of-clevr they are
the train split of the same data unless --fit says otherwise.

Each picture is encoded once. Progress goes to standard error; an interrupt prints the
scores of what is finished and ends with status 1.

--json prints one object: task, model, data, items (scored), of (all), interrupted,
seconds and rows, each with a name, items, score and baselines in per cent.
-o writes a JSON line for each item with what the model said.`,
		Example: `  govle eval vqa --model run/best --data easy-vqa:easy_vqa/data --split test
  govle eval vqa --model vle-base-for-vqa --data vqa:v2_OpenEnded_mscoco_test2015_questions.json --images test2015 --submission answers.json
  govle eval vcr --model vle-base-for-vcr-q2a --model vle-base-for-vcr-qa2r --data vcr:val.jsonl --images vcr1images --json
  govle eval itm --model run/best --data scenes:1:200`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(evalVQACommand(), evalVCRCommand(), evalITMCommand(), evalPBCCommand(), evalMLMCommand())
	return cmd
}

// evaluator is one of the subcommands. It fills the report's rows.
type evaluator func(ctx context.Context, o *evalOptions, rep *evalReport, loop *evalLoop) error

// command adds the common flags to a subcommand and runs it.
func (o *evalOptions) command(cmd *cobra.Command, task string, run evaluator) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if len(o.models) == 0 {
			return usagef("--model is missing: name a model folder")
		}
		if o.data == "" {
			return usagef("--data is missing; govle eval --help lists what it can be")
		}
		if err := o.resolve(); err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		rep := &evalReport{Task: task, Models: o.models, Data: o.spec.String()}
		loop := &evalLoop{w: cmd.ErrOrStderr(), every: o.every, what: task}
		start := time.Now()
		err := run(ctx, o, rep, loop)
		if err != nil {
			return err
		}
		rep.Seconds = time.Since(start).Seconds()
		if o.asJSON {
			err = printJSON(cmd.OutOrStdout(), rep)
		} else {
			_, err = fmt.Fprint(cmd.OutOrStdout(), rep)
		}
		if err == nil && rep.Interrupted {
			return &reportedError{errors.New("interrupted")}
		}
		return err
	}
	f := cmd.Flags()
	o.precision.add(f)
	f.StringArrayVar(&o.models, "model", nil, "`folder` of the model")
	f.StringVar(&o.data, "data", "", "`data` to score on, as KIND:PATH or KIND:SEED:N")
	f.StringVar(&o.spec.Split, "split", "", "`part` of the data (test unless said)")
	f.StringVar(&o.spec.Images, "images", "", "`folder` of the pictures")
	f.IntVar(&o.spec.Limit, "limit", 0, "look at the first `n` items only")
	f.StringVar(&o.fit, "fit", "", "`data` to count baselines on, as KIND:PATH or KIND:SEED:N")
	f.StringVarP(&o.out, "output", "o", "", "write what the model said to this `file`, a JSON line an item")
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	f.DurationVar(&o.every, "every", 10*time.Second, "`time` between lines of progress")
	return cmd
}

// resolve reads --data and --fit.
func (o *evalOptions) resolve() error {
	d, err := parseData(o.data)
	if err != nil {
		return err
	}
	if dataKinds[d.Kind] && o.spec.Limit == 0 {
		o.spec.Limit = d.Limit
	}
	o.spec.Kind, o.spec.Path, o.spec.Seed = d.Kind, d.Path, d.Seed
	if o.spec.Split == "" && (dataKinds[d.Kind] || d.Kind == "easy-vqa") {
		o.spec.Split = "test"
	}
	return o.spec.check()
}

// fitPictures is how many generated pictures baselines are counted on.
const fitPictures = 5000

// fitSpec is the data that baselines are fitted on; ok is false if there is none.
func (o *evalOptions) fitSpec() (d dataSpec, ok bool, err error) {
	if o.fit != "" {
		if d, err = parseData(o.fit); err != nil {
			return d, false, err
		}
		d.Images, d.Annotations = o.spec.Images, o.fitAnnotations
		if d.Split == "" && (dataKinds[d.Kind] || d.Kind == "easy-vqa") {
			d.Split = "train"
		}
		return d, true, nil
	}
	switch o.spec.Kind {
	case "easy-vqa", "scenes", "sort-of-clevr":
		d = o.spec
		d.Split, d.Limit = "train", 0
		if dataKinds[d.Kind] {
			d.Limit = fitPictures
		}
		return d, true, nil
	}
	return d, false, nil
}

// model is the one model of a task that takes one.
func (o *evalOptions) model() (string, error) {
	if len(o.models) > 1 {
		return "", usagef("--model is given %d times: name one folder", len(o.models))
	}
	return o.models[0], nil
}
