package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"govle/kernel/notebook"
)

func runCommand() *cobra.Command {
	var out, html, kernelName, dir, maxText string
	var params []string
	var timeout, grace time.Duration
	var allowErrors, noTiming, echo, quiet, scripts bool
	cmd := &cobra.Command{
		Use:   "run IN.ipynb",
		Short: "Run a notebook and keep its outputs",
		Long: `Run the code cells of a notebook in order in a fresh kernel.

The kernel is this very program; neither Python nor Jupyter is needed. It stops at
the first cell that fails, shows it, and exits with status 1; what ran is kept. With
-o the notebook is written after every cell, so that an interrupted run loses
nothing. What goroutines print after the end of their cell is put into that cell; when
the last cell is done the run waits --grace for more of it. Without -o and --html nothing is written and the outputs are printed.

Parameters are set as papermill does: the cell tagged "parameters" holds the
defaults, and a cell that assigns the given values is put behind it. Names that it
declares keep their type.

A cell tagged "raises-exception" may fail; one tagged "skip-execution" is not run.`,
		Example: `  govle run train.ipynb -o train-done.ipynb --html train.html
  govle run train.ipynb -o big.ipynb -p epochs=20 -p rate=3e-4 -p name="second try"
  govle run notes.ipynb -o notes.ipynb --timeout 2m
  govle run analysis.ipynb --kernel python3`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			nb, err := notebook.ReadFile(args[0])
			if err != nil {
				return err
			}
			var values []notebook.Parameter
			for _, p := range params {
				v, err := notebook.ParseParameter(p)
				if err != nil {
					return usagef("-p: %w", err)
				}
				values = append(values, v)
			}
			if err := nb.Inject(values); err != nil {
				return err
			}
			spec, err := chooseKernel(nb, kernelName)
			if err != nil {
				return err
			}
			for _, path := range []string{out, html} {
				if err := checkWritable(path); err != nil {
					return err
				}
			}
			if dir == "" {
				dir = filepath.Dir(args[0])
			}
			progress := &progress{err: cmd.ErrOrStderr(), out: io.Discard}
			if quiet {
				progress.err = io.Discard
			}
			if echo || out == "" && html == "" {
				progress.out = cmd.OutOrStdout()
			}
			limit, err := parseSize(maxText)
			if err != nil {
				return usagef("--max-output: %w", err)
			}
			if limit == 0 {
				limit = -1 // keep all
			}
			if grace == 0 {
				grace = -1 // none at all
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			start := time.Now()
			progress.starting(spec.DisplayName)
			runErr := notebook.Run(ctx, nb, notebook.RunOptions{
				Spec: spec, Dir: dir, Timeout: timeout, Grace: grace, MaxText: limit, AllowErrors: allowErrors, NoTiming: noTiming, Save: out,
				Started: progress.started, Step: progress.step, Message: progress.message, KernelLog: cmd.ErrOrStderr(),
			})
			progress.finish()
			if html != "" {
				if err := writeHTML(nb, args[0], html, scripts); err != nil {
					return errors.Join(runErr, err)
				}
			}
			for _, path := range []string{out, html} {
				if path != "" && !quiet {
					fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s\n", path)
				}
			}
			var failed *notebook.CellError
			switch {
			case errors.As(runErr, &failed):
				showFailure(cmd.ErrOrStderr(), cmd.CommandPath(), failed)
				return &reportedError{runErr}
			case errors.Is(runErr, context.Canceled):
				return fmt.Errorf("interrupted; what ran is kept")
			case runErr != nil:
				return runErr
			}
			if !quiet {
				fmt.Fprintf(cmd.ErrOrStderr(), "done in %s\n", shortDuration(time.Since(start)))
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "output", "o", "", "write the notebook with its outputs to `FILE` (may be the input)")
	f.StringVar(&html, "html", "", "write a page with the outputs to `FILE`")
	f.StringArrayVarP(&params, "parameter", "p", nil, "set a parameter, `name=value`; may be repeated")
	f.DurationVar(&timeout, "timeout", 0, "time limit for each cell, such as 90s or 5m (default none)")
	f.DurationVar(&grace, "grace", notebook.DefaultGrace, "how long, after the last cell, to wait for output of goroutines that go on")
	f.StringVar(&maxText, "max-output", "16MiB", "how much printed text of a cell to keep, its beginning and end; 0 keeps all")
	f.StringVar(&kernelName, "kernel", "", "run with the installed kernelspec `NAME` instead of this program")
	f.StringVar(&dir, "dir", "", "working `folder` of the cells (default that of the notebook)")
	f.BoolVar(&allowErrors, "allow-errors", false, "go on after a cell that failed")
	f.BoolVar(&noTiming, "no-timing", false, "leave the times of execution out of the notebook")
	f.BoolVar(&echo, "echo", false, "print the outputs too, when -o or --html is given")
	f.BoolVarP(&quiet, "quiet", "q", false, "do not show progress")
	f.BoolVar(&scripts, "scripts", false, "let scripts in HTML outputs run in the page")
	return cmd
}

// checkWritable finds out before a long run that its result could not be
// written.
func checkWritable(path string) error {
	if path == "" {
		return nil
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("cannot write %s: there is no folder %s; make it first", path, dir)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("cannot write %s: it is a folder", path)
	}
	f, err := os.CreateTemp(dir, ".govle-*")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	f.Close()
	return os.Remove(f.Name())
}

// showFailure prints a failed cell as a person wants to see it.
func showFailure(w io.Writer, command string, e *notebook.CellError) {
	fmt.Fprintf(w, "%s: %v\n\n", command, e)
	lines := strings.Split(strings.TrimRight(e.Source, "\n"), "\n")
	for i, line := range lines {
		fmt.Fprintf(w, "%5d │ %s\n", i+1, line)
	}
	traceback := strings.TrimRight(strings.Join(e.Traceback, "\n"), "\n")
	if !isTerminal(w) {
		traceback = notebook.StripANSI(traceback)
	}
	if traceback != "" {
		fmt.Fprintf(w, "\n%s\n", traceback)
	}
}
