package zmtp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

// echoServer echoes every message on a socket of a type, over tcp or ipc.
func echoServer(t testing.TB, transport string, typ zmq4.SocketType) (endpoint string) {
	t.Helper()
	endpoint = "tcp://127.0.0.1:0"
	if transport == "ipc" {
		endpoint = "ipc://" + filepath.Join(t.TempDir(), "s")
	}
	l, err := Listen(endpoint, typ, Handler{Message: func(c *Conn, f [][]byte) { c.Send(f) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(time.Second) })
	if transport == "tcp" {
		endpoint = "tcp://" + l.Addr().String()
	}
	return endpoint
}

// TestEcho sends messages of many shapes through our two ends, and through zmq4's
// own sockets as the other end.
func TestEcho(t *testing.T) {
	shapes := map[string][][]byte{
		"one":    {[]byte("x")},
		"empty":  {{}},
		"frames": {{}, []byte("a"), {}, bytes.Repeat([]byte("b"), 255), bytes.Repeat([]byte("c"), 256)},
		"large":  {bytes.Repeat([]byte("0123456789abcdef"), 1<<18), []byte("end")},
	}
	for _, transport := range []string{"tcp", "ipc"} {
		endpoint := echoServer(t, transport, zmq4.Router)
		got := make(chan [][]byte, 10)
		c, err := Dial(t.Context(), endpoint, zmq4.Dealer, []byte("me"), func(f [][]byte) { got <- f }, func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		other := zmq4.NewDealer(t.Context())
		if err := other.Dial(endpoint); err != nil {
			t.Fatal(err)
		}
		for name, frames := range shapes {
			t.Run(transport+" "+name, func(t *testing.T) {
				if err := c.Send(frames); err != nil {
					t.Fatal(err)
				}
				select {
				case f := <-got:
					if !equal(f, frames) {
						t.Errorf("came back as %d frames", len(f))
					}
				case <-time.After(5 * time.Second):
					t.Fatal("nothing came back")
				}
				if err := other.SendMulti(zmq4.NewMsgFrom(frames...)); err != nil {
					t.Fatal(err)
				}
				if m, err := other.Recv(); err != nil || !equal(m.Frames, frames) {
					t.Errorf("zmq4's socket got %d frames, %v", len(m.Frames), err)
				}
			})
		}
		c.Close()
		if err := c.Send(shapes["one"]); !errors.Is(err, ErrClosed) {
			t.Errorf("sending after Close: %v", err)
		}
	}
}

func equal(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// TestDrain checks that queued messages are written before the end.
func TestDrain(t *testing.T) {
	ready := make(chan *Conn, 1)
	l, err := Listen("tcp://127.0.0.1:0", zmq4.Router, Handler{Open: func(c *Conn) { ready <- c }, Message: func(*Conn, [][]byte) {}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	closed := make(chan struct{})
	if _, err := Dial(t.Context(), "tcp://"+l.Addr().String(), zmq4.Dealer, nil, func([][]byte) { n++ }, func(error) { close(closed) }); err != nil {
		t.Fatal(err)
	}
	c := <-ready
	for range 1000 {
		if err := c.Send([][]byte{make([]byte, 1000)}); err != nil {
			t.Fatal(err)
		}
	}
	l.Close(5 * time.Second)
	<-closed
	if n != 1000 {
		t.Errorf("%d of 1000 messages came", n)
	}
}

// TestStuckPeer checks that Send never blocks, that WaitBelow tells, and that a
// peer too far behind is disconnected.
func TestStuckPeer(t *testing.T) {
	ready := make(chan *Conn, 1)
	l, err := Listen("tcp://127.0.0.1:0", zmq4.Router, Handler{Open: func(c *Conn) { ready <- c }, Message: func(*Conn, [][]byte) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(0)
	block := make(chan struct{})
	peer, err := Dial(t.Context(), "tcp://"+l.Addr().String(), zmq4.Dealer, nil, func([][]byte) { <-block }, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	defer close(block)
	c := <-ready
	body := make([]byte, 16<<20)
	start := time.Now()
	for err = nil; err == nil && time.Since(start) < 10*time.Second; {
		err = c.Send([][]byte{body})
		if err == nil && c.Pending() > 64<<20 && c.WaitBelow(1<<20, time.Millisecond) {
			t.Error("WaitBelow says that a stuck peer read")
		}
	}
	if !errors.Is(err, ErrStuck) {
		t.Errorf("sending on and on ended with %v, want ErrStuck", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("Send blocked: it took %v", d)
	}
}

// TestDialCanceled checks that Dial gives up with its context.
func TestDialCanceled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Dial(ctx, "ipc:///nonexistent/socket", zmq4.Dealer, nil, nil, nil)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "/nonexistent/socket") {
		t.Errorf("error %v", err)
	}
	if _, err := Dial(t.Context(), "udp://x", zmq4.Dealer, nil, nil, nil); err == nil {
		t.Error("udp is accepted")
	}
}

// TestPing checks that a ZMTP heartbeat is answered with its context.
func TestPing(t *testing.T) {
	endpoint := echoServer(t, "tcp", zmq4.Router)
	raw, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := handshake(raw, zmq4.Dealer, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(raw, "\x04\x0a\x04PING\x00\x10ctx")
	frames, command, err := readMessage(c.in)
	if err != nil || !command || string(frames[0]) != "\x04PONGctx" {
		t.Errorf("answer %q, command %v, %v", frames, command, err)
	}
}

// FuzzReadMessage feeds arbitrary bytes to the frame reader: what it accepts must
// be there in the bytes.
func FuzzReadMessage(f *testing.F) {
	f.Add([]byte("\x01\x01a\x00\x00"))
	f.Add([]byte("\x04\x05\x04PING"))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00\x02ab"))
	f.Add([]byte("\x02\x7f\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		frames, _, err := readMessage(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		total := 0
		for _, b := range frames {
			total += len(b) + 2
		}
		if total > len(data) {
			t.Errorf("%d bytes of frames from %d bytes", total, len(data))
		}
	})
}

// FuzzHandshake feeds arbitrary bytes to the handshake.
func FuzzHandshake(f *testing.F) {
	greeting := "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL" + strings.Repeat("\x00", 48)
	f.Add([]byte(greeting + "\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"))
	f.Add([]byte(greeting + "\x06\x7f\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte(greeting + "\x04\x07\x05READY\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := handshake(&fixed{in: bytes.NewReader(data)}, zmq4.Router, nil, true); err == nil && len(c.Identity()) > len(data) {
			t.Error("the identity is longer than what was sent")
		}
	})
}

// fixed is a connection whose peer sends fixed bytes and reads everything.
type fixed struct {
	net.Conn
	in *bytes.Reader
}

func (f *fixed) Read(p []byte) (int, error)    { return f.in.Read(p) }
func (f *fixed) Write(p []byte) (int, error)   { return len(p), nil }
func (f *fixed) Close() error                  { return nil }
func (f *fixed) SetDeadline(t time.Time) error { return nil }
