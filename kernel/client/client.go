// Package client is the front end's side of the Jupyter protocol: it starts
// kernels and runs code in them.
//
// For most uses, call kernelspec.Find, [Start] and then [Client.Execute] cell by
// cell, and [Client.Shutdown] at the end.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/user"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"

	"govle/kernel/internal/zmtp"
	"govle/kernel/wire"
)

// Client talks to one kernel. Its methods may be called from several goroutines;
// the kernel runs one cell after the other.
type Client struct {
	// Info is the kernel's first kernel_info_reply.
	Info Info

	*link
	subshell string
}

// link is the connection to a kernel.
type link struct {
	codec            *wire.Codec
	session, user    string
	process          *process // nil when the kernel was not started here
	messageInterrupt bool

	shell, control, stdin, iopub *zmtp.Conn

	mu      sync.Mutex
	waiting map[string]*pending // by msg_id
	err     error               // why the kernel is lost
	gone    chan struct{}       // closed when err is set
	subbed  chan struct{}       // closed by the first message on iopub
	onceSub sync.Once

	// lateMu keeps the messages that nobody waits for in their order; it is taken
	// before mu and held while late runs.
	lateMu sync.Mutex
	late   func(*wire.Message)
}

// Info is the content of a kernel_info_reply.
type Info struct {
	ProtocolVersion       string   `json:"protocol_version"`
	Implementation        string   `json:"implementation"`
	ImplementationVersion string   `json:"implementation_version"`
	Banner                string   `json:"banner"`
	SupportedFeatures     []string `json:"supported_features"`
	LanguageInfo          struct {
		Name              string          `json:"name"`
		Version           string          `json:"version"`
		Mimetype          string          `json:"mimetype"`
		FileExtension     string          `json:"file_extension"`
		PygmentsLexer     string          `json:"pygments_lexer,omitempty"`
		CodemirrorMode    json.RawMessage `json:"codemirror_mode,omitempty"`
		NbconvertExporter string          `json:"nbconvert_exporter,omitempty"`
	} `json:"language_info"`
}

// InSubshell returns a client for a subshell (JEP 91) of the same kernel: its
// shell requests carry the subshell's ID. It shares the connection with c.
func (c *Client) InSubshell(id string) *Client {
	return &Client{Info: c.Info, link: c.link, subshell: id}
}

// pending is a request that is not finished: its reply on shell or control, its
// messages on iopub and stdin.
type pending struct {
	messages chan *wire.Message
	finished chan struct{} // closed when nobody reads messages any more
}

// Connect connects to a running kernel and waits until it answers. The context
// bounds the wait.
func Connect(ctx context.Context, conn *wire.Connection) (*Client, error) {
	codec, err := wire.NewCodec(conn.SignatureScheme, conn.Key)
	if err != nil {
		return nil, err
	}
	c := &Client{link: &link{
		codec: codec, session: wire.NewID(), user: userName(),
		waiting: make(map[string]*pending),
		gone:    make(chan struct{}), subbed: make(chan struct{}),
	}}
	id := []byte(c.session) // one identity, so that stdin finds who asked on shell
	for _, ch := range []struct {
		name wire.Channel
		typ  zmq4.SocketType
		to   **zmtp.Conn
	}{
		{wire.IOPub, zmq4.Sub, &c.iopub},
		{wire.Shell, zmq4.Dealer, &c.shell},
		{wire.Control, zmq4.Dealer, &c.control},
		{wire.Stdin, zmq4.Dealer, &c.stdin},
	} {
		receive := func(frames [][]byte) { c.receive(ch.name, frames) }
		lost := func(err error) { c.lost(fmt.Errorf("connection to the kernel's %s socket ended: %w", ch.name, err)) }
		if *ch.to, err = zmtp.Dial(ctx, conn.Endpoint(ch.name), ch.typ, id, receive, lost); err != nil {
			c.close()
			return nil, err
		}
	}
	c.iopub.Send([][]byte{{1}}) // subscribe to everything
	if err := c.awaitReady(ctx); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// userName is the login name, for headers.
func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "user"
}

// awaitReady asks for kernel_info until the reply and something on iopub have
// come: only then is the subscription known to be in force.
func (c *Client) awaitReady(ctx context.Context) error {
	for {
		try, cancel := context.WithTimeout(ctx, 3*time.Second)
		reply, err := c.Request(try, wire.Shell, "kernel_info_request", struct{}{})
		if err == nil {
			select {
			case <-c.subbed:
			case <-time.After(200 * time.Millisecond):
				err = context.DeadlineExceeded
			}
		}
		cancel()
		if err == nil {
			return reply.Unmarshal(&c.Info)
		}
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("waiting for kernel_info_reply: %w", err)
		}
	}
}

// HandleLate sets what is done with iopub messages that belong to no request in
// progress: what goroutines print after their cell has ended, for instance. The
// parent header says which cell that was. handle is called by one goroutine at a
// time, in the order of the messages, and must not call methods of the client;
// nil, which is how a client begins, drops them.
func (c *link) HandleLate(handle func(*wire.Message)) {
	c.lateMu.Lock()
	defer c.lateMu.Unlock()
	c.late = handle
}

