// Package engine is live Go: cells of real Go source, each compiled by the Go
// toolchain and loaded into one living worker process, so that values, types
// and goroutines of earlier cells stay. It knows nothing of Jupyter; package
// kernel puts the Jupyter protocol in front of it.
//
// For most uses, call [New] and then [Engine.Execute] cell by cell.
//
// A cell is cut into declarations and statements, type-checked with go/types
// against all that earlier cells have declared, and turned into a package of its
// own: what it declares at top level becomes package level, what is left is the
// body of one function. The Go compiler and linker make a plugin of it, which
// the worker loads and runs. Cells that consist of simple parts only are
// evaluated by reflection instead, in well under a millisecond.
//
// Redefinition: a name means what was declared last. A function declared again
// with the same signature and a variable declared again with the same type take
// the place of the older one, so that code of earlier cells sees them. A type
// declared again, or given another method, is a new type: functions and types
// that were built on the older one are compiled again on top of it, and
// variables are seen through it when its declaration has not changed.
//
// Whatever a cell does, the front lives: a panic is an error with a short
// traceback, os.Exit and log.Fatal end the cell, and when the worker dies the
// next cell gets a new one.
package engine

import "time"

// Config says where a session lives and who receives what its cells print and
// show. The zero value of every field but Sink is usable.
type Config struct {
	// Source is the directory of the govle module that cells may import. Empty
	// means $GOVLE_SOURCE, else the directory that this program was built from.
	Source string
	// Dir is the working directory of the worker. Empty means the current one.
	Dir string
	// Cache holds built worker binaries and export data, shared by sessions.
	// Empty means os.UserCacheDir()/govle.
	Cache string
	// MemoryLimit, in bytes, ends a worker that grows beyond it; 0 means none.
	MemoryLimit int64
	// Grace is how long an interrupted cell has to unwind before its goroutine
	// is abandoned. 0 means 500 ms.
	Grace time.Duration
	// Sink receives output. It must not be nil.
	Sink Sink
}

// Sink receives what running cells produce. The engine calls it from one
// goroutine at a time, in the order in which the cell produced the output.
// cell is the ID of the cell that the output belongs to, which may have ended
// long ago: what its goroutines print and show is the cell's all the same. Output
// of which nobody can tell whose it is, as that of C code or of a library's own
// background goroutines, comes under the newest cell.
type Sink interface {
	// Stream delivers text written to "stdout" or "stderr".
	Stream(cell, name, text string)
	// Publish delivers a display message or a comm message.
	Publish(cell string, m Message)
	// Input asks the user for a line and returns it without the line end. It
	// may be called while other methods are.
	Input(cell, prompt string, password bool) (string, error)
}

// Message is one thing that a cell shows, in the words of the Jupyter protocol.
type Message struct {
	// Kind is "display_data", "update_display_data", "clear_output",
	// "comm_open", "comm_msg" or "comm_close".
	Kind string `json:"kind"`
	// Content is the message's content as the protocol defines it for Kind.
	Content map[string]any `json:"content"`
	// Metadata is the message's own metadata (widgets need it in comm_open).
	Metadata map[string]any `json:"metadata,omitempty"`
	// Buffers are the binary attachments of a comm message.
	Buffers [][]byte `json:"buffers,omitempty"`
}

// Cell is one piece of source to run.
type Cell struct {
	// ID names the cell in output; it should be unique in the session.
	ID string
	// Count is the number shown in brackets, used in positions ("cell [3], line 2").
	Count int
	// Source is Go: statements, declarations and imports in any order, with an
	// optional trailing expression whose value is shown.
	Source string
}

// Result is what came of a cell.
type Result struct {
	// Value is the MIME bundle of the trailing expression; nil when there is
	// none or when it has no value. "text/plain" is always present otherwise.
	Value map[string]any
	// Metadata belongs to Value, by MIME type.
	Metadata map[string]any
	// Pager is a MIME bundle for the front end's pager, as "name?" wants it; nil
	// when there is none.
	Pager map[string]any
	// NextInput is text that the front end may put into the cell, as %fmt wants
	// it ("set_next_input" with replace).
	NextInput string
	// Err is nil when the cell succeeded.
	Err *CellError
	// Duration is the time the cell took, compilation included.
	Duration time.Duration

	ran   time.Duration // of Duration, what the cell's code took
	types int           // see link.Done
	plain bool          // the cell was simple
}

// CellError is a cell's failure, in the form that front ends show.
type CellError struct {
	// Name is the kind of error: "CompileError", "Panic", "Interrupted",
	// "Exit" (a trapped os.Exit or log.Fatal), "WorkerLost", "SetupError",
	// "MagicError" (a magic or shell line), "InternalError".
	Name string
	// Value is the one-line message.
	Value string
	// Traceback is what a person reads, line by line, with ANSI colours.
	Traceback []string
}

// Error returns "Name: Value".
func (e *CellError) Error() string { return e.Name + ": " + e.Value }
