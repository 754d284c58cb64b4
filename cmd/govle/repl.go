package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"

	"govle/kernel/engine"
	"govle/kernel/notebook"
)

func replCommand() *cobra.Command {
	var config engine.Config
	var memory string
	cmd := &cobra.Command{
		Use:   "repl",
		Short: "Run live Go line by line in the terminal, without Jupyter",
		Long: `Run live Go line by line in the terminal, without Jupyter: statements, declarations
and imports in any order; the value of a trailing expression is shown. Lines are
gathered until they are complete Go. Ctrl-C interrupts, Ctrl-D ends, Tab completes.

When the input is not a terminal it is run piece by piece and the exit status tells
whether a piece failed.`,
		Example: `  govle repl
  echo 'import "math"; math.Pi' | govle repl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if config.MemoryLimit, err = parseSize(memory); err != nil {
				return usagef("--memory-limit: %w", err)
			}
			in := newLineReader(os.Stdin, os.Stdout)
			r := &repl{in: in, out: cmd.OutOrStdout(), err: cmd.ErrOrStderr(), colour: isTerminal(cmd.ErrOrStderr())}
			config.Sink = r
			if r.engine, err = engine.New(config); err != nil {
				return err
			}
			defer r.engine.Close()
			in.complete = r.completions
			if in.terminal {
				fmt.Fprintf(r.out, "govle %s. :help tells more, Ctrl-D ends.\n", version())
			}
			return r.loop(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&memory, "memory-limit", "", "end the process that runs cells when it grows beyond `SIZE`, such as 8GiB")
	f.StringVar(&config.Source, "source", "", "`folder` of the govle module that cells import (default $GOVLE_SOURCE, else where this program was built)")
	return cmd
}

// repl is one session at the terminal. It is the engine's Sink.
type repl struct {
	engine   *engine.Engine
	in       *lineReader
	out, err io.Writer
	colour   bool
	count    int
	// pending is the start of a piece that is not complete yet.
	pending string
	midLine bool
	failed  bool
}

const replHelp = `Go, line by line. What is declared stays; the value of a last expression is shown.

  :restart   begin anew with no variables
  :quit      end (as Ctrl-D)
  :help      this text
`

// loop reads and runs pieces until the input ends.
func (r *repl) loop(ctx context.Context) error {
	for {
		prompt := fmt.Sprintf("[%d] ", r.count+1)
		if r.pending != "" {
			prompt = strings.Repeat(".", len(prompt)-1) + " "
		}
		line, err := r.in.read(prompt)
		switch {
		case errors.Is(err, errCancelled):
			r.pending = ""
			continue
		case err == io.EOF && line == "":
			if r.pending != "" {
				r.run(ctx, r.pending)
			}
			if r.failed && !r.in.terminal {
				return &reportedError{errors.New("a piece failed")}
			}
			return nil
		case err != nil && err != io.EOF:
			return fmt.Errorf("reading the input: %w", err)
		}
		if r.pending == "" {
			switch strings.TrimSpace(line) {
			case "":
				continue
			case ":quit":
				return nil
			case ":help":
				fmt.Fprint(r.out, replHelp)
				continue
			case ":restart":
				if err := r.engine.Restart(); err != nil {
					return err
				}
				continue
			}
		}
		r.pending += line + "\n"
		// An empty line ends a piece whatever it looks like, so that nobody is
		// caught in an unbalanced bracket.
		if status, _ := r.engine.IsComplete(r.pending); status == "incomplete" && !(r.in.terminal && strings.TrimSpace(line) == "") {
			continue
		}
		source := r.pending
		r.pending = ""
		r.run(ctx, source)
	}
}

// run runs one piece and shows what comes of it. Ctrl-C interrupts it.
func (r *repl) run(ctx context.Context, source string) {
	interrupts := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	defer close(done)
	go func() {
		for {
			select {
			case <-interrupts:
				r.engine.Interrupt()
			case <-done:
				return
			}
		}
	}()
	r.count++
	result := r.engine.Execute(ctx, engine.Cell{ID: fmt.Sprint(r.count), Count: r.count, Source: source})
	if r.midLine {
		fmt.Fprintln(r.out)
		r.midLine = false
	}
	if result.Err != nil {
		r.failed = true
		text := strings.TrimRight(strings.Join(result.Err.Traceback, "\n"), "\n")
		if text == "" {
			text = result.Err.Error()
		}
		fmt.Fprintln(r.err, r.plain(text))
	} else if text, ok := result.Value["text/plain"].(string); ok {
		fmt.Fprintln(r.out, text)
	}
}

// Stream prints what a piece prints.
func (r *repl) Stream(_, name, text string) {
	w := r.out
	if name == "stderr" {
		w = r.err
	}
	io.WriteString(w, text)
	if name == "stdout" && text != "" {
		r.midLine = !strings.HasSuffix(text, "\n")
	}
}

// Publish prints the plain form of what a piece shows.
func (r *repl) Publish(_ string, m engine.Message) {
	if m.Kind != "display_data" && m.Kind != "update_display_data" {
		return
	}
	data, _ := m.Content["data"].(map[string]any)
	if text, ok := data["text/plain"].(string); ok {
		r.Stream("", "stdout", strings.TrimRight(text, "\n")+"\n")
	}
}

// Input asks the user for a line.
func (r *repl) Input(_, prompt string, password bool) (string, error) {
	r.midLine = false
	if password {
		return r.in.readPassword(prompt)
	}
	return r.in.read(prompt)
}

// completions are the words that could stand at pos of line, and where the word
// that they replace starts.
func (r *repl) completions(line string, pos int) (words []string, start int) {
	before := []rune(r.pending)
	c := r.engine.Complete(context.Background(), r.pending+line, len(before)+len([]rune(line[:pos])))
	for _, m := range c.Matches {
		words = append(words, m.Text)
	}
	runes := []rune(line)
	return words, len(string(runes[:min(max(c.Start-len(before), 0), len(runes))]))
}

// plain removes colours where errors go to no terminal that shows them.
func (r *repl) plain(s string) string {
	if r.colour {
		return s
	}
	return notebook.StripANSI(s)
}