// receive sorts one message to the request that it belongs to.
func (c *link) receive(ch wire.Channel, frames [][]byte) {
	m, err := c.codec.Decode(frames)
	if err != nil {
		return // not from our kernel, or damaged: as if it had been lost
	}
	if ch == wire.IOPub {
		c.onceSub.Do(func() { close(c.subbed) })
	}
	m.Identities = nil
	c.mu.Lock()
	p := c.waiting[m.Parent.MsgID]
	c.mu.Unlock()
	if p != nil {
		select {
		case p.messages <- m:
			m = nil
			select {
			case <-p.finished: // meanwhile, perhaps before it saw this message
			default:
				return
			}
		case <-p.finished:
		case <-c.gone:
			return
		}
	}
	c.lateMu.Lock()
	defer c.lateMu.Unlock()
	c.leave(p)
	if m != nil && ch == wire.IOPub && c.late != nil {
		c.late(m)
	}
}

// leave passes what a request that ended has not read to late; lateMu is held.
func (c *link) leave(p *pending) {
	for p != nil {
		select {
		case m := <-p.messages:
			if c.late != nil && !isReply(m) && m.Header.MsgType != "input_request" {
				c.late(m)
			}
		default:
			return
		}
	}
}

// lost records that the kernel cannot be reached any more.
func (c *link) lost(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
		close(c.gone)
	}
}

// Done is closed when the kernel has ended or a connection to it broke.
func (c *link) Done() <-chan struct{} { return c.gone }

// Err says why Done is closed; nil while it is not.
func (c *link) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// begin registers a request so that what answers it is delivered.
func (c *Client) begin(msgType string, content any) (*wire.Message, *pending, error) {
	raw, err := json.Marshal(content)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding %s: %w", msgType, err)
	}
	m := &wire.Message{Header: wire.NewHeader(msgType, c.session, c.user), Content: raw}
	m.Header.SubshellID = c.subshell
	p := &pending{messages: make(chan *wire.Message, 64), finished: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, nil, c.err
	}
	c.waiting[m.Header.MsgID] = p
	return m, p, nil
}

// end forgets a request. What comes for it from now on is late.
func (c *link) end(m *wire.Message, p *pending) {
	c.lateMu.Lock()
	defer c.lateMu.Unlock()
	c.mu.Lock()
	delete(c.waiting, m.Header.MsgID)
	c.mu.Unlock()
	close(p.finished)
	c.leave(p)
}

// send signs and queues a message.
func (c *link) send(ch wire.Channel, m *wire.Message) error {
	frames, err := c.codec.Encode(m)
	if err != nil {
		return err
	}
	conn := map[wire.Channel]*zmtp.Conn{wire.Shell: c.shell, wire.Control: c.control, wire.Stdin: c.stdin}[ch]
	if conn == nil {
		return fmt.Errorf("requests cannot be sent on the %s channel", ch)
	}
	return conn.Send(frames)
}

// Request sends a request on the shell or control channel and returns its reply.
// content is anything that encodes to a JSON object.
func (c *Client) Request(ctx context.Context, ch wire.Channel, msgType string, content any) (*wire.Message, error) {
	m, p, err := c.begin(msgType, content)
	if err != nil {
		return nil, err
	}
	defer c.end(m, p)
	if err := c.send(ch, m); err != nil {
		return nil, err
	}
	for {
		select {
		case r := <-p.messages:
			if isReply(r) {
				return r, nil
			}
		case <-c.gone:
			return nil, c.Err()
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: %w", msgType, ctx.Err())
		}
	}
}

// Notify sends a message that has no reply, comm_msg for instance.
func (c *Client) Notify(ch wire.Channel, msgType string, content any) error {
	m, p, err := c.begin(msgType, content)
	if err != nil {
		return err
	}
	c.end(m, p)
	return c.send(ch, m)
}

// isReply reports whether a message is the reply to its parent.
func isReply(m *wire.Message) bool {
	t := m.Header.MsgType
	return len(t) > 6 && t[len(t)-6:] == "_reply"
}

// Interrupt interrupts the running cell, by message or signal as the kernelspec
// says.
func (c *Client) Interrupt(ctx context.Context) error {
	if c.process != nil && !c.messageInterrupt {
		return c.process.interrupt()
	}
	_, err := c.Request(ctx, wire.Control, "interrupt_request", struct{}{})
	return err
}

// Shutdown asks the kernel to end, waits for that, and kills the process when it
// has not ended by the deadline of ctx (or 5 s if it has none). A kernel that was
// not started here is only asked. Nothing is left behind.
func (c *Client) Shutdown(ctx context.Context) error {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
	}
	_, err := c.Request(ctx, wire.Control, "shutdown_request", map[string]bool{"restart": false})
	if c.process != nil {
		select {
		case <-c.process.done:
			err = nil // it may be gone before its reply is read
		case <-ctx.Done():
			c.process.kill()
			err = errors.Join(err, errors.New("the kernel did not end when asked and was killed"))
		}
	}
	c.close()
	return err
}

// Kill ends the kernel process at once. It does nothing but disconnect when the
// kernel was not started here.
func (c *Client) Kill() {
	if c.process != nil {
		c.process.kill()
	}
	c.close()
}

// close disconnects.
func (c *link) close() {
	c.lost(errors.New("the kernel client is closed"))
	for _, conn := range []*zmtp.Conn{c.shell, c.control, c.stdin, c.iopub} {
		if conn != nil {
			conn.Close()
		}
	}
}
