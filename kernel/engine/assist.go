package engine

import "context"

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
