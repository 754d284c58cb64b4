package kernel

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"

	"govle/kernel/client"
	"govle/kernel/internal/zmtp"
	"govle/kernel/wire"
)

// dealer connects to a channel as a front end would and returns a function that
// sends frames and one that tells whether anything comes back soon.
func (tk *testKernel) dealer(t *testing.T, ch wire.Channel) (send func(...string), answered func() bool) {
	t.Helper()
	got := make(chan struct{}, 100)
	c, err := zmtp.Dial(t.Context(), tk.conn.Endpoint(ch), zmq4.Dealer, []byte("bad"), func([][]byte) { got <- struct{}{} }, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	send = func(parts ...string) {
		var frames [][]byte
		for _, p := range parts {
			frames = append(frames, []byte(p))
		}
		if err := c.Send(frames); err != nil {
			t.Error(err)
		}
	}
	return send, func() bool {
		select {
		case <-got:
			return true
		case <-time.After(50 * time.Millisecond):
			return false
		}
	}
}

// sign returns the frames of a message as strings, signed with a key.
func sign(t *testing.T, key string, m *wire.Message) []string {
	t.Helper()
	codec, err := wire.NewCodec("hmac-sha256", key)
	if err != nil {
		t.Fatal(err)
	}
	frames, err := codec.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	parts := make([]string, len(frames))
	for i, f := range frames {
		parts[i] = string(f)
	}
	return parts
}

// TestBadMessages checks that messages that are damaged, forged or repeated are
// ignored on every channel and that the kernel goes on.
func TestBadMessages(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	info := func() *wire.Message {
		return &wire.Message{Header: wire.NewHeader("kernel_info_request", "s", "u")}
	}
	good := sign(t, "secret", info())
	for _, tt := range []struct {
		name   string
		frames []string
	}{
		{"one empty frame", []string{""}},
		{"no delimiter", []string{"a", "b", "c"}},
		{"nothing after the delimiter", []string{"<IDS|MSG>"}},
		{"too few frames", good[:4]},
		{"wrong key", sign(t, "guess", info())},
		{"empty signature", append([]string{good[0], ""}, good[2:]...)},
		{"signature that is no hex", append([]string{good[0], strings.Repeat("z", 64)}, good[2:]...)},
		{"altered content", append(append([]string{}, good[:5]...), `{"x":1}`)},
		{"content is a list", sign(t, "secret", &wire.Message{Header: info().Header, Content: []byte(`[1]`)})},
		{"content is no JSON", sign(t, "secret", &wire.Message{Header: info().Header, Content: []byte(`{`)})},
		{"no message type", sign(t, "secret", &wire.Message{})},
		{"many frames", strings.Split(strings.Repeat("x ", 5000), " ")},
	} {
		for _, ch := range []wire.Channel{wire.Shell, wire.Control, wire.Stdin} {
			t.Run(fmt.Sprint(tt.name, " on ", ch), func(t *testing.T) {
				send, answered := tk.dealer(t, ch)
				send(tt.frames...)
				if answered() {
					t.Error("it was answered")
				}
			})
		}
	}
	t.Run("replay", func(t *testing.T) {
		send, answered := tk.dealer(t, wire.Shell)
		send(good...)
		if !answered() {
			t.Error("the original was not answered")
		}
		send(good...)
		if answered() {
			t.Error("the replay was answered")
		}
		again, answered := tk.dealer(t, wire.Control)
		again(good...)
		if answered() {
			t.Error("the replay on another channel was answered")
		}
	})
	if got := run(t, c, "value 1", client.ExecuteOptions{}).reply.Status; got != "ok" {
		t.Errorf("afterwards a cell has status %q", got)
	}
	if log := tk.logs.String(); !strings.Contains(log, "wrong message signature") || !strings.Contains(log, "received before") {
		t.Errorf("the log does not tell: %s", log)
	}
}

// TestBadPeers checks peers that break the transport protocol.
func TestBadPeers(t *testing.T) {
	tk := startKernel(t)
	greeting := append([]byte{0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0}, "NULL"...)
	greeting = append(greeting, make([]byte, 64-len(greeting))...)
	ready := "\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
	ready = "\x04" + string(rune(len(ready))) + ready
	huge := binary.BigEndian.AppendUint64([]byte{2}, 1<<62)
	for name, data := range map[string]string{
		"says nothing":         "",
		"HTTP":                 "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"half a greeting":      string(greeting[:20]),
		"huge READY":           string(greeting) + "\x06" + string(huge[1:]),
		"READY cut short":      string(greeting) + "\x04\x07\x05READY\x0b",
		"READY with bad sizes": string(greeting) + "\x04\x0e\x05READY\xffSocket-",
		"unknown socket type":  string(greeting) + "\x04\x1b\x05READY\x0bSocket-Type\x00\x00\x00\x05HELLO",
		"huge frame":           string(greeting) + ready + string(huge),
		"endless message":      string(greeting) + ready + strings.Repeat("\x01\x00", 100_000),
		"announces a gigabyte": string(greeting) + ready + "\x02\x00\x00\x00\x00\x3f\xff\xff\xff" + "few bytes",
		"empty command":        string(greeting) + ready + "\x04\x00",
		"bad command":          string(greeting) + ready + "\x04\x02\xffX",
		"command in a message": string(greeting) + ready + "\x01\x00\x04\x00",
	} {
		t.Run(name, func(t *testing.T) {
			for _, ch := range wire.Channels {
				_, path, _ := strings.Cut(tk.conn.Endpoint(ch), "://")
				c, err := net.Dial("unix", path)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				c.Write([]byte(data)) // it may be cut off meanwhile
				if name == "says nothing" {
					continue
				}
				c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
				io.Copy(io.Discard, c)
			}
			if got := run(t, tk.connect(t), "value 1", client.ExecuteOptions{}).reply.Status; got != "ok" {
				t.Errorf("afterwards a cell has status %q", got)
			}
		})
	}
}

// TestStuckSubscriber checks that a front end that reads nothing delays neither
// the cell nor another front end, and that it is told what it missed.
func TestStuckSubscriber(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	tk.iopub.ahead = 1 << 20
	const kib = 8 << 10 // more than that and what the connection buffers
	start := time.Now()
	run(t, c, fmt.Sprint("flood ", kib), client.ExecuteOptions{})
	alone := time.Since(start)
	_, path, _ := strings.Cut(tk.conn.Endpoint(wire.IOPub), "://")
	stuck, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	conn, err := zmq4.Open(stuck, null.Security(), zmq4.Sub, nil, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SendMsg(zmq4.NewMsg([]byte{1})); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both are subscribed", func() bool {
		tk.iopub.mu.Lock()
		defer tk.iopub.mu.Unlock()
		return len(tk.iopub.subscribers) == 2
	})
	start = time.Now()
	got := run(t, c, fmt.Sprint("flood ", kib), client.ExecuteOptions{})
	if len(got.text["stdout"]) != kib<<10 {
		t.Errorf("the other front end got %d bytes of %d", len(got.text["stdout"]), kib<<10)
	}
	if d := time.Since(start); d > 2*alone+stallLimit+2*time.Second {
		t.Errorf("the cell took %v, without the stuck front end %v", d, alone)
	}
	start = time.Now()
	run(t, c, "print x", client.ExecuteOptions{})
	if d := time.Since(start); d > time.Second {
		t.Errorf("the next cell took %v", d)
	}
	// Now it reads: the note comes with the next message once it has caught up.
	notes := make(chan string, 1)
	go func() {
		for {
			m, err := conn.RecvMsg()
			if err != nil {
				return
			}
			if text := string(m.Bytes()); strings.Contains(text, "bytes of output were dropped") {
				notes <- text
				return
			}
		}
	}()
	for deadline := time.Now().Add(10 * time.Second); ; {
		run(t, c, "print x", client.ExecuteOptions{})
		select {
		case <-notes:
			return
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("the front end was not told that output was dropped")
		}
	}
}

