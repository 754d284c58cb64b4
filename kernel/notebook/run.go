package notebook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"govle/kernel/client"
	"govle/kernel/kernelspec"
	"govle/kernel/wire"
)

// RunOptions say how a notebook is run. Spec must be set; the zero value of
// everything else is usable.
type RunOptions struct {
	// Spec is the kernel to start.
	Spec *kernelspec.Spec
	// Dir is the kernel's working directory, by Jupyter's custom the folder of
	// the notebook. Empty means the current one.
	Dir string
	// Timeout bounds each cell; 0 means no bound.
	Timeout time.Duration
	// AllowErrors goes on after a cell that failed.
	AllowErrors bool
	// NoTiming leaves out the times of execution that cells otherwise keep in
	// their metadata, so that two runs give the same file.
	NoTiming bool
	// Save, when not empty, is the path that the notebook is written to after
	// each cell and, while a cell runs long, every ten seconds.
	Save string
	// Grace is how long, after the last cell, output of goroutines that go on is
	// still waited for; it begins anew with each such output, up to ten times.
	// 0 means DefaultGrace, less means none.
	Grace time.Duration
	// MaxText bounds the printed text that each cell keeps, in bytes; of more, the
	// beginning and the end are kept with a word about what is missing. 0 means
	// DefaultMaxText, less means no bound.
	MaxText int64
	// Started is told the kernel's info when it is ready; nil is allowed.
	Started func(info client.Info)
	// Step is told when a cell starts and when it is done; nil is allowed.
	Step func(Step)
	// Message sees each message that a cell publishes, also after the cell's end;
	// nil is allowed. Started, Step and Message are called one at a time.
	Message func(*Cell, *wire.Message)
	// KernelLog receives what the kernel process itself prints; nil discards it.
	KernelLog io.Writer
}

// Step tells of one cell of a run.
type Step struct {
	Cell *Cell
	// Number counts the cells that are run from 1 to Of.
	Number, Of int
	// Done is false when the cell starts.
	Done bool
	// Elapsed is the time that the cell took, once it is done.
	Elapsed time.Duration
	// Err is why the cell failed, once it is done, also when it may fail;
	// *CellError unless the kernel itself was lost.
	Err error
}

// CellError is a cell that failed.
type CellError struct {
	// Cell counts all cells of the notebook from 1.
	Cell int
	// Source is the cell's source.
	Source string
	// Name and Value are the kernel's; Name is "Timeout" when the cell was
	// interrupted because it ran too long.
	Name, Value string
	// Traceback carries ANSI colours.
	Traceback []string
}

func (e *CellError) Error() string {
	return fmt.Sprintf("cell %d failed: %s", e.Cell, strings.TrimSuffix(e.Name+": "+e.Value, ": "))
}

// How long an interrupted cell has before the run gives it up, and how often a
// notebook is saved while a cell runs.
const (
	interruptGrace = 10 * time.Second
	saveInterval   = 10 * time.Second
)

// DefaultMaxText is how much printed text a cell keeps: far more than a person
// reads, and little enough that a notebook of several such cells can be opened.
const DefaultMaxText = 16 << 20

