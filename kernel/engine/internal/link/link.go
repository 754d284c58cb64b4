// Package link is what the front and the worker of a session say to each
// other: frames of JSON, each preceded by its length, over a stream socket.
package link

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// maxFrame bounds a frame, so that a damaged length cannot ask for all memory.
const maxFrame = 1 << 30

// Ops of frames from the front to the worker.
const (
	OpRun       = "run"       // load Plugin and run its cell
	OpInterrupt = "interrupt" // interrupt the cell that runs
	OpComm      = "comm"      // Message is for a comm
	OpReply     = "reply"     // answers the worker's frame with the same Seq
	OpSet       = "set"       // set the variable Text of the process to Args
	OpSession   = "session"   // Text is the folder to remove if the front goes without a word
)

// Ops of frames from the worker to the front.
const (
	OpReady   = "ready"   // the worker can take cells
	OpLate    = "late"    // Data was written to the stream Text by a goroutine of a cell that has ended
	OpPublish = "publish" // Message goes to the front ends
	OpInput   = "input"   // asks the user for a line: Text is the prompt
	OpDone    = "done"    // the cell has ended
)

// Frame is one message in either direction. Which fields count depends on Op.
type Frame struct {
	Op      string   `json:"op"`
	Seq     int      `json:"seq,omitempty"`
	Cell    string   `json:"cell,omitempty"`
	File    string   `json:"file,omitempty"`   // the cell's name in positions
	Plugin  string   `json:"plugin,omitempty"` // path of the shared object
	Symbol  string   `json:"symbol,omitempty"` // its entry function
	GraceMS int64    `json:"grace_ms,omitempty"`
	Program []*Node  `json:"program,omitempty"` // instead of Plugin, for a simple cell
	Message *Message `json:"message,omitempty"`
	Text    string   `json:"text,omitempty"`
	Data    []byte   `json:"data,omitempty"`
	Args    []string `json:"args,omitempty"`
	Secret  bool     `json:"secret,omitempty"`
	Done    *Done    `json:"done,omitempty"`
	Error   string   `json:"error,omitempty"`
}

// Message is a display or comm message; engine.Message has the same shape.
type Message struct {
	Kind     string         `json:"kind"`
	Content  map[string]any `json:"content"`
	Metadata map[string]any `json:"metadata,omitempty"`
	Buffers  [][]byte       `json:"buffers,omitempty"`
}

// Done is how a cell ended.
type Done struct {
	Value    map[string]any `json:"value,omitempty"`
	Metadata map[string]any `json:"metadata,omitempty"`
	// Mark is the number of the last declaring statement that was completed.
	Mark int `json:"mark"`
	// Failure is nil when the cell ran to its end.
	Failure *Failure `json:"failure,omitempty"`
	// Burning says that an interrupted cell is still running and cannot be
	// stopped.
	Burning bool  `json:"burning,omitempty"`
	RunNS   int64 `json:"run_ns,omitempty"`
	// Types is how many types the cell's plugin added to those that the runtime
	// compares with the types of each plugin to come; -1 when all of them were.
	Types int `json:"types,omitempty"`
}

// Failure is why a cell did not run to its end.
type Failure struct {
	// Kind is "panic", "exit", "interrupted" or "load".
	Kind    string  `json:"kind"`
	Message string  `json:"message"`
	Frames  []Where `json:"frames,omitempty"`
}

// Where is one frame of a stack, innermost first.
type Where struct {
	Func string `json:"func"`
	File string `json:"file"`
	Line int    `json:"line"`
}

// Conn sends and receives frames. Send may be called from any goroutine.
type Conn struct {
	mu sync.Mutex
	rw io.ReadWriter
}

// NewConn wraps a stream.
func NewConn(rw io.ReadWriter) *Conn { return &Conn{rw: rw} }

// Send writes one frame.
func (c *Conn) Send(f *Frame) error {
	body, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encoding a %s frame: %w", f.Op, err)
	}
	buf := make([]byte, 4, 4+len(body))
	binary.LittleEndian.PutUint32(buf, uint32(len(body)))
	buf = append(buf, body...)
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err = c.rw.Write(buf)
	return err
}

// Receive reads one frame.
func (c *Conn) Receive() (*Frame, error) {
	var head [4]byte
	if _, err := io.ReadFull(c.rw, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes is longer than the limit of %d", n, maxFrame)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(c.rw, body); err != nil {
		return nil, err
	}
	f := new(Frame)
	if err := json.Unmarshal(body, f); err != nil {
		return nil, fmt.Errorf("decoding a frame of %d bytes: %w", n, err)
	}
	return f, nil
}

// Node is a piece of a simple cell, which the worker evaluates by reflection.
// What Kids and the other fields mean depends on Op; see package cellrt.
type Node struct {
	Op    string  `json:"op"`
	Name  string  `json:"name,omitempty"`
	Text  string  `json:"text,omitempty"`
	Type  *Type   `json:"type,omitempty"`
	Index []int   `json:"index,omitempty"`
	Left  []*Node `json:"left,omitempty"`
	Kids  []*Node `json:"kids,omitempty"`
	Flag  bool    `json:"flag,omitempty"`
	Line  int     `json:"line,omitempty"`
}

// Type names a type for the worker.
type Type struct {
	// Kind is "basic", "named", "slice", "pointer", "array" or "map".
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	Len  int64  `json:"len,omitempty"`
	Key  *Type  `json:"key,omitempty"`
	Elem *Type  `json:"elem,omitempty"`
}
