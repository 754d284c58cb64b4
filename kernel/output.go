package kernel

import (
	"errors"
	"sync"

	"govle/kernel/engine"
	"govle/kernel/wire"
)

// keepCells is how many cells are remembered for output that comes after their
// end, from goroutines that go on.
const keepCells = 1 << 14

// cell is what output needs to know of the cell that it belongs to.
type cell struct {
	parent     wire.Header
	request    *request // to ask the front end that sent it; nil once it ended
	allowStdin bool
	quiet      bool // silent, or a user expression
}

// cells are the cells that ran, by engine.Cell.ID.
type cells struct {
	mu      sync.Mutex
	byID    map[string]*cell
	order   []string
	current *cell // the running cell
	last    *cell // what output without a cell belongs to
}

// begin records a cell that is about to run.
func (c *cells) begin(id string, x *cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil {
		c.byID = make(map[string]*cell)
	}
	if len(c.order) >= keepCells {
		delete(c.byID, c.order[0])
		c.order = c.order[1:]
	}
	c.order = append(c.order, id)
	c.byID[id], c.current, c.last = x, x, x
}

// end records that the running cell has ended.
func (c *cells) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil {
		c.current.request = nil
		c.current = nil
	}
}

// running returns the request header of the running cell, or nil.
func (c *cells) running() *wire.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		return nil
	}
	return &c.current.parent
}

// touch makes output that belongs to no cell belong to a request, which is how
// the answers of comms find theirs.
func (c *cells) touch(parent wire.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = &cell{parent: parent}
}

// find returns the cell of an ID, and what is known best when there is none.
func (c *cells) find(id string) cell {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch x := c.byID[id]; {
	case x != nil:
		return *x
	case c.last != nil:
		return *c.last
	}
	return cell{}
}

// sink receives the executor's output.
type sink struct{ k *server }

var _ engine.Sink = sink{}

// Stream publishes printed text.
func (s sink) Stream(id, name, text string) {
	if c := s.k.cells.find(id); !c.quiet && text != "" {
		s.k.iopub.stream(c.parent, name, text)
	}
}

// Publish publishes what a cell shows. Comm messages pass even from silent cells:
// without them a widget's two halves come apart.
func (s sink) Publish(id string, m engine.Message) {
	if s.k.widgets.answered(m) {
		return
	}
	c := s.k.cells.find(id)
	isComm := s.k.comms.sent(m)
	if c.quiet && !isComm {
		return
	}
	content := m.Content
	if content == nil {
		content = map[string]any{}
	}
	if m.Kind == "display_data" || m.Kind == "update_display_data" {
		for _, key := range []string{"data", "metadata", "transient"} {
			if content[key] == nil {
				content[key] = map[string]any{} // all three are required
			}
		}
	}
	s.k.widgets.note(m.Kind, content)
	if id, ok := content["comm_id"].(string); ok && m.Kind == "comm_close" {
		s.k.widgets.closed(id)
	}
	msg := s.k.message(m.Kind, c.parent, content)
	if m.Metadata != nil {
		msg.Metadata = s.k.encode(m.Metadata)
	}
	msg.Buffers = m.Buffers
	s.k.iopub.show(msg)
}

// Input asks the front end that sent the cell.
func (s sink) Input(id, prompt string, password bool) (string, error) {
	c := s.k.cells.find(id)
	switch {
	case c.request == nil:
		return "", errors.New("input is possible only while a cell runs")
	case !c.allowStdin:
		return "", errors.New("this front end does not answer input requests")
	}
	return s.k.inputs.ask(s.k, c.request, prompt, password)
}
