package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os/user"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zeromq/zmq4"

	"govle/kernel/engine"
	"govle/kernel/internal/zmtp"
	"govle/kernel/wire"
)

// linger is how long queued messages may take to be written when the kernel ends.
const linger = time.Second

// server is a running kernel.
type server struct {
	log     *slog.Logger
	conn    *wire.Connection
	codec   *wire.Codec
	session string
	user    string
	exec    Executor

	iopub *publisher
	// Peers of the channels that are answered, by routing identity.
	shellPeers, controlPeers, stdinPeers peers
	listeners                            []*zmtp.Listener

	shells  shells
	cells   cells
	history history
	comms   comms
	widgets widgets
	inputs  inputs
	control *queue

	executing sync.Mutex // held while a cell runs: one at a time over all subshells
	countMu   sync.Mutex
	count     int    // number of the last stored cell
	serial    uint64 // number of cells begun, for their IDs

	ctx      context.Context
	cancel   context.CancelFunc
	stopping chan struct{}
	stopOnce sync.Once
	restart  bool // valid once stopping is closed
	workers  sync.WaitGroup
}

// start binds the sockets and begins to answer. newExecutor gets the sink that
// the executor must deliver output to.
func start(conn *wire.Connection, opts Options, newExecutor func(engine.Sink) (Executor, error)) (*server, error) {
	codec, err := wire.NewCodec(conn.SignatureScheme, conn.Key)
	if err != nil {
		return nil, err
	}
	k := &server{
		log: opts.Log, conn: conn, codec: codec, session: wire.NewID(), user: "kernel",
		stopping: make(chan struct{}),
	}
	if u, err := user.Current(); err == nil {
		k.user = u.Username
	}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	k.iopub = newPublisher(k)
	if opts.History != "" {
		k.history.file = newHistoryFile(opts.History, opts.Log)
	}
	if k.exec, err = newExecutor(sink{k}); err != nil {
		k.cancel()
		return nil, fmt.Errorf("starting the engine: %w", err)
	}
	k.control = newQueue()
	k.work(k.control, k.dispatchControl)
	k.shells.add(k, "")
	if err := k.listen(); err != nil {
		k.close()
		return nil, err
	}
	k.publishStatus("starting", wire.Header{})
	return k, nil
}

// work handles a queue's requests one by one on a goroutine of its own.
func (k *server) work(q *queue, handle func(*request)) {
	k.workers.Add(1)
	go func() {
		defer k.workers.Done()
		for {
			r := q.pop()
			if r == nil {
				return
			}
			handle(r)
		}
	}()
}

// listen binds the five sockets.
func (k *server) listen() error {
	answered := func(p *peers, receive func(*request)) zmtp.Handler {
		return zmtp.Handler{
			Open:  p.add,
			Close: p.remove,
			Message: func(c *zmtp.Conn, frames [][]byte) {
				if m := k.decode(frames); m != nil {
					receive(&request{Message: m, peer: c, peers: p})
				}
			},
		}
	}
	for _, s := range []struct {
		channel wire.Channel
		typ     zmq4.SocketType
		handler zmtp.Handler
	}{
		{wire.Heartbeat, zmq4.Rep, zmtp.Handler{Message: func(c *zmtp.Conn, frames [][]byte) { c.Send(frames) }}},
		{wire.IOPub, zmq4.XPub, zmtp.Handler{Message: k.iopub.subscription, Close: k.iopub.remove}},
		{wire.Control, zmq4.Router, answered(&k.controlPeers, k.control.push)},
		{wire.Stdin, zmq4.Router, answered(&k.stdinPeers, k.inputs.reply)},
		{wire.Shell, zmq4.Router, answered(&k.shellPeers, k.receiveShell)},
	} {
		l, err := zmtp.Listen(k.conn.Endpoint(s.channel), s.typ, s.handler)
		if err != nil {
			return err
		}
		k.listeners = append(k.listeners, l)
	}
	return nil
}

// decode checks a message. One that is damaged, wrongly signed or sent twice is
// logged and ignored, as the protocol wants: it does not come from our front end.
func (k *server) decode(frames [][]byte) *wire.Message {
	m, err := k.codec.Decode(frames)
	if err != nil {
		k.log.Warn("message ignored", "error", err)
		return nil
	}
	k.log.Debug("received", "type", m.Header.MsgType, "id", m.Header.MsgID)
	return m
}

// request is a message that came from a peer and may be answered.
type request struct {
	*wire.Message
	peer  *zmtp.Conn
	peers *peers
	seq   uint64 // position in its queue
	// prepared says that the executor has been told that it comes.
	prepared atomic.Bool
}

