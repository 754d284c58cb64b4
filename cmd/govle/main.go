// Command govle runs live Go: the Jupyter kernel, notebooks without Python, and
// the VLE vision-language model from the command line.
//
//	govle run notebook.ipynb --html notebook.html
//	govle vqa picture.png "what color is the circle?"
//
// The exit status is 0 when all went well, 1 when something failed and 2 when
// the command line was wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(execute(context.Background(), os.Args[1:]))
}

// execute runs the command line and returns the exit status.
func execute(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	var usage *usageError
	isUsage := errors.As(err, &usage) || strings.HasPrefix(err.Error(), "unknown command")
	var silent *reportedError
	if !errors.As(err, &silent) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", cmd.CommandPath(), err)
	}
	if isUsage {
		fmt.Fprintf(cmd.ErrOrStderr(), "See %s --help.\n", cmd.CommandPath())
		return 2
	}
	return 1
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "govle",
		Short: "Live Go in notebooks, with a vision-language model to work on",
		Long: `govle is live Go in a notebook, with a vision-language model to work on.

It is the Jupyter kernel itself, runs and checks notebooks without Python, and
asks the VLE model from the command line.`,
		Example: `  govle run notebooks/01-ask-a-picture.ipynb --html page.html
  govle verify notebooks/*.ipynb
  govle repl`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(
		kernelCommand(),
		runCommand(),
		convertCommand(),
		verifyCommand(),
		parityCommand(),
		trainCommand(),
		vocabularyCommand(),
		evalCommand(),
		resultsCommand(),
		vqaCommand(),
		itmCommand(),
		pbcCommand(),
		mlmCommand(),
		vcrCommand(),
		featuresCommand(),
		askCommand(),
		pullCommand(),
		replCommand(),
		benchCommand(),
		infoCommand(),
		versionCommand(),
	)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	for _, c := range root.Commands() {
		if check := c.Args; check != nil {
			c.Args = func(cmd *cobra.Command, args []string) error {
				if err := check(cmd, args); err != nil {
					return &usageError{err}
				}
				return nil
			}
		}
	}
	return root
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// reportedError is a failure that the command has already told the user of.
type reportedError struct{ error }

func (e *reportedError) Unwrap() error { return e.error }
