// Package cellrt is the small part of the engine that the code of cells is
// compiled against and that runs beside it in the worker: interrupt checks,
// guarded goroutines, trapped exits, the value of a trailing expression.
// Nothing here is meant to be called by hand.
package cellrt

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// stop is not zero while a cell that was interrupted may still be running.
var stop atomic.Uint32

// Check is called at the head of loops and of functions that may recur. It
// ends the calling goroutine if its cell was interrupted.
func Check() {
	if stop.Load() != 0 {
		trip()
	}
}

// Ctx is the variable that cells know as ctx: it is cancelled when the cell is
// interrupted.
var Ctx context.Context = context.Background()

// run is one execution of a cell.
type run struct {
	label    unsafe.Pointer
	goid     int64
	stopping atomic.Bool
	exit     atomic.Pointer[exitCall]
	cancel   context.CancelFunc

	mu       sync.Mutex
	value    map[string]any
	metadata map[string]any
	mark     int
	// unwinding holds the goroutines that trip has already sent home: their
	// deferred functions may loop.
	unwinding map[int64]bool
}

// current is the run in progress, or the last one.
var current atomic.Pointer[run]

//go:linkname goroutineLabel runtime/pprof.runtime_getProfLabel
func goroutineLabel() unsafe.Pointer

// mine tells whether the calling goroutine was started by r, directly or not:
// goroutines inherit the label that Begin has set.
func (r *run) mine() bool { return goroutineLabel() == r.label }

// trip is the slow part of Check.
func trip() {
	r := current.Load()
	if r == nil || !r.stopping.Load() || !r.mine() {
		return
	}
	id := goid()
	r.mu.Lock()
	again := r.unwinding[id]
	r.unwinding[id] = true
	r.mu.Unlock()
	if !again {
		// Not a panic: the cell's own recover must not stop the interrupt.
		runtime.Goexit()
	}
}

// stopRun asks every goroutine of r to end at its next check.
func stopRun(r *run) {
	r.stopping.Store(true)
	stop.Store(1)
	r.cancel()
	// Goroutines of the cell that loop end within microseconds. Later the
	// checks must be cheap again for everybody else.
	time.AfterFunc(2*time.Second, func() {
		if c := current.Load(); c == r || c == nil || !c.stopping.Load() {
			stop.Store(0)
		}
	})
}

// Mark records that the cell has completed its declaring statement number n.
func Mark(n int) {
	if r := current.Load(); r != nil && r.mine() {
		r.mu.Lock()
		r.mark = n
		r.mu.Unlock()
	}
}

// Zero sets a variable to the zero value of its type.
func Zero[T any](p *T) {
	var z T
	*p = z
}

// Must returns v, and panics with err when err is not nil. Cells know it as
// must.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// goid is the number of the calling goroutine, read from its stack trace:
// slow, for slow paths only.
func goid() int64 {
	var buf [64]byte
	b := buf[:runtime.Stack(buf[:], false)]
	const prefix = "goroutine "
	var id int64
	for _, c := range b[min(len(prefix), len(b)):] {
		if c < '0' || c > '9' {
			break
		}
		id = id*10 + int64(c-'0')
	}
	return id
}
