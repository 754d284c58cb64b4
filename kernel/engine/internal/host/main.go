// Command host is the worker of a session: it loads the plugins that cells
// were made into and runs them. It is started by package engine only, with a
// socket to the front as file descriptor 3.
package main

/*
#cgo linux LDFLAGS: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
static void *lookup(const char *name) { return dlsym(RTLD_DEFAULT, name); }
*/
import "C"

import (
	"fmt"
	"os"
	"plugin"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unsafe"

	"govle/kernel/display"
	"govle/kernel/engine/internal/cellrt"
	"govle/kernel/engine/internal/link"
)

// worker is the state of this process.
type worker struct {
	conn *link.Conn

	mu        sync.Mutex
	interrupt chan struct{} // closed to interrupt the running cell; nil between cells
	seq       int
	waiting   map[int]chan *link.Frame
	cell      string
}

func main() {
	socket := os.NewFile(3, "front")
	if socket == nil {
		fmt.Fprintln(os.Stderr, "host: this program is started by the govle engine, not by hand")
		os.Exit(2)
	}
	w := &worker{conn: link.NewConn(socket), waiting: map[int]chan *link.Frame{}}
	// A runaway recursion is found before it has eaten a gigabyte.
	debug.SetMaxStack(256 << 20)
	cellrt.TrapLog()
	cellrt.HookOutput(func(cell, stream string, b []byte) error {
		return w.conn.Send(&link.Frame{Op: link.OpLate, Cell: cell, Text: stream, Data: b})
	})
	cellrt.OnGoroutinePanic = func(f *link.Failure) {
		w.send(&link.Frame{Op: link.OpPublish, Cell: cellrt.CellOf(), Done: &link.Done{Failure: f}})
	}
	display.Connect(w)
	cells := make(chan *link.Frame, 1)
	go func() {
		for f := range cells {
			w.run(f)
		}
	}()
	w.send(&link.Frame{Op: link.OpReady})
	session := ""
	for {
		f, err := w.conn.Receive()
		if err != nil {
			// The front has gone. Had it been in good order, it would have ended
			// this process first, and then removed its files.
			if session != "" {
				os.RemoveAll(session)
			}
			os.Exit(0)
		}
		switch f.Op {
		case link.OpRun:
			w.mu.Lock()
			w.interrupt = make(chan struct{})
			w.cell = f.Cell
			w.mu.Unlock()
			cells <- f
		case link.OpInterrupt:
			w.mu.Lock()
			if w.interrupt != nil && f.Cell == w.cell {
				close(w.interrupt)
				w.interrupt = nil
			}
			w.mu.Unlock()
		case link.OpReply:
			w.mu.Lock()
			c := w.waiting[f.Seq]
			delete(w.waiting, f.Seq)
			w.mu.Unlock()
			if c != nil {
				c <- f
			}
		case link.OpSet:
			set(f)
		case link.OpSession:
			session = f.Text
		case link.OpComm:
			if m := f.Message; m != nil {
				display.Deliver(display.Message{Kind: m.Kind, Content: m.Content, Metadata: m.Metadata, Buffers: m.Buffers})
			}
		}
	}
}

// set changes the process as a magic wants it. What can fail has been tried by
// the front.
func set(f *link.Frame) {
	switch f.Text {
	case "env":
		os.Setenv(f.Args[0], f.Args[1])
	case "dir":
		if err := os.Chdir(f.Args[0]); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	case "args":
		os.Args = append(os.Args[:1:1], f.Args...)
	}
}

// run loads and runs one cell.
func (w *worker) run(f *link.Frame) {
	w.mu.Lock()
	interrupt := w.interrupt
	w.mu.Unlock()
	cellrt.Begin(f.Cell)
	var entry func()
	var err error
	line := 0 // of a simple cell
	types := 0
	if f.Plugin == "" {
		entry = cellrt.Evaluate(f.Program, &line)
	} else {
		entry, types, err = load(f.Plugin, f.Symbol)
	}
	began := time.Now()
	var done *link.Done
	if err != nil {
		done = &link.Done{Failure: &link.Failure{Kind: "load", Message: err.Error()}}
	} else {
		done = cellrt.Execute(entry, interrupt, time.Duration(f.GraceMS)*time.Millisecond)
	}
	if done.Failure != nil && line > 0 {
		done.Failure.Frames = append(done.Failure.Frames, link.Where{File: f.File, Line: line})
	}
	done.RunNS = time.Since(began).Nanoseconds()
	done.Types = types
	w.mu.Lock()
	w.interrupt = nil
	w.mu.Unlock()
	cellrt.End()
	w.send(&link.Frame{Op: link.OpDone, Cell: f.Cell, Done: done})
}

// load opens a plugin and finds its entry function by the symbol's name.
// plugin.Lookup knows only what package main exports, and a cell is an
// ordinary package so that later cells can import it. types is what it adds to the
// types that the runtime looks through for each plugin.
func load(path, symbol string) (entry func(), types int, err error) {
	if _, err := plugin.Open(path); err != nil {
		return nil, 0, err
	}
	types = shorten(strings.TrimSuffix(symbol, ".main"))
	name := C.CString(symbol)
	defer C.free(unsafe.Pointer(name))
	code := C.lookup(name)
	if code == nil {
		return nil, 0, fmt.Errorf("loading a cell: %s has no symbol %s", path, symbol)
	}
	// A Go func value points to a word that holds the code's address.
	closure := &code
	return *(*func())(unsafe.Pointer(&closure)), types, nil
}

func (w *worker) send(f *link.Frame) {
	if err := w.conn.Send(f); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
	}
}

// Publish implements display.Front. It waits until the front has taken the
// message: what the cell prints next must not overtake it.
func (w *worker) Publish(m display.Message) error {
	_, err := w.ask(&link.Frame{Op: link.OpPublish, Cell: cellrt.CellOf(), Message: &link.Message{
		Kind: m.Kind, Content: m.Content, Metadata: m.Metadata, Buffers: m.Buffers}})
	return err
}

// ask sends a frame and waits for its reply.
func (w *worker) ask(f *link.Frame) (*link.Frame, error) {
	answer := make(chan *link.Frame, 1)
	w.mu.Lock()
	w.seq++
	f.Seq = w.seq
	w.waiting[f.Seq] = answer
	w.mu.Unlock()
	if err := w.conn.Send(f); err != nil {
		return nil, err
	}
	return <-answer, nil
}

// Input implements display.Front. Whoever asks, the front end that sent the
// newest cell is the one that can answer.
func (w *worker) Input(prompt string, password bool) (string, error) {
	w.mu.Lock()
	cell := w.cell
	w.mu.Unlock()
	f, err := w.ask(&link.Frame{Op: link.OpInput, Cell: cell, Text: prompt, Secret: password})
	if err != nil {
		return "", err
	}
	if f.Error != "" {
		return "", fmt.Errorf("asking for input: %s", f.Error)
	}
	return f.Text, nil
}
