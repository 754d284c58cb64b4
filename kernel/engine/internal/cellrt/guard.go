package cellrt

import (
	"fmt"
	"log"
	"os"
	"runtime"
	"strings"

	"govle/kernel/engine/internal/link"
)

// exitCall is a trapped os.Exit.
type exitCall struct {
	what   string
	frames []link.Where
}

func exitWith(code int) { exit(fmt.Sprintf("os.Exit(%d)", code)) }

func exit(what string) {
	r := current.Load()
	if r != nil && r.mine() {
		r.exit.CompareAndSwap(nil, &exitCall{what, stack(3)})
		if goid() != r.goid {
			stopRun(r) // the cell's own goroutine must end, too
		}
	} else {
		fmt.Fprintf(os.Stderr, "%s was called by a goroutine of an earlier cell: only the goroutine ends\n", what)
	}
	runtime.Goexit()
}

// LogWriter is the standard logger's output in a worker. log.Fatal writes
// before it exits the process, so this is where it can be stopped, also when
// a library calls it.
type LogWriter struct{}

// Write writes to os.Stderr; called by log.Fatal, it ends the cell.
func (LogWriter) Write(p []byte) (int, error) {
	n, err := os.Stderr.Write(p)
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "log.Fatal") || strings.HasPrefix(f.Function, "log.(*Logger).Fatal") {
			exit(strings.TrimSuffix(strings.TrimPrefix(f.Function, "log."), "(...)") + ": " + strings.TrimSpace(string(p)))
		}
		if !more {
			return n, err
		}
	}
}

// TrapLog makes the standard logger use LogWriter.
func TrapLog() { log.SetOutput(LogWriter{}) }

// panicked reports the panic of a goroutine.
func panicked(v any) {
	failure := &link.Failure{Kind: "panic", Message: message(v), Frames: stack(3)}
	if OnGoroutinePanic != nil {
		OnGoroutinePanic(failure)
	}
}

// OnGoroutinePanic receives the panics of goroutines; the worker sets it.
var OnGoroutinePanic func(*link.Failure)

// message words a recovered value as the runtime does.
func message(v any) string {
	switch v := v.(type) {
	case runtime.Error:
		return v.Error()
	case error:
		return safely(v.Error)
	case fmt.Stringer:
		return safely(v.String)
	case string:
		return v
	}
	return fmt.Sprintf("%T(%#v)", v, v)
}

// safely calls a user's method, which may panic itself.
func safely(f func() string) (s string) {
	defer func() {
		if v := recover(); v != nil {
			s = fmt.Sprintf("a panic while printing the panic's value: %v", v)
		}
	}()
	return f()
}

// maxFrames bounds a reported stack.
const maxFrames = 64

// stack lists the frames of the calling goroutine, innermost first, without
// the first skip and without the runtime's own.
func stack(skip int) []link.Where {
	var pcs [256]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(skip, pcs[:])])
	var out []link.Where
	for len(out) < maxFrames {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") && !strings.HasPrefix(f.Function, "govle/kernel/engine/internal/") {
			out = append(out, link.Where{Func: f.Function, File: f.File, Line: f.Line})
		}
		if !more {
			break
		}
	}
	return out
}
