// Package display shows things from a notebook cell: text, HTML, pictures,
// any value, outputs that change later. In every cell it is there without an
// import, and so is [Display].
//
// For most uses, end a cell with a value, or call [Display] in the middle:
//
//	Display(display.HTML("<b>bold</b>"))
//	h := display.Show("working …")
//	h.Update("done")
//
// Outside a notebook, in a plain Go program, the text form goes to standard
// output.
//
// Progress bars are in package widget (govle/kernel/widget): widget.Track for a
// loop, widget.NewProgress for anything else. They act where the page has
// widgets and fall back to HTML and to plain text where it has not.
package display

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// Message is one thing for the front ends, in the words of the Jupyter
// protocol: Kind is "display_data", "update_display_data", "clear_output",
// "comm_open", "comm_msg" or "comm_close".
type Message struct {
	Kind     string
	Content  map[string]any
	Metadata map[string]any
	Buffers  [][]byte
}

// Front is where messages go and where input comes from.
type Front interface {
	// Publish sends a message to the front ends.
	Publish(Message) error
	// Input asks the user for a line.
	Input(prompt string, password bool) (string, error)
}

var (
	mu       sync.Mutex
	front    Front = terminal{}
	receiver func(Message)
)

// Connect sets where messages go; the worker of a notebook calls it.
func Connect(f Front) {
	mu.Lock()
	defer mu.Unlock()
	front = f
}

// Connected tells whether there is a notebook to show things in.
func Connected() bool {
	_, plain := to().(terminal)
	return !plain
}

func to() Front {
	mu.Lock()
	defer mu.Unlock()
	return front
}

// StaticComm is the comm over which the kernel asks the worker for the plain forms
// of widgets; package widget answers. It never reaches a front end.
const StaticComm = "govle.static"

// Send publishes a message as it is. Most code wants Display.
func Send(m Message) error { return to().Publish(m) }

// OnComm sets who receives the comm messages that front ends send. Package
// widget uses it.
func OnComm(f func(Message)) {
	mu.Lock()
	defer mu.Unlock()
	receiver = f
}

// Deliver hands a front end's comm message to the function set by OnComm.
func Deliver(m Message) {
	mu.Lock()
	f := receiver
	mu.Unlock()
	if f != nil {
		f(m)
	}
}

// Display shows values now, each in its richest form.
func Display(values ...any) {
	for _, v := range values {
		show("display_data", v, "")
	}
}

// Handle is an output that can be changed.
type Handle struct {
	// ID is the display id.
	ID string
}

// Show displays v and returns a handle to change it later.
func Show(v any) *Handle {
	h := &Handle{ID: newID()}
	if d, ok := v.(Data); ok {
		if id, ok := d.Transient["display_id"].(string); ok && id != "" {
			h.ID = id
		}
	}
	show("display_data", v, h.ID)
	return h
}

// Update replaces what the output shows, everywhere it is shown.
func (h *Handle) Update(v any) { show("update_display_data", v, h.ID) }

// Update replaces what the outputs with the given display id show.
func Update(id string, v any) { show("update_display_data", v, id) }

func show(kind string, v any, id string) {
	data, meta := Bundle(v)
	content := map[string]any{"data": data, "metadata": orEmpty(meta), "transient": map[string]any{}}
	if d, ok := v.(Data); ok && d.Transient != nil {
		content["transient"] = d.Transient
	}
	if id != "" {
		content["transient"] = map[string]any{"display_id": id}
	}
	if err := Send(Message{Kind: kind, Content: content}); err != nil {
		fmt.Fprintln(os.Stderr, "display:", err)
	}
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// Clear removes the cell's output; with wait, only when new output arrives,
// which avoids flicker.
func Clear(wait bool) {
	if err := Send(Message{Kind: "clear_output", Content: map[string]any{"wait": wait}}); err != nil {
		fmt.Fprintln(os.Stderr, "display:", err)
	}
}

// Input asks the user for a line of text. It fails when the front end cannot
// ask.
func Input(prompt string) (string, error) { return to().Input(prompt, false) }

// Password is Input for text that is not to be seen.
func Password(prompt string) (string, error) { return to().Input(prompt, true) }

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// terminal is the Front of a program that is not a notebook.
type terminal struct{}

func (terminal) Publish(m Message) error {
	switch m.Kind {
	case "display_data", "update_display_data":
		data, _ := m.Content["data"].(map[string]any)
		if s, ok := data["text/plain"].(string); ok {
			_, err := fmt.Println(s)
			return err
		}
	}
	return nil
}

// stdin is shared by all questions, for it reads ahead.
var stdin = sync.OnceValue(func() *bufio.Reader { return bufio.NewReader(os.Stdin) })

func (terminal) Input(prompt string, password bool) (string, error) {
	fmt.Print(prompt)
	s, err := stdin().ReadString('\n')
	if err == io.EOF && s != "" {
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("reading an answer: %w", err)
	}
	return strings.TrimRight(s, "\r\n"), nil
}
