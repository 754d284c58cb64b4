package engine

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"govle/kernel/engine/internal/link"
)

// worker is the process that runs cells, seen from the front.
type worker struct {
	cmd    *exec.Cmd
	conn   *link.Conn
	socket *os.File
	sink   Sink
	out    [2]*stream // standard output and standard error

	late map[lateStream][]byte // beginnings of characters, see lateText

	mu   sync.Mutex
	cell string // whose the output in the pipes is
	// done receives how the running cell ended; nil between cells.
	done chan *link.Done
	// panicked words the panic of a goroutine.
	panicked func(*link.Failure) string

	ready chan struct{}
	dead  chan struct{} // closed when the process has ended and all is read
	death string        // what happened, once dead is closed
	fell  []link.Where  // the frames that the runtime named then
	why   string        // set before the engine itself ends the process
}

// stream is one of the worker's output pipes.
type stream struct {
	name string
	file *os.File
	fd   int
	rest []byte // the beginning of a character whose end has not come yet
	// held is what may be the runtime's last words: it is shown only when the
	// process goes on to live.
	held      []byte
	heldSince time.Time
}

// startWorker starts the process.
func startWorker(host, dir string, env, args []string, limit int64, sink Sink, panicked func(*link.Failure) string) (*worker, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("starting the worker: %w", err)
	}
	unix.CloseOnExec(pair[0])
	unix.CloseOnExec(pair[1])
	ours, theirs := os.NewFile(uintptr(pair[0]), "worker"), os.NewFile(uintptr(pair[1]), "front")
	defer theirs.Close()
	w := &worker{socket: ours, conn: link.NewConn(ours), sink: sink, panicked: panicked, late: map[lateStream][]byte{}, ready: make(chan struct{}), dead: make(chan struct{})}
	w.cmd = exec.Command(host, args...)
	w.cmd.Dir = dir
	w.cmd.Env = append(append(os.Environ(), "GOTRACEBACK=single"), env...)
	if limit > 0 {
		// The collector tries harder before the limit is met.
		w.cmd.Env = append(w.cmd.Env, fmt.Sprintf("GOMEMLIMIT=%d", limit/10*9))
	}
	w.cmd.ExtraFiles = []*os.File{theirs}
	w.cmd.SysProcAttr = workerAttributes()
	var ends []*os.File
	for i, name := range []string{"stdout", "stderr"} {
		r, wr, err := os.Pipe()
		if err != nil {
			ours.Close()
			return nil, fmt.Errorf("starting the worker: %w", err)
		}
		ends = append(ends, wr)
		fd := int(r.Fd()) // from here on the file is ours to read without the runtime's poller
		if err := unix.SetNonblock(fd, true); err != nil {
			ours.Close()
			return nil, fmt.Errorf("starting the worker: %w", err)
		}
		w.out[i] = &stream{name: name, file: r, fd: fd}
	}
	w.cmd.Stdout, w.cmd.Stderr = ends[0], ends[1]
	err = w.cmd.Start()
	for _, f := range ends {
		f.Close()
	}
	if err != nil {
		ours.Close()
		return nil, fmt.Errorf("starting the worker: %w", err)
	}
	go w.listen()
	if limit > 0 {
		go w.watchMemory(limit)
	}
	return w, nil
}

// listen is the one goroutine that reads what the worker says. Before a message
// is handled, everything that was printed earlier is delivered.
func (w *worker) listen() {
	sock := int(w.socket.Fd())
	for {
		fds := []unix.PollFd{{Fd: int32(sock), Events: unix.POLLIN}}
		for _, s := range w.out {
			if s.fd >= 0 {
				fds = append(fds, unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN})
			}
		}
		timeout := -1
		if w.out[1].held != nil {
			timeout = 50
		}
		if _, err := unix.Poll(fds, timeout); err != nil && err != unix.EINTR {
			break
		}
		if fds[0].Revents != 0 {
			w.drain()
			f, err := w.conn.Receive()
			if err != nil {
				break
			}
			w.handle(f)
			continue
		}
		for _, p := range fds[1:] {
			for _, s := range w.out {
				if p.Revents != 0 && int(p.Fd) == s.fd {
					w.read(s)
				}
			}
		}
		if s := w.out[1]; s.held != nil && time.Since(s.heldSince) > patience(s.held) {
			w.release(s)
		}
	}
	w.drain()
	w.bury()
}

// pipeSize is more than a pipe holds: reading that much empties it of what was
// there when the reading began.
const pipeSize = 1 << 17

// drain delivers what is in the pipes now.
func (w *worker) drain() {
	for _, s := range w.out {
		for n := 0; n < pipeSize && s.fd >= 0; {
			k := w.read(s)
			if k <= 0 {
				break
			}
			n += k
		}
	}
}

