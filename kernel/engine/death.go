package engine

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"govle/kernel/engine/internal/link"
)

// When the Go runtime ends the worker it says why on standard error, as its last words.
// They are the reason that the cell is given, not output of the cell.

// lastWords finds where the runtime's message of a fatal error may begin: the
// first line that looks like one.
func lastWords(b []byte) int {
	first := -1
	for _, head := range []string{"fatal error: ", "runtime: ", "panic: ", "SIG", "unexpected fault address", "runtime/cgo: "} {
		if bytes.HasPrefix(b, []byte(head)) {
			return 0
		}
		if i := bytes.Index(b, []byte("\n"+head)); i >= 0 && (first < 0 || i+1 < first) {
			first = i + 1
		}
	}
	return first
}

// patience is how long words that look like the runtime's last are held back.
// After a stack overflow it walks millions of frames before it ends the process.
func patience(held []byte) time.Duration {
	if bytes.Contains(held, []byte("runtime: goroutine stack exceeds ")) {
		return 30 * time.Second
	}
	return 400 * time.Millisecond
}

// bury finds out what the process died of.
func (w *worker) bury() {
	err := w.cmd.Wait()
	w.drain()
	s := w.out[1]
	last := string(s.held)
	for _, s := range w.out {
		if s.fd >= 0 {
			s.fd = -1
			s.file.Close()
		}
	}
	w.socket.Close()
	w.mu.Lock()
	why := w.why
	w.mu.Unlock()
	switch {
	case why != "":
		w.death = why
	default:
		w.death, w.fell = causeOfDeath(err, last), framesIn(last)
	}
	close(w.dead)
}

// causeOfDeath words an exit status and the runtime's last message in one line.
func causeOfDeath(err error, last string) string {
	what := "it exited with status 0"
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		st, ok := exit.Sys().(syscall.WaitStatus)
		switch {
		case ok && st.Signaled() && st.Signal() == syscall.SIGKILL:
			what = "it was killed (SIGKILL; perhaps the machine ran out of memory)"
		case ok && st.Signaled():
			what = fmt.Sprintf("it was ended by signal %d (%v)", int(st.Signal()), st.Signal())
		default:
			what = fmt.Sprintf("it exited with status %d", exit.ExitCode())
		}
	} else if err != nil {
		what = err.Error()
	}
	for line := range strings.Lines(last) {
		line = strings.TrimSpace(line)
		for _, head := range []string{"fatal error: ", "panic: "} {
			if strings.HasPrefix(line, head) {
				return strings.TrimPrefix(line, head)
			}
		}
	}
	for line := range strings.Lines(last) {
		if line = strings.TrimSpace(line); line != "" {
			return what + ": " + line
		}
	}
	return what
}

// framesIn reads the frames of the first goroutine in the runtime's last words,
// innermost first. A frame is a line with the function and its arguments, and
// one that begins with a tab, with file, line and offset.
func framesIn(last string) (frames []link.Where) {
	_, trace, ok := strings.Cut(last, "\ngoroutine ")
	if !ok {
		return nil
	}
	function := ""
	for line := range strings.Lines(trace) {
		line = strings.TrimRight(line, "\r\n")
		at, isPlace := strings.CutPrefix(line, "\t")
		switch {
		case line == "":
			return frames // the next goroutine
		case !isPlace:
			function = line
			if i := strings.LastIndexByte(line, '('); i > 0 {
				function = line[:i]
			}
		default:
			if i := strings.LastIndex(at, " +0x"); i >= 0 {
				at = at[:i]
			}
			i := strings.LastIndexByte(at, ':')
			if n, err := strconv.Atoi(at[i+1:]); err == nil && i > 0 {
				frames = append(frames, link.Where{Func: function, File: at[:i], Line: n})
			}
		}
	}
	return frames
}

// release shows what was held back.
func (w *worker) release(s *stream) {
	data := s.held
	s.held = nil
	w.deliver(s, data)
}
