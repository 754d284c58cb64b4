package engine

import (
	"context"
	"errors"
)

// Engine is one live session: the names that cells declared, and the worker
// process in which their values live. Its methods may be called from any
// goroutine; cells run one at a time, in the order of the calls.
type Engine struct{}

// New starts a session. It returns quickly: the worker is built and started
// in the background, and a machine without a Go toolchain or a C compiler is
// told about by the first Execute, as a CellError named "SetupError".
func New(c Config) (*Engine, error) { return nil, errors.New("engine: not built yet") }

// Execute runs one cell and returns when it has ended, was interrupted (by ctx
// or by Interrupt), or its worker died. All output that the cell produced
// before it ended has been delivered to the Sink by then.
func (e *Engine) Execute(ctx context.Context, c Cell) Result { return Result{} }

// Interrupt ends the running cell, if there is one; its Execute then returns a
// CellError named "Interrupted". It does not wait for that.
func (e *Engine) Interrupt() {}

// Restart ends the worker and forgets all names, imports and values. A running
// cell ends with a CellError named "WorkerLost".
func (e *Engine) Restart() error { return nil }

// Close ends the worker and removes the session's files.
func (e *Engine) Close() error { return nil }

// Comm passes a comm message ("comm_open", "comm_msg" or "comm_close") from the
// front to the worker, also while a cell runs. What the worker answers arrives
// at Sink.Publish.
func (e *Engine) Comm(m Message) error { return nil }

// Match is one candidate of a completion.
type Match struct {
	// Text replaces the source from Completion.Start to Completion.End.
	Text string
	// Type is "function", "variable", "type", "package", "keyword", "field",
	// "method", "constant" or "magic".
	Type string
	// Signature is the Go declaration in one line, such as
	// "func(a ...any) (n int, err error)".
	Signature string
}

// Completion is what could stand at a position. Start and End count Unicode
// code points, as Jupyter does.
type Completion struct {
	Matches    []Match
	Start, End int
}

// Complete lists what can stand at pos (in code points) of src.
func (e *Engine) Complete(ctx context.Context, src string, pos int) Completion {
	return Completion{Start: pos, End: pos}
}

// Inspect describes the thing at pos (in code points) of src as a MIME bundle;
// detail 1 asks for more. found is false when there is nothing to tell.
func (e *Engine) Inspect(ctx context.Context, src string, pos, detail int) (bundle map[string]any, found bool) {
	return nil, false
}

// IsComplete tells whether src can run as it stands: status is "complete",
// "incomplete" or "invalid"; indent is what the next line should start with
// when it is incomplete.
func (e *Engine) IsComplete(src string) (status, indent string) { return "complete", "" }