// peers are the open connections of one socket, by identity.
type peers struct {
	mu   sync.Mutex
	byID map[string]*zmtp.Conn
	more chan struct{} // closed and replaced when a peer comes
}

func (p *peers) add(c *zmtp.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID == nil {
		p.byID = make(map[string]*zmtp.Conn)
	}
	p.byID[string(c.Identity())] = c // a peer that connects again takes over
	if p.more != nil {
		close(p.more)
		p.more = nil
	}
}

func (p *peers) remove(c *zmtp.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id := string(c.Identity()); p.byID[id] == c {
		delete(p.byID, id)
	}
}

// find returns the connection of an identity, or a channel that is closed when
// another peer comes.
func (p *peers) find(id []byte) (*zmtp.Conn, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.byID[string(id)]; c != nil {
		return c, nil
	}
	if p.more == nil {
		p.more = make(chan struct{})
	}
	return nil, p.more
}

// message makes a message of this kernel.
func (k *server) message(msgType string, parent wire.Header, content any) *wire.Message {
	return &wire.Message{Header: wire.NewHeader(msgType, k.session, k.user), Parent: parent, Content: k.encode(content)}
}

// encode returns v as JSON. HTML characters stay as they are: output has many.
func (k *server) encode(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		// Only a value from a cell can fail (a NaN, a cycle); the rest is ours.
		k.log.Warn("message content dropped", "error", err)
		return json.RawMessage("{}")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// reply answers a request.
func (k *server) reply(r *request, content any) {
	k.replyWith(r, content, nil)
}

func (k *server) replyWith(r *request, content any, metadata any) {
	m := k.message(strings.TrimSuffix(r.Header.MsgType, "_request")+"_reply", r.Header, content)
	m.Identities = r.Identities
	if metadata != nil {
		m.Metadata = k.encode(metadata)
	}
	frames, err := k.codec.Encode(m)
	if err != nil {
		k.log.Warn("reply dropped", "error", err)
		return
	}
	err = r.peer.Send(frames)
	if errors.Is(err, zmtp.ErrStuck) {
		k.log.Warn("front end disconnected: it does not read its replies")
	} else if err != nil {
		// The peer may have connected anew since it asked.
		if c, _ := r.peers.find(r.peer.Identity()); c != nil && c != r.peer {
			c.Send(frames)
		}
	}
}

// failure is the content of a reply with status "error".
func failure(name, format string, args ...any) map[string]any {
	return map[string]any{
		"status": "error", "ename": name, "evalue": fmt.Sprintf(format, args...), "traceback": []string{},
	}
}

// handler answers one kind of request. nil content sends no reply.
type handler func(*server, *request) any

// serveRequest runs a handler between status busy and idle and sends its reply.
// A fault of the handler fails the request, not the kernel.
func (k *server) serveRequest(r *request, h handler) {
	k.publishStatus("busy", r.Header)
	defer k.publishStatus("idle", r.Header)
	defer func() {
		if fault := recover(); fault != nil {
			k.log.Error("fault of the kernel", "request", r.Header.MsgType, "fault", fault, "stack", string(debug.Stack()))
			k.reply(r, failure("InternalError", "the kernel failed on %s: %v", r.Header.MsgType, fault))
		}
	}()
	if content := h(k, r); content != nil {
		k.reply(r, content)
	}
}

// unknown answers a request of a kind that this kernel does not know. What is no
// request is ignored.
func unknown(k *server, r *request) any {
	k.log.Warn("unknown message", "type", r.Header.MsgType)
	if !strings.HasSuffix(r.Header.MsgType, "_request") {
		return nil
	}
	return failure("UnknownRequest", "this kernel does not know %s", r.Header.MsgType)
}

// stop begins the end of the kernel.
func (k *server) stop(restart bool) {
	k.stopOnce.Do(func() {
		k.restart = restart
		close(k.stopping)
	})
}

// restarting reports whether the kernel ended because a front end restarts it.
func (k *server) restarting() bool {
	select {
	case <-k.stopping:
		return k.restart
	default:
		return false
	}
}

// close ends the executor, lets queued messages go out and closes the sockets. It
// returns when all of the kernel's goroutines have ended.
func (k *server) close() {
	k.stop(false)
	k.cancel()
	k.inputs.cancel()
	k.control.close()
	k.shells.close()
	if err := k.exec.Close(); err != nil {
		k.log.Warn("closing the engine", "error", err)
	}
	k.workers.Wait()
	if k.history.file != nil {
		k.history.file.flush()
	}
	k.iopub.flushText()
	var closed sync.WaitGroup
	for _, l := range k.listeners {
		closed.Go(func() { l.Close(linger) })
	}
	closed.Wait()
}