// TestSlowSubscriber checks that what a cell shows, like what it prints, does not
// pile up for a front end that reads slowly, and arrives whole.
func TestSlowSubscriber(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	tk.iopub.ahead = 1 << 20
	const shown, size = 200, 64 << 10
	got := make(chan struct{}, shown)
	slow, err := zmtp.Dial(t.Context(), tk.conn.Endpoint(wire.IOPub), zmq4.Sub, nil, func(frames [][]byte) {
		if len(frames[len(frames)-1]) > size {
			got <- struct{}{}
			time.Sleep(2 * time.Millisecond)
		}
	}, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	slow.Send([][]byte{{1}})
	eventually(t, "both are subscribed", func() bool {
		tk.iopub.mu.Lock()
		defer tk.iopub.mu.Unlock()
		return len(tk.iopub.subscribers) == 2
	})
	most, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		run(t, c, fmt.Sprint("gallery ", shown), client.ExecuteOptions{})
	}()
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		case <-time.After(5 * time.Millisecond):
		}
		tk.iopub.mu.Lock()
		for peer := range tk.iopub.subscribers {
			most = max(most, peer.Pending())
		}
		tk.iopub.mu.Unlock()
	}
	if limit := tk.iopub.ahead + 4*size; most > limit {
		t.Errorf("%d bytes waited for the slow front end; the limit is %d", most, limit)
	}
	for i := range shown {
		select {
		case <-got:
		case <-time.After(5 * time.Second):
			t.Fatalf("only %d of %d messages came", i, shown)
		}
	}
}

