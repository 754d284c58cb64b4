package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"govle/kernel/notebook"
)

func verifyCommand() *cobra.Command {
	var kernelName string
	var timeout time.Duration
	var ignore []string
	var opts notebook.CompareOptions
	var verbose bool
	cmd := &cobra.Command{
		Use:   "verify IN.ipynb...",
		Short: "Run notebooks anew and compare with the outputs they hold",
		Long: `Run notebooks anew and compare what comes out with the outputs that they hold, cell
by cell. The files are not changed.

Text must be the same but for durations, rates, points in time, addresses and
UUIDs, and for what --ignore names. Pictures are compared by their pixels. A cell
tagged "nbval-ignore-output" is run and not compared.`,
		Example: `  govle verify notebooks/*.ipynb
  govle verify report.ipynb --ignore 'seed \d+' --rtol 1e-4 --pixels 2 --pixel-share 0.001`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, pattern := range ignore {
				re, err := regexp.Compile(pattern)
				if err != nil {
					return usagef("--ignore: %w", err)
				}
				opts.Ignore = append(opts.Ignore, re)
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			wrong := 0
			for _, path := range args {
				nb, err := notebook.ReadFile(path)
				if err != nil {
					return err
				}
				spec, err := chooseKernel(nb, kernelName)
				if err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				start := time.Now()
				verdicts, err := notebook.Verify(ctx, nb, notebook.RunOptions{
					Spec: spec, Dir: filepath.Dir(path), Timeout: timeout, KernelLog: cmd.ErrOrStderr(),
				}, opts)
				if err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				out := cmd.OutOrStdout()
				different := 0
				for _, v := range verdicts {
					switch {
					case v.Skipped != "":
						fmt.Fprintf(out, "%s: cell %d: skipped, %s\n", path, v.Cell, v.Skipped)
					case v.OK() && verbose:
						fmt.Fprintf(out, "%s: cell %d: ok    %s\n", path, v.Cell, summary(v.Source))
					case !v.OK():
						different++
						fmt.Fprintf(out, "%s: cell %d: DIFFERS    %s\n", path, v.Cell, summary(v.Source))
						for _, d := range v.Differences {
							fmt.Fprintf(out, "    %s\n", d)
						}
					}
				}
				wrong += different
				fmt.Fprintf(out, "%s: %d of %d code cells agree, %s\n", path, len(verdicts)-different, len(verdicts), shortDuration(time.Since(start)))
			}
			if wrong > 0 {
				return &reportedError{errors.New("outputs differ")}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&ignore, "ignore", nil, "`regexp` of text that may differ; may be repeated")
	f.BoolVar(&opts.Strict, "strict", false, "let durations, times and addresses count too")
	f.Float64Var(&opts.Numbers, "rtol", 0, "relative tolerance for numbers in text")
	f.IntVar(&opts.Pixels, "pixels", 0, "how far a colour channel of a pixel may be off, of 255")
	f.Float64Var(&opts.PixelShare, "pixel-share", 0, "share of pixels that may be further off, 0 to 1")
	f.DurationVar(&timeout, "timeout", 0, "time limit for each cell (default none)")
	f.StringVar(&kernelName, "kernel", "", "run with the installed kernelspec `NAME` instead of this program")
	f.BoolVarP(&verbose, "verbose", "v", false, "list the cells that agree too")
	return cmd
}
