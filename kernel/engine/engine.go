package engine

import (
	"context"
	"errors"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"sync"
	"time"

	"govle/kernel/engine/internal/link"
)

// Engine is one live session: the names that cells declared, and the worker
// process in which their values live. Its methods may be called from any
// goroutine; cells run one at a time, in the order of the calls.
type Engine struct {
	config Config
	dir    string // files of the session

	running sync.Mutex // held while a cell runs

	// set up in the background; read after ready is closed
	ready    chan struct{}
	setupErr error
	ws       *workspace

	mu        sync.Mutex // guards what follows
	session   *session
	packages  *packages
	fset      *token.FileSet
	importCfg string
	knownN    int
	seq       int
	worker    *worker
	interrupt chan struct{}
	closed    bool
	cwd       string            // of the worker and of shell lines
	env       map[string]string // what %env has set
	args      []string          // what %args has set

	compileAll bool   // for tests: no cell is simple
	why        string // why cells wait for the setup
}

// New starts a session. It returns quickly: the worker is built and started
// in the background, and a machine without a Go toolchain or a C compiler is
// told about by the first Execute, as a CellError named "SetupError".
func New(c Config) (*Engine, error) {
	if c.Sink == nil {
		return nil, errors.New("engine: Config.Sink is nil")
	}
	if c.Grace <= 0 {
		c.Grace = 500 * time.Millisecond
	}
	if c.Cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("engine: finding a place for built workers: %w; set Config.Cache", err)
		}
		c.Cache = filepath.Join(base, "govle")
	}
	dir, err := os.MkdirTemp("", "govle-session-")
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	e := &Engine{config: c, dir: dir, ready: make(chan struct{}), env: map[string]string{}}
	e.forget()
	go e.setUp()
	return e, nil
}

// forget starts the session's names anew.
func (e *Engine) forget() {
	e.session = newSession()
	e.fset = token.NewFileSet()
	if e.ws != nil {
		e.packages = newPackages(e.ws, e.fset)
	}
}

// setUp finds the tools, builds the worker if need be and starts it.
func (e *Engine) setUp() {
	defer close(e.ready)
	e.setupErr = func() error {
		tools, err := findToolchain()
		if err != nil {
			return err
		}
		source, err := findSource(e.config.Source)
		if err != nil {
			return err
		}
		ws, err := openWorkspace(tools, source, e.config.Cache, nil, e.tell)
		if err != nil {
			return err
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.ws = ws
		e.packages = newPackages(ws, e.fset)
		if !e.closed {
			e.worker, err = e.startWorker()
		}
		return err
	}()
}

// tell notes why the setup takes long, for cells that wait for it.
func (e *Engine) tell(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.why = text
}

func (e *Engine) startWorker() (*worker, error) {
	dir := e.config.Dir
	if e.cwd != "" {
		dir = e.cwd
	}
	var env []string
	for name, value := range e.env {
		env = append(env, name+"="+value)
	}
	w, err := startWorker(e.ws.host, dir, env, e.args, e.config.MemoryLimit, e.config.Sink, func(f *link.Failure) string {
		e.mu.Lock()
		defer e.mu.Unlock()
		err := e.session.runtimeError(f)
		text := "panic in a goroutine: " + err.Value + "\n"
		for _, line := range err.Traceback[1:] {
			text += line + "\n"
		}
		return text
	})
	if err != nil {
		return nil, err
	}
	w.conn.Send(&link.Frame{Op: link.OpSession, Text: e.dir}) // its failure shows as a death
	return w, nil
}

// Execute runs one cell and returns when it has ended, was interrupted (by ctx
// or by Interrupt), or its worker died. All output that the cell produced
// before it ended has been delivered to the Sink by then.
func (e *Engine) Execute(ctx context.Context, c Cell) Result {
	e.running.Lock()
	defer e.running.Unlock()
	start := time.Now()
	e.mu.Lock()
	stop := make(chan struct{})
	e.interrupt = stop
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		e.interrupt = nil
		e.mu.Unlock()
	}()
	r := e.executeSegments(ctx, c, stop)
	r.Duration = time.Since(start)
	return r
}

func failed(err *CellError) Result { return Result{Err: err} }

func plainError(name, value string) *CellError {
	return &CellError{Name: name, Value: value, Traceback: []string{red + name + plain + ": " + bold + value + plain}}
}

var errInterrupted = plainError("Interrupted", "the cell was interrupted before it ran")

