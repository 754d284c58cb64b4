package cellrt

import (
	"context"
	"os"
	"runtime/pprof"
	"sync"
	"time"
	"unsafe"

	"govle/kernel/engine/internal/incell"
)

// Output belongs to the cell whose goroutine writes it. Goroutines inherit their
// profiling labels, so the label's address tells the cell at the write. What the
// running cell writes, and what nobody knows the cell of, goes into the worker's
// pipes, which the front reads as the newest cell's. What a cell's goroutines
// write after its end takes the road that carries the cell's name.
var output struct {
	// The mutex is held for reading while something is written to a pipe, so that
	// it is there before the front hears that the cell has ended.
	sync.RWMutex
	running unsafe.Pointer            // the label of the running cell
	newest  string                    // the cell that was begun last
	cells   map[unsafe.Pointer]string // by label
	late    func(cell, stream string, b []byte) error
}

// The standard files again, for writes that the hook lets pass.
var (
	standard = [2]*os.File{os.Stdout, os.Stderr}
	pipes    = [2]*os.File{os.NewFile(1, "stdout"), os.NewFile(2, "stderr")}
)

// osWrite is the hook that the engine puts into (*os.File).Write when it builds
// the worker. Built without it, nothing reads this variable.
//
//go:linkname osWrite os.govleWrite
var osWrite func(*os.File, []byte) (n int, err error, done bool)

//go:linkname setGoroutineLabel runtime/pprof.runtime_setProfLabel
func setGoroutineLabel(unsafe.Pointer)

// HookOutput makes late receive what goroutines of cells that have ended write to
// the standard output and standard error.
func HookOutput(late func(cell, stream string, b []byte) error) {
	output.late = late
	output.cells = map[unsafe.Pointer]string{}
	osWrite = write
}

func write(f *os.File, b []byte) (n int, err error, done bool) {
	i := 0
	switch f {
	case standard[0]:
	case standard[1]:
		i = 1
	default:
		return 0, nil, false
	}
	label := goroutineLabel()
	output.RLock()
	if label == output.running || label == nil || output.cells[label] == "" {
		n, err = pipes[i].Write(b)
		output.RUnlock()
		return n, err, true
	}
	cell := output.cells[label]
	output.RUnlock()
	if err := output.late(cell, pipes[i].Name(), b); err != nil {
		return 0, err, true
	}
	return len(b), nil, true
}

// Begin makes the calling goroutine, and all that it will start, a cell's.
func Begin(cell string) {
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("cell", cell)))
	output.Lock()
	defer output.Unlock()
	output.running, output.newest = goroutineLabel(), cell
	output.cells[output.running] = cell
}

// End waits until the running cell's output is in the pipes. What its goroutines
// write from then on is late.
func End() {
	output.Lock()
	defer output.Unlock()
	output.running = nil
}

// CellOf is the cell that the calling goroutine belongs to, the newest one when
// it belongs to none.
func CellOf() string {
	output.RLock()
	defer output.RUnlock()
	if cell, ok := output.cells[goroutineLabel()]; ok {
		return cell
	}
	return output.newest
}

// AfterFunc stands for time.AfterFunc: the function runs as a goroutine of the
// cell, and its panic is reported as any goroutine's.
func AfterFunc(d time.Duration, f func()) *time.Timer {
	label := goroutineLabel()
	return time.AfterFunc(d, func() {
		setGoroutineLabel(label)
		defer incell.Recover()
		f()
	})
}

// Print stands for the predeclared print. The runtime's own writes where no
// hook reaches it, and piece by piece.
func Print(args ...any) { os.Stderr.Write(builtinText(nil, "", args)) }

// Println stands for the predeclared println.
func Println(args ...any) { os.Stderr.Write(append(builtinText(nil, " ", args), '\n')) }
