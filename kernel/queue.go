package kernel

import (
	"slices"
	"sync"

	"govle/kernel/wire"
)

// maxQueued bounds the requests that wait on one shell. The peer that sends more
// waits in its turn: its connection is not read.
const maxQueued = 100_000

// queue holds requests in the order in which they came.
type queue struct {
	mu       sync.Mutex
	changed  *sync.Cond
	requests []*request
	last     uint64 // seq of the newest request
	aborted  uint64 // execute requests up to this seq are not run
	closed   bool
}

func newQueue() *queue {
	q := new(queue)
	q.changed = sync.NewCond(&q.mu)
	return q
}

// push adds a request; it waits while the queue is full.
func (q *queue) push(r *request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.requests) >= maxQueued && !q.closed {
		q.changed.Wait()
	}
	if q.closed {
		return
	}
	q.last++
	r.seq = q.last
	q.requests = append(q.requests, r)
	q.changed.Broadcast()
}

// pop returns the next request, or nil when the queue is closed.
func (q *queue) pop() *request {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.requests) == 0 && !q.closed {
		q.changed.Wait()
	}
	if q.closed {
		return nil
	}
	r := q.requests[0]
	q.requests[0] = nil
	q.requests = q.requests[1:]
	q.changed.Broadcast()
	return r
}

// abort marks the execute requests that are in the queue as not to be run.
func (q *queue) abort() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.aborted = q.last
}

// isAborted reports whether abort was called after r came.
func (q *queue) isAborted(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return r.seq <= q.aborted
}

// holdsComm reports whether a message to a comm waits, which a later one must not
// overtake.
func (q *queue) holdsComm() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.ContainsFunc(q.requests, isComm)
}

// next returns the execute request that waits first, nil when none does.
func (q *queue) next() *request {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.IndexFunc(q.requests, func(r *request) bool { return r.Header.MsgType == "execute_request" && r.seq > q.aborted })
	if i < 0 {
		return nil
	}
	return q.requests[i]
}

// close makes pop return nil; what is in the queue is dropped.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
}

// shells are the parent shell, "", and the subshells (JEP 91). Each handles its
// requests in order on a goroutine of its own.
type shells struct {
	mu     sync.Mutex
	byID   map[string]*queue
	closed bool
}

// add starts a shell.
func (s *shells) add(k *server, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if s.byID == nil {
		s.byID = make(map[string]*queue)
	}
	q := newQueue()
	s.byID[id] = q
	k.work(q, func(r *request) { k.dispatchShell(q, r) })
}

// get returns the queue of a shell, nil when there is none.
func (s *shells) get(id string) *queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id]
}

// remove ends a subshell and reports whether there was one. The parent shell
// cannot be removed.
func (s *shells) remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.byID[id]
	if q == nil || id == "" {
		return false
	}
	delete(s.byID, id)
	q.close()
	return true
}

// ids lists the subshells.
func (s *shells) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := []string{}
	for id := range s.byID {
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// close ends all shells.
func (s *shells) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, q := range s.byID {
		q.close()
	}
}

// receiveShell puts a shell request into the queue of its subshell. Messages to
// comms do not wait behind a running cell, so that a slider acts while it runs.
func (k *server) receiveShell(r *request) {
	q := k.shells.get(r.Header.SubshellID)
	switch {
	case q == nil:
		k.serveRequest(r, func(*server, *request) any {
			return failure("UnknownSubshell", "there is no subshell %q", r.Header.SubshellID)
		})
	case isComm(r) && k.cells.running() != nil && !q.holdsComm():
		k.dispatchShell(q, r)
		if running := k.cells.running(); running != nil {
			// Front ends show the state that came last.
			k.publishStatus("busy", *running)
		}
	default:
		q.push(r)
		if r.Header.MsgType == "execute_request" && k.cells.running() != nil {
			k.prepare(q)
		}
	}
}

// isComm reports whether a request is a message to a comm.
func isComm(r *request) bool {
	switch r.Header.MsgType {
	case "comm_open", "comm_msg", "comm_close":
		return true
	}
	return false
}

// dispatchShell answers a shell request.
func (k *server) dispatchShell(q *queue, r *request) {
	if r.Header.MsgType == "execute_request" {
		k.serveRequest(r, func(k *server, r *request) any { return k.execute(q, r) })
		return
	}
	h := map[string]handler{
		"kernel_info_request": (*server).kernelInfo,
		"connect_request":     (*server).connect,
		"complete_request":    (*server).complete,
		"inspect_request":     (*server).inspect,
		"is_complete_request": (*server).isComplete,
		"history_request":     (*server).historyRequest,
		"comm_info_request":   (*server).commInfo,
		"comm_open":           (*server).comm,
		"comm_msg":            (*server).comm,
		"comm_close":          (*server).comm,
		"shutdown_request":    (*server).shutdown,
		"interrupt_request":   (*server).interruptRequest,
	}[r.Header.MsgType]
	if h == nil {
		h = unknown
	}
	k.serveRequest(r, h)
	k.stopAfter(r)
}

// dispatchControl answers a control request, also while a cell runs.
func (k *server) dispatchControl(r *request) {
	h := map[string]handler{
		"kernel_info_request":     (*server).kernelInfo,
		"connect_request":         (*server).connect,
		"comm_info_request":       (*server).commInfo,
		"history_request":         (*server).historyRequest,
		"interrupt_request":       (*server).interruptRequest,
		"shutdown_request":        (*server).shutdown,
		"debug_request":           (*server).debug,
		"create_subshell_request": (*server).createSubshell,
		"delete_subshell_request": (*server).deleteSubshell,
		"list_subshell_request":   (*server).listSubshells,
	}[r.Header.MsgType]
	if h == nil {
		h = unknown
	}
	k.serveRequest(r, h)
	k.stopAfter(r)
}

// publishStatus tells every front end what the kernel does about a request.
func (k *server) publishStatus(state string, parent wire.Header) {
	k.iopub.publish(k.message("status", parent, map[string]string{"execution_state": state}))
}