// Run runs the code cells of nb in order in a fresh kernel and puts what they
// show into nb: outputs, execution counts, times, the state of widgets. What a
// goroutine shows after its cell has ended is put into that cell, while later
// cells run and for RunOptions.Grace after the last. Run stops
// at the first cell that fails, with a *CellError, and leaves the outputs of the
// cells after it empty. A cell tagged "raises-exception" may fail; one tagged
// "skip-execution" and one without source is not run. When ctx ends, the running
// cell is interrupted and what ran is kept. The kernel is always shut down.
func Run(ctx context.Context, nb *Notebook, opts RunOptions) (err error) {
	if opts.Grace == 0 {
		opts.Grace = DefaultGrace
	}
	r := &runner{nb: nb, opts: opts, cache: cellCache{}, cells: map[string]*Cell{}, heard: make(chan struct{}, 1)}
	r.collect = newCollector(func(c *Cell) { delete(r.cache, c) })
	switch {
	case opts.MaxText == 0:
		r.collect.maxText = DefaultMaxText
	case opts.MaxText > 0:
		r.collect.maxText = int(min(opts.MaxText, math.MaxInt))
	}
	var cells []int
	for i, c := range nb.Cells {
		if c.Type != Code {
			continue
		}
		c.Outputs, c.ExecutionCount = nil, 0
		delete(c.Extra, "execution_count")
		delete(c.Metadata, "execution")
		if !c.HasTag("skip-execution") && strings.TrimSpace(c.Source) != "" {
			cells = append(cells, i)
		}
	}
	delete(nb.Metadata, "widgets")

	r.kernel, err = client.Start(ctx, opts.Spec, client.Options{Dir: opts.Dir, Stdout: opts.KernelLog, Stderr: opts.KernelLog})
	if err != nil {
		return err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), interruptGrace)
		defer cancel()
		r.kernel.Shutdown(stop)
	}()
	// An empty silent cell waits until the kernel can really run one. What it
	// says while it gets ready (building its worker, on a first run) is no
	// output of the first cell.
	if _, err := r.kernel.Execute(ctx, "", client.ExecuteOptions{Silent: true}, nil); err != nil {
		return fmt.Errorf("waiting for the kernel to get ready: %w", err)
	}
	if opts.Started != nil {
		opts.Started(r.kernel.Info)
	}
	r.kernel.HandleLate(r.late)
	defer r.kernel.HandleLate(nil) // once it returns, nothing changes nb
	r.describeKernel()
	if err := r.save(); err != nil {
		return err
	}
	for n, i := range cells {
		if err = r.step(ctx, i, n+1, len(cells)); err != nil {
			break
		}
	}
	return errors.Join(err, r.awaitLate(ctx))
}

type runner struct {
	nb     *Notebook
	opts   RunOptions
	kernel *client.Client
	heard  chan struct{} // has an element when late output came

	mu      sync.Mutex // guards what follows and nb: late output comes from another goroutine
	collect *collector
	cache   cellCache
	cells   map[string]*Cell // by ID of the request that ran them
	lateErr error
	saved   time.Time
}

// describeKernel records in the metadata what ran the notebook, as Jupyter does.
func (r *runner) describeKernel() {
	if r.nb.Metadata == nil {
		r.nb.Metadata = map[string]any{}
	}
	info := r.kernel.Info.LanguageInfo
	if b, err := json.Marshal(info); err == nil {
		if v, err := decodeJSON(b); err == nil {
			object := v.(map[string]any)
			for key, value := range object {
				if value == nil || value == "" {
					delete(object, key)
				}
			}
			r.nb.Metadata["language_info"] = object
		}
	}
	if r.nb.Metadata["kernelspec"] == nil {
		spec := r.opts.Spec
		r.nb.Metadata["kernelspec"] = map[string]any{
			"name": spec.Name, "display_name": spec.DisplayName, "language": spec.Language,
		}
	}
}

// step runs one cell and saves.
func (r *runner) step(ctx context.Context, index, number, of int) error {
	cell := r.nb.Cells[index]
	tell := func(s Step) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.opts.Step != nil {
			s.Cell, s.Number, s.Of = cell, number, of
			r.opts.Step(s)
		}
	}
	tell(Step{})
	start := time.Now()
	err := r.execute(ctx, cell)
	var failed *CellError
	if errors.As(err, &failed) {
		failed.Cell = index + 1
	} else if err != nil {
		err = fmt.Errorf("cell %d: %w", index+1, err)
	}
	tell(Step{Done: true, Elapsed: time.Since(start), Err: err})
	if failed != nil && failed.Name != timeoutName && (r.opts.AllowErrors || cell.HasTag("raises-exception")) {
		err = nil
	}
	return errors.Join(err, r.save())
}

const timeoutName = "Timeout"

