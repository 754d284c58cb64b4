package kernel

import (
	"errors"
	"sync"

	"govle/kernel/internal/zmtp"
	"govle/kernel/wire"
)

// errInputInterrupted is what reading stdin returns when the cell is interrupted.
var errInputInterrupted = errors.New("interrupted while waiting for input")

// inputs is the one question that may be open at a time, and those in line.
type inputs struct {
	asking sync.Mutex // held by the question that is open

	mu      sync.Mutex
	id      string // message ID of the open input_request
	peer    []byte // identity of the front end that is asked
	answers chan string
	stopped chan struct{} // closed by cancel
}

// ask sends an input_request to the front end that sent the cell and waits for
// its answer, or for cancel.
func (in *inputs) ask(k *server, r *request, prompt string, password bool) (string, error) {
	in.mu.Lock()
	if in.stopped == nil {
		in.stopped = make(chan struct{})
	}
	stopped := in.stopped
	in.mu.Unlock()

	in.asking.Lock()
	defer in.asking.Unlock()
	m := k.message("input_request", r.Header, map[string]any{"prompt": prompt, "password": password})
	m.Identities = r.Identities
	frames, err := k.codec.Encode(m)
	if err != nil {
		return "", err
	}
	id := r.peer.Identity()
	answers := make(chan string, 1)
	in.mu.Lock()
	in.id, in.peer, in.answers = m.Header.MsgID, id, answers
	in.mu.Unlock()
	defer func() {
		in.mu.Lock()
		in.id, in.answers = "", nil
		in.mu.Unlock()
	}()

	k.iopub.flushText() // the prompt may have been printed
	var peer *zmtp.Conn
	for peer == nil {
		var more <-chan struct{}
		if peer, more = k.stdinPeers.find(id); peer != nil {
			break
		}
		select { // it has not connected its stdin socket yet
		case <-more:
		case <-stopped:
			return "", errInputInterrupted
		}
	}
	if err := peer.Send(frames); err != nil {
		return "", err
	}
	select {
	case answer := <-answers:
		return answer, nil
	case <-stopped:
		return "", errInputInterrupted
	}
}

// reply takes an input_reply. One that answers another question, or comes from
// another front end, is ignored; front ends that send no parent are trusted.
func (in *inputs) reply(r *request) {
	var answer struct {
		Value string `json:"value"`
	}
	if r.Header.MsgType != "input_reply" || r.Unmarshal(&answer) != nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.answers == nil || string(in.peer) != string(r.peer.Identity()) || !answers(r.Parent, in.id) {
		return
	}
	select {
	case in.answers <- answer.Value:
	default: // answered twice
	}
}

// answers reports whether a reply with this parent may answer the question id.
// jupyter_client sends an empty parent header.
func answers(parent wire.Header, id string) bool {
	return parent.IsZero() || parent.MsgType != "input_request" || parent.MsgID == id
}

// cancel makes all questions fail.
func (in *inputs) cancel() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.stopped != nil {
		close(in.stopped)
		in.stopped = nil
	}
}
