package kernel

import (
	"context"

	"govle/kernel/engine"
)

// Executor runs cells. *engine.Engine is one; tests use a small one of their own.
type Executor interface {
	// Execute runs one cell; what it prints and shows goes to the engine.Sink
	// that the executor was made with, before Execute returns.
	Execute(ctx context.Context, c engine.Cell) engine.Result
	// Interrupt ends the running cell, if there is one, without waiting for it.
	Interrupt()
	// Close ends the executor and whatever it started.
	Close() error
}

// What an Executor may be able to do besides. A request that needs an ability
// that is missing gets the answer that the protocol has for "nothing found".
type (
	completer interface {
		Complete(ctx context.Context, src string, pos int) engine.Completion
	}
	inspector interface {
		Inspect(ctx context.Context, src string, pos, detail int) (bundle map[string]any, found bool)
	}
	completenessChecker interface {
		IsComplete(src string) (status, indent string)
	}
	commReceiver interface {
		Comm(m engine.Message) error
	}
	// preparer may compile the cell that comes next while another runs.
	preparer interface {
		Prepare(c engine.Cell)
	}
)

// The engine can do it all.
var _ interface {
	Executor
	completer
	inspector
	completenessChecker
	commReceiver
	preparer
} = (*engine.Engine)(nil)