// TestRequestBeforeSubscription checks that a front end that subscribes only after
// its request was answered still gets the idle status.
func TestRequestBeforeSubscription(t *testing.T) {
	for _, other := range []bool{false, true} {
		t.Run(fmt.Sprint("another front end ", other), func(t *testing.T) {
			tk := startKernel(t)
			if other {
				tk.connect(t)
			}
			send, answered := tk.dealer(t, wire.Shell)
			m := &wire.Message{Header: wire.NewHeader("kernel_info_request", "s", "u")}
			send(sign(t, "secret", m)...)
			if !answered() {
				t.Fatal("no reply")
			}
			states := ""
			for iopub := tk.listenIOPub(t); !strings.Contains(states, "idle"); {
				select {
				case got := <-iopub:
					if got.Parent.MsgID == m.Header.MsgID {
						states += string(got.Content)
					}
				case <-time.After(2 * time.Second):
					t.Fatalf("idle was lost; got %q", states)
				}
			}
		})
	}
}

// TestKeep checks the bounds of what is kept for a front end to come, by number and
// by size.
func TestKeep(t *testing.T) {
	for _, tt := range []struct{ messages, size, want int }{
		{5, 10, 5}, {30, 10, 20}, {30, keepBytes / 10, 10}, {3, keepBytes + 1, 0},
	} {
		var list []published
		frame := make([]byte, tt.size)
		for i := range tt.messages {
			list = keep(list, published{frames: [][]byte{frame}, keep: time.Duration(i)}, 20)
		}
		if len(list) != tt.want || tt.want > 0 && list[len(list)-1].keep != time.Duration(tt.messages-1) {
			t.Errorf("of %d messages of %d bytes %d are kept, want the last %d", tt.messages, tt.size, len(list), tt.want)
		}
	}
}

// TestHeartbeat checks the echo, also while a cell runs.
func TestHeartbeat(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	tk.runAlong(t, c, "block")
	echo := make(chan [][]byte, 1)
	hb, err := zmtp.Dial(t.Context(), tk.conn.Endpoint(wire.Heartbeat), zmq4.Req, nil, func(f [][]byte) { echo <- f }, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	defer hb.Close()
	hb.Send([][]byte{{}, []byte("ping")})
	select {
	case f := <-echo:
		if len(f) != 2 || string(f[1]) != "ping" {
			t.Errorf("echo %q", f)
		}
	case <-time.After(2 * time.Second):
		t.Error("no echo")
	}
}

// TestManyCells checks 200 cells sent at once.
func TestManyCells(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	results := make(chan string, 200)
	for i := range cap(results) {
		go func() {
			results <- run(t, c, fmt.Sprint("print ", i), client.ExecuteOptions{}).text["stdout"]
		}()
	}
	seen := map[string]bool{}
	for range cap(results) {
		seen[<-results] = true
	}
	if len(seen) != cap(results) {
		t.Errorf("%d different outputs of %d cells", len(seen), cap(results))
	}
}
