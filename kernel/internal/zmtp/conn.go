// Package zmtp is the socket layer under the kernel and its client: single
// ZeroMQ connections, each with a reader and a writer of its own.
//
// The handshake is zmq4's. Its sockets are not used, because one peer can stall
// them for all: sends are synchronous, a handshake that is never finished blocks
// the accept loop, XPUB does not deliver subscriptions, and the size of a frame
// is trusted before it is read. Here every connection has its own bounded queue,
// handshakes have a deadline, and memory grows only with bytes that did arrive.
package zmtp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

const (
	// MaxMessage bounds the bytes of one received message.
	MaxMessage = 1 << 30
	// maxFrames bounds the frames of one received message.
	maxFrames = 8192
	// HardLimit is how many bytes may wait for a peer that does not read. A peer
	// further behind is disconnected; ZeroMQ peers connect again by themselves.
	HardLimit = 256 << 20
	// handshakeTimeout bounds the time from connecting to the end of the handshake.
	handshakeTimeout = 10 * time.Second
	// greetingSize is the length of the ZMTP greeting.
	greetingSize = 64
	// maxReady bounds the READY command of the handshake.
	maxReady = 64 << 10
)

// The bits of a ZMTP frame's first byte.
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

// Errors of connections.
var (
	// ErrClosed says that the connection is closed or closing.
	ErrClosed = errors.New("zmtp: connection closed")
	// ErrStuck says that the peer stopped reading and was disconnected.
	ErrStuck = errors.New("zmtp: peer does not read, disconnected")
	errFrame = errors.New("zmtp: bad frame")
)

// Conn is one ZMTP connection after its handshake. Send queues and never blocks.
type Conn struct {
	identity []byte
	raw      net.Conn
	in       *bufio.Reader

	mu      sync.Mutex
	changed *sync.Cond // the queue or the state changed
	queue   []outgoing
	pending int // bytes queued or being written
	closing bool
	err     error // why the connection is closed
}

// outgoing is one message, or one command, that waits to be written.
type outgoing struct {
	frames  [][]byte
	command bool
	size    int
}

// handshake runs zmq4's handshake over raw within the deadline. server says which
// side accepted the connection.
func handshake(raw net.Conn, typ zmq4.SocketType, identity []byte, server bool) (c *Conn, err error) {
	defer func() {
		// zmq4 indexes the peer's metadata unchecked, so bytes from the network
		// can make it panic.
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("zmtp: handshake: %v", r)
		}
		if err != nil {
			raw.Close()
		}
	}()
	if err := raw.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(raw, 64<<10)
	peer, err := zmq4.Open(&guarded{Conn: raw, in: in}, null.Security(), typ, zmq4.SocketIdentity(identity), server, nil)
	if err != nil {
		return nil, err
	}
	if err := raw.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	c = &Conn{identity: []byte(peer.Peer.Meta["Identity"]), raw: raw, in: in}
	c.changed = sync.NewCond(&c.mu)
	return c, nil
}

// guarded refuses a READY command whose announced size zmq4 would allocate
// unchecked, and keeps what was buffered for the reader that follows.
type guarded struct {
	net.Conn
	in   *bufio.Reader
	read int
}

func (g *guarded) Read(p []byte) (int, error) {
	if g.read == greetingSize {
		head, err := g.in.Peek(9)
		if err != nil {
			return 0, err
		}
		if head[0]&flagMore != 0 || head[0]&flagLong != 0 && binary.BigEndian.Uint64(head[1:]) > maxReady {
			return 0, errFrame
		}
	}
	if g.read < greetingSize {
		p = p[:min(len(p), greetingSize-g.read)]
	}
	n, err := g.in.Read(p)
	g.read += n
	return n, err
}

// Identity is the routing identity that the peer gave; it may be empty.
func (c *Conn) Identity() []byte { return c.identity }

// Send queues one message. It returns ErrClosed after Close, and ErrStuck when
// the peer is HardLimit bytes behind, which also closes the connection. The
// frames must not be changed afterwards.
func (c *Conn) Send(frames [][]byte) error { return c.push(frames, false) }

func (c *Conn) push(frames [][]byte, command bool) error {
	size := 0
	for _, f := range frames {
		size += len(f) + 9
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return c.err
	case c.closing:
		return ErrClosed
	case c.pending > 0 && c.pending+size > HardLimit:
		c.closeLocked(ErrStuck)
		return ErrStuck
	}
	c.queue = append(c.queue, outgoing{frames, command, size})
	c.pending += size
	c.changed.Broadcast()
	return nil
}

// Pending is the number of bytes that the peer has not taken yet.
func (c *Conn) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pending
}

// WaitBelow waits until fewer than limit bytes are pending and reports true, or
// false when the time is over or the connection closed.
func (c *Conn) WaitBelow(limit int, timeout time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	deadline := time.Now().Add(timeout)
	wake := time.AfterFunc(timeout, func() {
		c.mu.Lock() // not between the waiter's look at the clock and its sleep
		defer c.mu.Unlock()
		c.changed.Broadcast()
	})
	defer wake.Stop()
	for c.pending >= limit && c.err == nil && time.Now().Before(deadline) {
		c.changed.Wait()
	}
	return c.pending < limit && c.err == nil
}

// Close ends the connection at once; queued messages are lost.
func (c *Conn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked(ErrClosed)
}

