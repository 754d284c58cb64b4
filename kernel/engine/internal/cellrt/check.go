// Package cellrt is the small part of the engine that runs beside the cells in the
// worker. It does what package incell says to them, evaluates simple cells, and has
// what few cells need: their context, the standard input, timing.
// Nothing here is meant to be called by hand.
package cellrt

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"govle/kernel/engine/internal/incell"
)

func init() {
	r := &incell.Runtime
	r.Trip, r.Mark, r.Show, r.Exit, r.Panicked = trip, mark, show, exitWith, panicked
	r.Var, r.Func, r.Type, r.AddressOf = registerVar, registerFunc, registerType, addressOf
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

// trip is the slow part of incell.Check.
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
	incell.Stop.Store(1)
	r.cancel()
	// Goroutines of the cell that loop end within microseconds. Later the
	// checks must be cheap again for everybody else.
	time.AfterFunc(2*time.Second, func() {
		if c := current.Load(); c == r || c == nil || !c.stopping.Load() {
			incell.Stop.Store(0)
		}
	})
}

func mark(n int) {
	if r := current.Load(); r != nil && r.mine() {
		r.mu.Lock()
		r.mark = n
		r.mu.Unlock()
	}
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
