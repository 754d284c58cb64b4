package zmtp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
)

// maxConns bounds the connections of one listener.
const maxConns = 1024

// Handler receives what happens on a listener's connections. Every connection
// calls from its own goroutine; a handler that blocks delays only that peer.
type Handler struct {
	// Open is called before the first message; nil is allowed.
	Open func(*Conn)
	// Message is called for each message, in order. On an XPUB listener the
	// messages are subscriptions: 1 (or 0 to cancel), then the topic.
	Message func(*Conn, [][]byte)
	// Close is called once, after the last message; nil is allowed.
	Close func(*Conn)
}

// Listener accepts the connections of one bound socket.
type Listener struct {
	typ     zmq4.SocketType
	handler Handler
	net     net.Listener

	mu     sync.Mutex
	conns  map[*Conn]struct{}
	raw    map[net.Conn]struct{} // in their handshake
	closed bool
	wg     sync.WaitGroup
}

// Listen binds the endpoint ("tcp://127.0.0.1:5555", "ipc:///tmp/x-1") as a socket
// of the given type. An ipc socket is readable by its owner only.
func Listen(endpoint string, typ zmq4.SocketType, handler Handler) (*Listener, error) {
	network, addr, err := split(endpoint)
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		removeStale(addr)
	}
	nl, err := net.Listen(network, addr)
	if err != nil {
		return nil, fmt.Errorf("binding %s socket to %s: %w", typ, endpoint, err)
	}
	if network == "unix" {
		if err := os.Chmod(addr, 0o600); err != nil {
			nl.Close()
			return nil, fmt.Errorf("binding %s socket to %s: %w", typ, endpoint, err)
		}
	}
	l := &Listener{typ: typ, handler: handler, net: nl, conns: make(map[*Conn]struct{}), raw: make(map[net.Conn]struct{})}
	l.wg.Add(1)
	go l.accept()
	return l, nil
}

// Addr is the bound address.
func (l *Listener) Addr() net.Addr { return l.net.Addr() }

// removeStale removes a socket file that nobody listens on any more.
func removeStale(path string) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return
	}
	os.Remove(path)
}

// split returns the network and address of a ZeroMQ endpoint.
func split(endpoint string) (network, addr string, err error) {
	scheme, addr, ok := strings.Cut(endpoint, "://")
	switch {
	case ok && scheme == "tcp":
		if rest, any := strings.CutPrefix(addr, "*:"); any {
			addr = ":" + rest
		}
		return "tcp", addr, nil
	case ok && scheme == "ipc":
		return "unix", addr, nil
	}
	return "", "", fmt.Errorf("endpoint %q is neither tcp:// nor ipc://", endpoint)
}

func (l *Listener) accept() {
	defer l.wg.Done()
	for {
		raw, err := l.net.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors, most likely: wait for some
			time.Sleep(50 * time.Millisecond)
			continue
		}
		l.mu.Lock()
		if l.closed || len(l.conns)+len(l.raw) >= maxConns {
			l.mu.Unlock()
			raw.Close()
			continue
		}
		l.raw[raw] = struct{}{}
		l.wg.Add(1)
		l.mu.Unlock()
		go l.serve(raw)
	}
}

func (l *Listener) serve(raw net.Conn) {
	defer l.wg.Done()
	c, err := handshake(raw, l.typ, nil, true)
	l.mu.Lock()
	delete(l.raw, raw)
	if err != nil || l.closed {
		l.mu.Unlock()
		raw.Close()
		return
	}
	l.conns[c] = struct{}{}
	l.mu.Unlock()

	go c.writeLoop()
	if l.handler.Open != nil {
		l.handler.Open(c)
	}
	c.readLoop(l.handler.Message)
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
	if l.handler.Close != nil {
		l.handler.Close(c)
	}
}

// Close stops listening, gives queued messages up to linger to be written, closes
// every connection and waits for the handlers to return.
func (l *Listener) Close(linger time.Duration) {
	l.net.Close()
	l.mu.Lock()
	l.closed = true
	var conns []*Conn
	for c := range l.conns {
		conns = append(conns, c)
	}
	for raw := range l.raw {
		raw.Close()
	}
	l.mu.Unlock()
	var drained sync.WaitGroup
	for _, c := range conns {
		drained.Go(func() { c.Drain(linger) })
	}
	drained.Wait()
	l.wg.Wait()
}

// Dial connects to an endpoint as a socket of the given type and passes what
// arrives to message, from one goroutine; closed is called at the end. It tries
// again until ctx is done, since a kernel may not have bound its sockets yet.
func Dial(ctx context.Context, endpoint string, typ zmq4.SocketType, identity []byte, message func([][]byte), closed func(error)) (*Conn, error) {
	network, addr, err := split(endpoint)
	if err != nil {
		return nil, err
	}
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		c, err := dialOnce(ctx, network, addr, typ, identity)
		if err == nil {
			go c.writeLoop()
			go func() {
				closed(c.readLoop(func(_ *Conn, frames [][]byte) { message(frames) }))
			}()
			return c, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connecting to %s: %w", endpoint, errors.Join(ctx.Err(), err))
		case <-time.After(pause):
		}
	}
}

func dialOnce(ctx context.Context, network, addr string, typ zmq4.SocketType, identity []byte) (*Conn, error) {
	var d net.Dialer
	raw, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return handshake(raw, typ, identity, false)
}