func (c *Conn) closeLocked(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	c.queue, c.pending = nil, 0
	c.raw.Close()
	c.changed.Broadcast()
}

// Drain refuses new messages, waits up to timeout for the queued ones to be
// written, and closes the connection.
func (c *Conn) Drain(timeout time.Duration) {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.WaitBelow(1, timeout)
	c.Close()
}

// writeLoop writes what is queued until the connection closes.
func (c *Conn) writeLoop() {
	for {
		c.mu.Lock()
		for len(c.queue) == 0 && c.err == nil {
			c.changed.Wait()
		}
		if c.err != nil {
			c.mu.Unlock()
			return
		}
		// A batch is one system call. It is small enough for Pending to go down
		// steadily while a slow peer reads.
		n, size := 0, 0
		for n < len(c.queue) && (n == 0 || size+c.queue[n].size <= 256<<10) {
			size += c.queue[n].size
			n++
		}
		batch := c.queue[:n:n]
		c.queue = c.queue[n:]
		if len(c.queue) == 0 {
			c.queue = nil // lets the sent messages go
		}
		c.mu.Unlock()

		buffers := encode(batch, size)
		_, err := buffers.WriteTo(c.raw)

		c.mu.Lock()
		if err != nil {
			c.closeLocked(fmt.Errorf("zmtp: writing: %w", err))
		} else if c.err == nil {
			c.pending -= size
			c.changed.Broadcast()
		}
		c.mu.Unlock()
	}
}

// encode returns the batch as ZMTP bytes. Large frames are not copied.
func encode(batch []outgoing, size int) net.Buffers {
	const large = 32 << 10
	var out net.Buffers
	buf := make([]byte, 0, min(size, 4*large))
	for _, m := range batch {
		for i, f := range m.frames {
			var flags byte
			if m.command {
				flags |= flagCommand
			}
			if i < len(m.frames)-1 {
				flags |= flagMore
			}
			if len(f) > 255 {
				buf = binary.BigEndian.AppendUint64(append(buf, flags|flagLong), uint64(len(f)))
			} else {
				buf = append(buf, flags, byte(len(f)))
			}
			if len(f) >= large {
				out = append(out, buf, f)
				buf = nil
			} else {
				buf = append(buf, f...)
			}
		}
	}
	return append(out, buf)
}

// readLoop passes every message to handle until the connection ends, and returns
// why. Frames passed on belong to the handler.
func (c *Conn) readLoop(handle func(*Conn, [][]byte)) error {
	for {
		frames, command, err := readMessage(c.in)
		if err != nil {
			c.mu.Lock()
			c.closeLocked(err)
			err = c.err
			c.mu.Unlock()
			return err
		}
		if command {
			frames = c.command(frames[0])
		}
		if frames != nil {
			handle(c, frames)
		}
	}
}

// command answers a ZMTP command. A subscription is returned as the message that
// it is in ZMTP 3.0: 1 or 0, then the topic.
func (c *Conn) command(body []byte) [][]byte {
	if len(body) == 0 || int(body[0]) > len(body)-1 {
		return nil
	}
	name, data := string(body[1:1+body[0]]), body[1+body[0]:]
	switch name {
	case "PING": // a TTL of two bytes, then what PONG must repeat
		if len(data) >= 2 {
			c.push([][]byte{append([]byte("\x04PONG"), data[2:]...)}, true)
		}
	case "SUBSCRIBE":
		return [][]byte{append([]byte{1}, data...)}
	case "CANCEL":
		return [][]byte{append([]byte{0}, data...)}
	}
	return nil
}

// readMessage reads the frames of one message, or one command.
func readMessage(r *bufio.Reader) (frames [][]byte, command bool, err error) {
	total := uint64(0)
	for {
		flags, err := r.ReadByte()
		if err != nil {
			return nil, false, err
		}
		var size uint64
		if flags&flagLong != 0 {
			var b [8]byte
			if _, err := io.ReadFull(r, b[:]); err != nil {
				return nil, false, err
			}
			size = binary.BigEndian.Uint64(b[:])
		} else {
			b, err := r.ReadByte()
			if err != nil {
				return nil, false, err
			}
			size = uint64(b)
		}
		if size > MaxMessage || total+size > MaxMessage || len(frames) == maxFrames {
			return nil, false, fmt.Errorf("%w: message of more than %d bytes or %d frames", errFrame, MaxMessage, maxFrames)
		}
		if flags&flagCommand != 0 && (flags&flagMore != 0 || len(frames) > 0) {
			return nil, false, fmt.Errorf("%w: command inside a message", errFrame)
		}
		total += size
		body, err := readBody(r, int(size))
		if err != nil {
			return nil, false, err
		}
		frames = append(frames, body)
		if flags&flagMore == 0 {
			return frames, flags&flagCommand != 0, nil
		}
	}
}

// readBody reads size bytes. The buffer doubles as bytes arrive, so that a peer
// cannot make it large by announcing much.
func readBody(r io.Reader, size int) ([]byte, error) {
	body := make([]byte, min(size, 64<<10))
	for at := 0; ; {
		if _, err := io.ReadFull(r, body[at:]); err != nil {
			return nil, err
		}
		at = len(body)
		if at == size {
			return body, nil
		}
		grown := make([]byte, min(size, 2*at))
		copy(grown, body)
		body = grown
	}
}
