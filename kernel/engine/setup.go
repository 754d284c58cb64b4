package engine

import (
	"context"
	"time"

	"govle/kernel/engine/internal/link"
)

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

// prepareWorker starts the next worker ahead of the next cell; a failure is met
// again, and reported, then.
func (e *Engine) prepareWorker() {
	if w, err := e.startWorker(); err == nil {
		e.worker = w
	}
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
