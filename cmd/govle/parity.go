package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/spf13/cobra"

	"govle/vle/parity"
)

func parityCommand() *cobra.Command {
	var opts parity.Options
	var only string
	cmd := &cobra.Command{
		Use:   "parity DIR...",
		Short: "Hold the model against recorded outputs of the reference",
		Long: `Run every case that folders of recorded outputs of the reference implementation
hold: tokenizer, picture processor, model, pipelines, metrics. Each case is printed with its
largest error, the tolerance and the verdict; a miss makes the exit status 1. Kinds
of case that are not supported are listed as such.`,
		Example: `  govle parity golden/model-tiny
  govle parity golden --quick
  govle parity golden/easyvqa --easy-vqa easy_vqa/data`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if only != "" {
				var err error
				if opts.Only, err = regexp.Compile(only); err != nil {
					return usagef("--only: %w", err)
				}
			}
			opts.Kinds = metricKinds
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			missed := 0
			for _, dir := range args {
				if len(args) > 1 {
					fmt.Fprintf(cmd.OutOrStdout(), "%s\n", dir)
				}
				s, err := parity.Run(ctx, dir, cmd.OutOrStdout(), opts)
				if err != nil {
					return err
				}
				missed += s.Missed
			}
			if missed > 0 {
				return &reportedError{errors.New("cases missed")}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.EasyVQA, "easy-vqa", os.Getenv("EASY_VQA"), "`folder` of the unpacked easy-vqa package with its pictures (default $EASY_VQA)")
	f.StringVar(&only, "only", "", "run only the cases whose name matches `regexp`")
	f.BoolVar(&opts.Quick, "quick", false, "leave out the cases that take minutes")
	return cmd
}