func (e *Engine) execute(ctx context.Context, c Cell, stop <-chan struct{}) Result {
	if err := e.awaitSetup(ctx, c.ID, stop); err != nil {
		return failed(err)
	}
	w, cerr := e.liveWorker(c.ID)
	if cerr != nil {
		return failed(cerr)
	}
	p, cerr := e.build(c)
	if cerr != nil {
		return failed(cerr)
	}
	if p == nil {
		return Result{} // nothing but comments
	}
	select {
	case <-stop:
		return failed(errInterrupted)
	case <-ctx.Done():
		return failed(errInterrupted)
	default:
	}
	done, err := w.execute(&link.Frame{Op: link.OpRun, Cell: c.ID, File: p.cell.unit.file, Plugin: p.file, Symbol: p.symbol, Program: p.program,
		GraceMS: e.config.Grace.Milliseconds()})
	if err != nil {
		// The worker is dying: the wait below says of what.
		done = nil
	}
	d, cerr := e.await(ctx, w, c.ID, done, stop)
	if p.file != "" {
		os.Remove(p.file) // loaded files stay mapped without their names
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if cerr != nil {
		return failed(cerr)
	}
	e.session.commit(p, d.Mark, d.Failure != nil)
	if d.Failure != nil {
		return failed(e.session.runtimeError(d.Failure))
	}
	return Result{Value: d.Value, Metadata: d.Metadata, ran: time.Duration(d.RunNS), types: d.Types}
}

// quietSetup is how long a cell waits for the setup before it is told why.
const quietSetup = 1500 * time.Millisecond

// awaitSetup waits until cells can be built. What a waiting cell is told goes away
// again: it is no part of a notebook.
func (e *Engine) awaitSetup(ctx context.Context, cell string, stop <-chan struct{}) *CellError {
	ticker := time.NewTicker(quietSetup)
	defer ticker.Stop()
	told := false
	for waiting := true; waiting; {
		select {
		case <-e.ready:
			waiting = false
		case <-stop:
			return errInterrupted
		case <-ctx.Done():
			return errInterrupted
		case <-ticker.C:
			e.mu.Lock()
			why := e.why
			e.mu.Unlock()
			if why != "" && !told {
				told = true
				e.config.Sink.Stream(cell, "stderr", why)
			}
		}
	}
	if told {
		e.config.Sink.Publish(cell, Message{Kind: "clear_output", Content: map[string]any{"wait": false}})
	}
	if e.setupErr != nil {
		return plainError("SetupError", e.setupErr.Error())
	}
	return nil
}

// build makes a cell into a plugin; nil when there is nothing to run.
func (e *Engine) build(c Cell) (*plugin, *CellError) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, plainError("InternalError", "the engine is closed")
	}
	s := e.session
	file := s.fileName(c.Count)
	u, errs := parseUnit(e.fset, file, c.Source, nil)
	if len(errs) > 0 {
		return nil, compileError(errs)
	}
	if len(u.stmts) == 0 && (u.decls == nil || len(u.decls.Decls) == 0) {
		return nil, nil
	}
	checked, errs := s.check(e.fset, u, s.inherit(e.fset, u, true), e.packages, false)
	if len(errs) > 0 {
		// What builds on a changed type may not fit it any more: then it keeps
		// the older one.
		u, _ = parseUnit(e.fset, file, c.Source, nil)
		if checked, errs = s.check(e.fset, u, s.inherit(e.fset, u, false), e.packages, false); len(errs) > 0 {
			return nil, compileError(errs)
		}
	}
	e.seq++
	cell := &built{seq: e.seq, path: fmt.Sprintf("%s%d", cellPath, e.seq), unit: u}
	if program, gen, ok := s.simplify(checked, cell.seq); ok && !e.compileAll {
		s.units[file] = u
		return &plugin{cell: cell, program: program, checked: checked, generated: gen}, nil
	}
	gen, errs := s.generate(checked, cell.seq)
	if len(errs) > 0 {
		return nil, compileError(errs)
	}
	cell.cells = gen.cells
	if failed := e.packages.load(gen.imports); len(failed) > 0 {
		for path, err := range failed {
			return nil, plainError("InternalError", fmt.Sprintf("loading package %s: %v", path, err))
		}
	}
	if len(e.ws.known) != e.knownN {
		e.importCfg, e.knownN = e.ws.importConfig(), len(e.ws.known)
	}
	known := map[string]*unit{}
	for _, u := range checked.units {
		known[u.file] = u
	}
	p, errs, err := e.ws.buildCell(filepath.Join(e.dir, fmt.Sprint(cell.seq)), cell, gen.source, e.importCfg, known)
	switch {
	case err != nil:
		return nil, plainError("InternalError", err.Error())
	case len(errs) > 0:
		return nil, compileError(errs)
	}
	s.units[file] = u
	p.checked, p.generated = checked, gen
	return p, nil
}