// execute runs one cell and collects its outputs.
func (r *runner) execute(ctx context.Context, cell *Cell) error {
	// The cell gets a context of its own: when ctx ends or the time is up it is
	// interrupted first, so that its last outputs and its error still arrive.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var why error
	var once sync.Once
	interrupt := func(reason error) {
		once.Do(func() {
			why = reason
			time.AfterFunc(interruptGrace, cancel)
			r.kernel.Interrupt(running)
		})
	}
	defer context.AfterFunc(ctx, func() { interrupt(ctx.Err()) })()
	if r.opts.Timeout > 0 {
		timer := time.AfterFunc(r.opts.Timeout, func() { interrupt(errTimeout) })
		defer timer.Stop()
	}

	var collectErr error
	times := map[string]any{}
	reply, err := r.kernel.Execute(running, cell.Source, client.ExecuteOptions{}, func(m *wire.Message) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.cells[m.Parent.MsgID] = cell
		recordTime(times, m)
		if err := r.collect.handle(cell, m); err != nil && collectErr == nil {
			collectErr = err
		}
		if r.opts.Message != nil {
			r.opts.Message(cell, m)
		}
		if time.Since(r.saved) > saveInterval {
			collectErr = errors.Join(collectErr, r.saveLocked())
		}
	})
	once.Do(func() {}) // from here on nothing interrupts, and why may be read
	r.mu.Lock()
	defer r.mu.Unlock()
	r.collect.finishStreams()
	r.collect.widgets.store(r.nb)
	delete(r.cache, cell)
	if reply != nil {
		cell.ExecutionCount = reply.ExecutionCount
		times["shell.execute_reply"] = time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	if !r.opts.NoTiming {
		if cell.Metadata == nil {
			cell.Metadata = map[string]any{}
		}
		cell.Metadata["execution"] = times
	}
	switch {
	case why == errTimeout:
		return &CellError{
			Source: cell.Source, Name: timeoutName,
			Value:     fmt.Sprintf("interrupted after %v, the time limit for one cell", r.opts.Timeout),
			Traceback: lastTraceback(cell),
		}
	case why != nil:
		return why
	case err != nil:
		return err
	case collectErr != nil:
		return collectErr
	case reply.Status == "ok":
		return nil
	}
	if len(lastTraceback(cell)) == 0 && reply.Status == "error" { // not every kernel publishes what it replies
		r.collect.add(cell, &Output{Type: ErrorOutput, ErrorName: reply.EName, ErrorValue: reply.EValue, Traceback: reply.Traceback})
	}
	e := &CellError{Source: cell.Source, Name: reply.EName, Value: reply.EValue, Traceback: reply.Traceback}
	if reply.Status != "error" {
		e.Name, e.Value = "Aborted", "the kernel answered with status "+reply.Status
	}
	if len(e.Traceback) == 0 {
		e.Traceback = lastTraceback(cell)
	}
	return e
}

var errTimeout = errors.New("time limit")

// lastTraceback is the traceback of the cell's last error output.
func lastTraceback(c *Cell) []string {
	for i := len(c.Outputs) - 1; i >= 0; i-- {
		if c.Outputs[i].Type == ErrorOutput {
			return c.Outputs[i].Traceback
		}
	}
	return nil
}

// recordTime keeps when the cell's input was echoed and when the kernel became
// busy and idle, under the keys that Jupyter uses.
func recordTime(times map[string]any, m *wire.Message) {
	key := "iopub." + m.Header.MsgType
	switch m.Header.MsgType {
	case "execute_input":
	case "status":
		var status struct {
			ExecutionState string `json:"execution_state"`
		}
		if m.Unmarshal(&status) != nil {
			return
		}
		key += "." + status.ExecutionState
	default:
		return
	}
	if m.Header.Date != "" {
		times[key] = m.Header.Date
	}
}

// save writes the notebook as it is now, if it is to be written at all.
func (r *runner) save() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.saveLocked()
}

// saveLocked is save for callers that hold mu.
func (r *runner) saveLocked() error {
	r.saved = time.Now()
	if r.opts.Save == "" {
		return nil
	}
	r.collect.finishStreams()
	b, err := r.nb.encode(r.cache)
	if err != nil {
		return err
	}
	return replaceFile(r.opts.Save, b)
}
