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

	executing sync.Mutex     // held while a cell runs
	stop      stopper        // ends that cell
	aheads    sync.WaitGroup // what is done for cells whose turn has not come

	life context.Context // until Close
	end  context.CancelFunc

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
	closed    bool
	cwd       string              // of the worker and of shell lines
	env       map[string]string   // what %env has set
	args      []string            // what %args has set
	builtins  map[string]declared // what has been asked of package builtin

	running     *plugin // the cell that the worker runs
	undisturbed bool    // it is all Go
	next        *Cell   // what Prepare was told
	ahead       *ahead  // what is compiled for the next cell

	compileAll                    bool   // for tests: no cell is simple
	preparedUsed, preparedDropped int    // for tests
	why                           string // why cells wait for the setup
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
	e := &Engine{config: c, dir: dir, ready: make(chan struct{}), env: map[string]string{}, builtins: map[string]declared{}}
	e.life, e.end = context.WithCancel(context.Background())
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

// Execute runs one cell and returns when it has ended, was interrupted (by ctx
// or by Interrupt), or its worker died. All output that the cell produced
// before it ended has been delivered to the Sink by then.
func (e *Engine) Execute(ctx context.Context, c Cell) Result {
	e.executing.Lock()
	defer e.executing.Unlock()
	start := time.Now()
	stop := e.stop.arm()
	defer e.stop.disarm()
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
	building, end := context.WithCancel(ctx)
	go func() {
		select {
		case <-stop:
			end()
		case <-e.life.Done():
			end()
		case <-building.Done():
		}
	}()
	p, cerr := e.build(building, c)
	end()
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
	e.mu.Lock()
	e.running = p
	e.compileAhead()
	e.mu.Unlock()
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
	e.running = nil
	if cerr != nil {
		return failed(cerr)
	}
	e.session.commit(p, d.Mark, d.Failure != nil)
	r := Result{Value: d.Value, Metadata: d.Metadata, ran: time.Duration(d.RunNS), types: d.Types, plain: p.file == ""}
	if d.Failure != nil {
		r.Err = e.session.runtimeError(d.Failure)
	}
	return r
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

// Interrupt ends the running cell, if there is one; its Execute then returns a
// CellError named "Interrupted". It does not wait for that.
func (e *Engine) Interrupt() { e.stop.pull() }

// stopper has a lock of its own, so that an interrupt waits for nothing.
type stopper struct {
	mu sync.Mutex
	c  chan struct{}
}

// arm returns what pull will close.
func (s *stopper) arm() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.c = make(chan struct{})
	return s.c
}

func (s *stopper) disarm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.c = nil
}

func (s *stopper) pull() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c != nil {
		close(s.c)
		s.c = nil
	}
}

// Restart ends the worker and forgets all names, imports and values. A running
// cell ends with a CellError named "WorkerLost", one that is being compiled with
// "Interrupted".
func (e *Engine) Restart() error {
	e.stopWorker("the session was restarted")
	e.Interrupt()
	e.executing.Lock()
	defer e.executing.Unlock()
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
	e.end()
	<-e.ready
	e.aheads.Wait()
	e.stopWorker("the session was closed")
	e.executing.Lock()
	defer e.executing.Unlock()
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