// read takes one piece of output; it returns 0 when there is none now.
func (w *worker) read(s *stream) int {
	var buf [1 << 15]byte
	n, err := unix.Read(s.fd, buf[:])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return 0
	case n <= 0:
		s.fd = -1
		s.file.Close()
		return 0
	}
	data := append(s.rest, buf[:n]...)
	s.rest = nil
	if tail := partialRune(data); tail > 0 {
		s.rest = bytes.Clone(data[len(data)-tail:])
		data = data[:len(data)-tail]
	}
	if s.name == "stderr" {
		if s.held != nil {
			s.held = append(s.held, data...)
			return n
		}
		if i := lastWords(data); i >= 0 {
			s.held, s.heldSince = bytes.Clone(data[i:]), time.Now()
			data = data[:i]
		}
	}
	w.deliver(s, data)
	return n
}

func (w *worker) deliver(s *stream, data []byte) {
	if len(data) > 0 {
		w.sink.Stream(w.current(), s.name, strings.ToValidUTF8(string(data), "�"))
	}
}

// partialRune is the length of an unfinished character at the end of b.
func partialRune(b []byte) int {
	for i := 1; i <= min(utf8.UTFMax-1, len(b)); i++ {
		c := b[len(b)-i]
		if utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:]) {
				return i
			}
			return 0
		}
	}
	return 0
}

func (w *worker) current() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cell
}

// lateStream is a stream of a cell that has ended.
type lateStream struct{ cell, name string }

// lateText delivers what a goroutine of such a cell has written.
func (w *worker) lateText(s lateStream, data []byte) {
	data = append(w.late[s], data...)
	delete(w.late, s)
	if tail := partialRune(data); tail > 0 {
		w.late[s] = bytes.Clone(data[len(data)-tail:])
		data = data[:len(data)-tail]
	}
	if len(data) > 0 {
		w.sink.Stream(s.cell, s.name, strings.ToValidUTF8(string(data), "�"))
	}
}

// handle does what a message from the worker asks for.
func (w *worker) handle(f *link.Frame) {
	switch f.Op {
	case link.OpReady:
		close(w.ready)
	case link.OpLate:
		w.lateText(lateStream{f.Cell, f.Text}, f.Data)
	case link.OpPublish:
		if m := f.Message; m != nil {
			defer w.conn.Send(&link.Frame{Op: link.OpReply, Seq: f.Seq})
			w.sink.Publish(f.Cell, Message{Kind: m.Kind, Content: m.Content, Metadata: m.Metadata, Buffers: m.Buffers})
		}
		if f.Done != nil && f.Done.Failure != nil {
			w.sink.Stream(f.Cell, "stderr", w.panicked(f.Done.Failure))
		}
	case link.OpInput:
		go func() {
			reply := &link.Frame{Op: link.OpReply, Seq: f.Seq}
			text, err := w.sink.Input(f.Cell, f.Text, f.Secret)
			if err != nil {
				reply.Error = err.Error()
			}
			reply.Text = text
			w.conn.Send(reply) // a dead worker is noticed elsewhere
		}()
	case link.OpDone:
		if s := w.out[1]; s.held != nil {
			w.release(s) // it lives
		}
		w.mu.Lock()
		c := w.done
		w.done = nil
		w.mu.Unlock()
		if c != nil {
			c <- f.Done
		}
	}
}

// execute sends a cell to the worker. The channel gets how it ended.
func (w *worker) execute(f *link.Frame) (<-chan *link.Done, error) {
	done := make(chan *link.Done, 1)
	w.mu.Lock()
	w.cell, w.done = f.Cell, done
	w.mu.Unlock()
	return done, w.conn.Send(f)
}

// watchMemory ends a worker that grows beyond the limit, before the machine's
// own means do it to somebody else.
func (w *worker) watchMemory(limit int64) {
	statm := fmt.Sprintf("/proc/%d/statm", w.cmd.Process.Pid)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-w.dead:
			return
		case <-tick.C:
		}
		b, err := os.ReadFile(statm)
		if err != nil {
			return // it has ended, or this system has no such file
		}
		var size, resident, shared int64
		if _, err := fmt.Sscan(string(b), &size, &resident, &shared); err != nil {
			return
		}
		if used := (resident - shared) * int64(os.Getpagesize()); used > limit {
			w.kill(fmt.Sprintf("it was ended because it used more than the limit of %d MiB of memory", limit>>20))
			return
		}
	}
}

// kill ends the process; why is what its death is called.
func (w *worker) kill(why string) {
	w.mu.Lock()
	w.why = why
	w.mu.Unlock()
	w.cmd.Process.Kill()
	<-w.dead
}