// liveWorker returns the worker, starting a new one when the last has died.
func (e *Engine) liveWorker(cell string) (*worker, *CellError) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.worker
	if w != nil {
		select {
		case <-w.dead:
			if e.worker = nil; e.forgetValues() {
				e.config.Sink.Stream(cell, "stderr", "The Go worker died between cells: "+w.death+". All variables are gone; run the cells that declare them again.\n")
			}
		default:
			return w, nil
		}
	}
	w, err := e.startWorker()
	if err != nil {
		return nil, plainError("SetupError", err.Error())
	}
	e.worker = w
	return w, nil
}

// forgetValues forgets the session's names, since their values are gone. It
// tells whether there were any.
func (e *Engine) forgetValues() bool {
	had := len(e.session.names)+len(e.session.imports) > 0
	e.forget()
	return had
}

// await waits for the end of the running cell and passes interrupts on.
func (e *Engine) await(ctx context.Context, w *worker, cell string, done <-chan *link.Done, stop <-chan struct{}) (*link.Done, *CellError) {
	cancelled := ctx.Done()
	var overdue <-chan time.Time
	for {
		select {
		case d := <-done:
			if d.Burning {
				w.kill("it was stopped")
				e.mu.Lock()
				e.worker = nil
				e.forgetValues()
				e.mu.Unlock()
				return nil, plainError("Interrupted", "the cell computed on in code that cannot be interrupted, so the Go worker was replaced. All variables are gone; run the cells that declare them again.")
			}
			return d, nil
		case <-w.dead:
			select {
			case d := <-done:
				return d, nil // it ended first, and then the worker died
			default:
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			e.worker = nil
			err := plainError("WorkerLost", "the Go worker died: "+w.death+". All variables are gone; run the cells that declare them again.")
			err.Traceback = append(err.Traceback, e.session.frames(w.fell)...)
			e.forgetValues()
			e.prepareWorker()
			return nil, err
		case <-stop:
			stop = nil
		case <-cancelled:
			cancelled = nil
		case <-overdue:
			w.kill("it did not react to an interrupt")
			continue
		}
		if overdue == nil {
			w.conn.Send(&link.Frame{Op: link.OpInterrupt, Cell: cell}) // its failure shows as a death
			overdue = time.After(e.config.Grace + 5*time.Second)
		}
	}
}

// prepareWorker starts the next worker ahead of the next cell; a failure is met
// again, and reported, then.
func (e *Engine) prepareWorker() {
	if w, err := e.startWorker(); err == nil {
		e.worker = w
	}
}

// Interrupt ends the running cell, if there is one; its Execute then returns a
// CellError named "Interrupted". It does not wait for that.
func (e *Engine) Interrupt() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.interrupt != nil {
		close(e.interrupt)
		e.interrupt = nil
	}
}

// Restart ends the worker and forgets all names, imports and values. A running
// cell ends with a CellError named "WorkerLost".
func (e *Engine) Restart() error {
	e.stopWorker("the session was restarted")
	e.running.Lock()
	defer e.running.Unlock()
	e.stopWorker("the session was restarted")
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errors.New("engine: restarting a closed session")
	}
	e.worker = nil
	e.forget()
	return nil
}

func (e *Engine) stopWorker(why string) {
	e.mu.Lock()
	w := e.worker
	e.mu.Unlock()
	if w != nil {
		w.kill(why)
	}
}

// Close ends the worker and removes the session's files.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	<-e.ready
	e.stopWorker("the session was closed")
	e.running.Lock()
	defer e.running.Unlock()
	e.stopWorker("the session was closed")
	if err := os.RemoveAll(e.dir); err != nil {
		return fmt.Errorf("engine: removing the session's files: %w", err)
	}
	return nil
}

// Comm passes a comm message ("comm_open", "comm_msg" or "comm_close") from the
// front to the worker, also while a cell runs. What the worker answers arrives
// at Sink.Publish.
func (e *Engine) Comm(m Message) error {
	e.mu.Lock()
	w := e.worker
	e.mu.Unlock()
	if w == nil {
		return errors.New("engine: there is no worker for a comm message")
	}
	return w.conn.Send(&link.Frame{Op: link.OpComm, Message: &link.Message{Kind: m.Kind, Content: m.Content, Metadata: m.Metadata, Buffers: m.Buffers}})
}
