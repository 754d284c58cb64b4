// Package incell is what the code of every cell is compiled against: interrupt
// checks, guarded goroutines, trapped exits, the value of a trailing expression.
// It imports next to nothing, because what it imports is linked into every cell's
// plugin; what it says is done by package cellrt, which is in the worker only.
// Nothing here is meant to be called by hand.
package incell

import (
	"sync/atomic"
	"unsafe"
)

// Stop is not zero while a cell that was interrupted may still be running.
var Stop atomic.Uint32

// Runtime does what the functions of this package say; cellrt sets it before the
// first cell runs.
var Runtime struct {
	Trip      func()
	Mark      func(n int)
	Show      func(values []any)
	Exit      func(code int)
	Panicked  func(v any) // in a goroutine
	Var       func(id string, pointer any)
	Func      func(id string, f any)
	Type      func(id string, pointer any)
	AddressOf func(id string) unsafe.Pointer
}

// Check is called at the head of loops and of functions that may recur. It
// ends the calling goroutine if its cell was interrupted.
func Check() {
	if Stop.Load() != 0 {
		Runtime.Trip()
	}
}

// Mark records that the cell has completed its declaring statement number n.
func Mark(n int) { Runtime.Mark(n) }

// Show takes the value of a cell's trailing expression.
func Show(values ...any) { Runtime.Show(values) }

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

// Exit stands for os.Exit and syscall.Exit in cells: the cell ends, the worker
// lives.
func Exit(code int) { Runtime.Exit(code) }

// Go runs f in a goroutine whose panic is reported and kills nothing.
func Go(f func()) {
	go func() {
		defer Recover()
		f()
	}()
}

// Recover is deferred at the bottom of every goroutine that a cell starts.
func Recover() {
	if v := recover(); v != nil {
		Runtime.Panicked(v)
	}
}

// Var makes a variable known to simple cells, by its address.
func Var(id string, pointer any) { Runtime.Var(id, pointer) }

// Func makes a function of an imported package known to simple cells.
func Func(id string, f any) { Runtime.Func(id, f) }

// Type makes a type, given as a nil pointer to it, known to simple cells.
func Type(id string, pointer any) { Runtime.Type(id, pointer) }

// Lookup finds a variable that a simple cell has declared.
//
// It is no type assertion: reflection's pointer type need not be the cell's.
func Lookup[T any](id string) *T { return (*T)(Runtime.AddressOf(id)) }
