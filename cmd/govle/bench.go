package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/nlpodyssey/spago/ag"
	"github.com/spf13/cobra"
)

// benchOptions are the flags of govle bench.
type benchOptions struct {
	only    *regexp.Regexp
	rounds  int
	budget  time.Duration
	total   time.Duration
	threads int
	python  string
	script  string
	dir     string
	easyVQA string
	out     string
	keep    bool
	list    bool
}

func benchCommand() *cobra.Command {
	opts := benchOptions{}
	var only, profile string
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Time govle beside PyTorch and others",
		Long: `Time the matrix products, the models, training, loading, the tokenizer, pictures and
notebook cells of govle. Where a Python with torch is found (make bench-peers installs
one), PyTorch does the same work in a child process with the same weights, inputs and
number of threads, in turn with govle; without it the report has govle's own numbers
and says so. A case that fails or lacks what it needs is named and left out; after
Ctrl-C the report has the cases that were done.

Weights of the base and the large size come from a formula and are written to --work
once (1.5 and 3.7 GB). The report is a Markdown table and a plot; a ratio above 1 says
that govle is faster.`,
		Example: `  govle bench --only '^sgemm'
  govle bench --only 'forward/base/224|embedded' --rounds 9
  govle bench -o docs/benchmarks.md`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case opts.rounds < 1:
				return usagef("--rounds %d: run each side at least once", opts.rounds)
			case opts.threads < 1:
				return usagef("--threads %d: at least one is needed", opts.threads)
			}
			var err error
			if opts.only, err = regexp.Compile(only); err != nil {
				return usagef("--only: %w", err)
			}
			if opts.list {
				for _, c := range benchCases() {
					fmt.Fprintf(cmd.OutOrStdout(), "%-28s %s\n", c.name, c.about)
				}
				return nil
			}
			if err := checkWritable(opts.out); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if profile != "" {
				f, err := os.Create(profile)
				if err != nil {
					return err
				}
				defer f.Close()
				if err := pprof.StartCPUProfile(f); err != nil {
					return err
				}
				defer pprof.StopCPUProfile()
			}
			return runBench(ctx, opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&only, "only", "", "run only the cases whose name matches `regexp`")
	f.IntVar(&opts.rounds, "rounds", 5, "how often each side has its turn")
	f.DurationVar(&opts.budget, "budget", time.Minute, "time for one case, after which there are fewer rounds (never under 2)")
	f.DurationVar(&opts.total, "total", 14*time.Minute, "time for all cases, which share what is left of it; each still runs 2 rounds")
	f.IntVar(&opts.threads, "threads", min(2, runtime.NumCPU()), "threads on each side")
	f.StringVar(&opts.python, "python", filepath.Join(".bench-venv", "bin", "python"), "Python `program` with torch and transformers 4.27")
	f.StringVar(&opts.script, "peer", filepath.Join("testdata", "bench", "peer.py"), "the other side's `script`")
	f.StringVar(&opts.dir, "work", filepath.Join("build", "bench"), "`folder` for weights and earlier results")
	f.StringVar(&opts.easyVQA, "easy-vqa", os.Getenv("EASY_VQA_DATA"), "`folder` easy_vqa/data of the unpacked PyPI package, for precision/easy-vqa (default $EASY_VQA_DATA, then what make bench-peers installed)")
	f.StringVarP(&opts.out, "output", "o", "", "write the report to `FILE` and the plot beside it")
	f.StringVar(&profile, "cpuprofile", "", "write a processor profile of govle's own side to `FILE`, for go tool pprof")
	f.BoolVar(&opts.keep, "keep", false, "report earlier runs' results of the cases that this run leaves out")
	f.BoolVar(&opts.list, "list", false, "list the cases")
	return cmd
}

// bench is one run of govle bench.
type bench struct {
	opts    benchOptions
	ctx     context.Context
	log     io.Writer
	peers   map[string]*benchPeer
	noPeer  error // why there is none
	version string
	threads int           // of the case under way
	budget  time.Duration // of the case under way
	peak    float64       // measured multiply-adds of one thread, operations a second
}

// benchCase is one thing that is measured. prepare returns the sides, govle's
// own first, and may take long; the sides' time is what counts.
type benchCase struct {
	name, about string
	// work is the operations of one run, for a rate; 0 for none.
	work float64
	// eight says that the operations are of eight bits, whose peak is another.
	eight bool
	// threads is the number of threads where it is not the run's.
	threads int
	// target is the ratio to reach against the sides whose names match rival, or
	// the seconds to stay under where rival is empty.
	target  float64
	rival   string
	prepare func(b *bench) ([]benchSide, error)
}

// benchCases lists every case in the order of the report.
func benchCases() []benchCase {
	var all []benchCase
	for _, part := range [][]benchCase{gemmBench(), layerBench(), modelBench(), trainBench(), fileBench(), precisionBench(), memoryBench(), cellBench()} {
		all = append(all, part...)
	}
	return all
}

func runBench(ctx context.Context, opts benchOptions, out, log io.Writer) error {
	ag.SetForceSyncExecution(true)
	if err := os.MkdirAll(opts.dir, 0o755); err != nil {
		return err
	}
	b := &bench{opts: opts, ctx: ctx, log: log, peers: map[string]*benchPeer{}, threads: opts.threads, peak: 1e9 * peakRate()}
	defer b.closePeers()
	b.findPeer()
	report := &benchReport{Machine: describeMachine(b.peak), Peer: b.version}
	if b.noPeer != nil {
		fmt.Fprintf(log, "without PyTorch: %v\n", b.noPeer)
	}
	path := filepath.Join(opts.dir, "results.json")
	if opts.keep {
		if err := report.read(path); err != nil {
			return err
		}
	}
	var cases []benchCase
	for _, c := range benchCases() {
		if opts.only.MatchString(c.name) && (c.threads == 0 || c.threads < opts.threads) {
			cases = append(cases, c)
		}
	}
	start, failed := time.Now(), 0
	for i, c := range cases {
		left := opts.total - time.Since(start)
		b.budget = min(opts.budget, left/time.Duration(len(cases)-i))
		row, err := b.measure(c)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			if !errors.Is(err, errSkip) {
				failed++
			}
			report.Left = append(report.Left, benchLeft{c.name, err.Error()})
			fmt.Fprintf(log, "%s: %v\n", c.name, err)
			continue
		}
		report.put(row)
		row.print(out)
		if err := report.write(path); err != nil {
			return err
		}
	}
	if opts.out != "" && len(report.Rows) > 0 {
		if err := report.render(opts.out); err != nil {
			return err
		}
		fmt.Fprintf(log, "wrote %s\n", opts.out)
	}
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted; the cases that were done are reported")
	case failed > 0:
		return &reportedError{fmt.Errorf("%d cases failed", failed)}
	}
	return nil
}

// errSkip is wrapped by the error of a case that lacks what it needs.
var errSkip = errors.New("left out")
