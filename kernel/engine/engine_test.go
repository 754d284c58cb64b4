package engine

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// record is a Sink that keeps everything.
type record struct {
	mu     sync.Mutex
	events []event
	answer func(prompt string, password bool) (string, error)
}

// event is one call of the Sink.
type event struct {
	cell, kind, text string // kind: stdout, stderr, or a message's kind
	message          Message
}

func (r *record) Stream(cell, name, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event{cell: cell, kind: name, text: text})
}

func (r *record) Publish(cell string, m Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event{cell: cell, kind: m.Kind, message: m})
}

func (r *record) Input(cell, prompt string, password bool) (string, error) {
	if r.answer == nil {
		return "", fmt.Errorf("nobody answers")
	}
	return r.answer(prompt, password)
}

// text is all that a cell wrote to a stream.
func (r *record) text(cell, name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, e := range r.events {
		if e.cell == cell && e.kind == name {
			b.WriteString(e.text)
		}
	}
	return b.String()
}

// all is everything that was written to a stream.
func (r *record) all(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, e := range r.events {
		if e.kind == name {
			b.WriteString(e.text)
		}
	}
	return b.String()
}

// of is everything that a cell produced.
func (r *record) of(cell string) (out []event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.cell == cell {
			out = append(out, e)
		}
	}
	return out
}

var (
	one     sync.Once
	oneE    *Engine
	oneSink *record
	oneErr  error
	cells   atomic.Int64
)

// shared is one session for many tests: starting one for each would be slow.
func shared(t testing.TB) (*Engine, *record) {
	t.Helper()
	one.Do(func() {
		oneSink = &record{}
		oneE, oneErr = New(Config{Sink: oneSink})
	})
	if oneErr != nil {
		t.Fatal(oneErr)
	}
	return oneE, oneSink
}

// own is a session of a test's own, which runs beside other tests. It is for tests
// of many cells that measure no time.
func own(t *testing.T) (*Engine, *record) {
	t.Helper()
	t.Parallel()
	sink := &record{}
	e, err := New(Config{Sink: sink})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e, sink
}

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		// Some of the tests that run beside others mostly wait.
		f.Value.Set(strconv.Itoa(runtime.GOMAXPROCS(0) + 2))
	}
	code := m.Run()
	if oneE != nil {
		if err := oneE.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func cellID() string { return fmt.Sprintf("cell-%d", cells.Add(1)) }

func cellCount() int { return int(cells.Load()) }
