package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"govle/vle"
	"govle/vle/hub"
)

func pullCommand() *cobra.Command {
	var opts hub.Options
	var asJSON, quiet bool
	cmd := &cobra.Command{
		Use:   "pull OWNER/NAME",
		Short: "Fetch a model from a hub",
		Long: `Fetch a model's configuration, tokenizer and weights from a Hugging Face-compatible hub
and print the folder, which is what --model takes.

Files go to the cache that Python's huggingface_hub uses, or to --dir; what is there is
not fetched again. A download that was cut off, or stopped with Ctrl-C, goes on where it
was when the same command is run again. Every file is checked against the hub's checksum.
HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE and HF_HUB_OFFLINE mean what they mean to
Python.

--json prints one object: repo, commit, dir and files.`,
		Example: `  govle pull hfl/vle-base-for-vqa
  govle vqa photo.jpg "Where is the dog?" --model "$(govle pull hfl/vle-base-for-vqa -q)"
  govle pull hfl/vle-large --revision main --dir models/vle-large --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			show := newPullProgress(ctx, cmd.ErrOrStderr(), quiet)
			opts.Progress = show.update
			snap, err := vle.Pull(ctx, args[0], opts)
			show.finish(err == nil)
			if err != nil && ctx.Err() != nil {
				return errors.New("stopped; what has arrived is kept, run the same command again to go on")
			}
			if err != nil {
				return err
			}
			if !asJSON {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), snap.Dir)
				return err
			}
			return printJSON(cmd.OutOrStdout(), struct {
				Repo   string   `json:"repo"`
				Commit string   `json:"commit"`
				Dir    string   `json:"dir"`
				Files  []string `json:"files"`
			}{args[0], snap.Commit, snap.Dir, snap.Files})
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.Revision, "revision", "", "branch, tag or `commit` (default main)")
	f.StringVar(&opts.Dir, "dir", "", "write to this `folder` instead of the cache")
	f.StringArrayVar(&opts.Files, "files", nil, "fetch only files that match the `pattern`; may be given often")
	f.StringVar(&opts.Endpoint, "endpoint", "", "`address` of the hub (default HF_ENDPOINT or huggingface.co)")
	f.BoolVar(&opts.Offline, "offline", false, "use what the cache holds and ask nobody")
	f.BoolVarP(&quiet, "quiet", "q", false, "show no progress")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// pullProgress shows how a download comes on: a bar on a terminal, elsewhere a
// line for each file and every few seconds.
type pullProgress struct {
	w        io.Writer // nil shows nothing
	terminal bool
	bars     *mpb.Progress
	bar      *mpb.Bar
	start    time.Time
	last     hub.Progress
	printed  time.Time
	file     string                 // the file of the last line
	tail     atomic.Pointer[string] // what stands behind the bar, which draws by itself
}

// lineEvery is the time between two lines about one file.
const lineEvery = 10 * time.Second

func newPullProgress(ctx context.Context, w io.Writer, quiet bool) *pullProgress {
	p := &pullProgress{w: w, start: time.Now()}
	if quiet {
		p.w = nil
		return p
	}
	if p.terminal = isTerminal(w); p.terminal {
		p.bars = mpb.NewWithContext(ctx, mpb.WithOutput(w), mpb.WithWidth(60))
	}
	return p
}

func (p *pullProgress) update(now hub.Progress) {
	p.last = now
	switch {
	case p.w == nil:
	case p.terminal:
		p.draw()
	default:
		p.line()
	}
}

// draw moves the bar. Its total stays open until the end, because a hub may tell
// a file's size only when that file's turn comes.
func (p *pullProgress) draw() {
	tail := p.last.File + p.pace()
	p.tail.Store(&tail)
	if p.bar == nil {
		p.bar = p.bars.AddBar(0,
			mpb.PrependDecorators(decor.CountersKiloByte("% .1f / % .1f")),
			mpb.AppendDecorators(decor.Percentage(), decor.Any(func(decor.Statistics) string { return " " + *p.tail.Load() })))
	}
	p.bar.SetTotal(p.last.Total, false)
	p.bar.SetCurrent(p.last.Done)
}

// line prints where the download stands, when there is something new to say.
func (p *pullProgress) line() {
	n := p.last
	complete := n.FileSize >= 0 && n.FileDone >= n.FileSize
	if n.File == p.file && !complete && time.Since(p.printed) < lineEvery {
		return
	}
	if n.File != p.file && !complete && n.FileSize >= 0 && n.FileSize < 1<<20 {
		return // it is here in a moment
	}
	p.file, p.printed = n.File, time.Now()
	if complete {
		fmt.Fprintf(p.w, "%s  %s\n", n.File, byteCount(n.FileSize))
		return
	}
	fmt.Fprintf(p.w, "%s  %s%s\n", n.File, share(n.FileDone, n.FileSize), p.pace())
}

// pace says how fast bytes come and when the last will be here.
func (p *pullProgress) pace() string {
	seconds := time.Since(p.start).Seconds()
	if p.last.Fetched == 0 || seconds < 0.5 {
		return ""
	}
	rate := float64(p.last.Fetched) / seconds
	left := time.Duration(float64(p.last.Total-p.last.Done) / rate * float64(time.Second))
	return fmt.Sprintf(", %s/s, %s left", byteCount(int64(rate)), shortDuration(max(left, time.Second).Round(time.Second)))
}

// finish ends the display.
func (p *pullProgress) finish(well bool) {
	if p.bar == nil {
		return
	}
	if well {
		p.bar.SetTotal(p.last.Done, true)
	} else {
		p.bar.Abort(false)
	}
	p.bars.Wait()
}

func share(done, total int64) string {
	if total < 0 {
		return byteCount(done)
	}
	return fmt.Sprintf("%d %% of %s", 100*done/max(total, 1), byteCount(total))
}

// byteCount writes a number of bytes with a unit of 1000: 1.2 kB, 34 MB.
func byteCount(n int64) string {
	v, unit := float64(n), 0
	for v >= 999.5 && unit < 4 {
		v /= 1000
		unit++
	}
	name := []string{"B", "kB", "MB", "GB", "TB"}[unit]
	if unit == 0 || v >= 99.5 {
		return fmt.Sprintf("%.0f %s", v, name)
	}
	return fmt.Sprintf("%.3g %s", v, name)
}
