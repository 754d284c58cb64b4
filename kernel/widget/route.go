package widget

import (
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"sync"

	"govle/kernel/display"
)

// models are the open models of this process, by comm ID: what the page sends
// names nothing else.
var models = &table{byID: map[string]*model{}, shown: map[string]Widget{}}

// table routes comm messages to models and runs their callbacks.
type table struct {
	once sync.Once

	mu      sync.Mutex
	byID    map[string]*model
	shown   map[string]Widget // those that were shown, by the ID of their model
	order   []string          // IDs as they were opened: a model comes after what it refers to
	control map[string]bool

	// What the page sends is handled on one goroutine, in order, and callbacks
	// run on another. The worker's own must never wait for either.
	inbox, callbacks runner
}

// add makes a model reachable.
func (t *table) add(m *model) {
	t.once.Do(func() {
		display.OnComm(func(m display.Message) {
			t.inbox.add("", func() { t.receive(m) })
		})
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byID[m.id] = m
	t.order = append(t.order, m.id)
}

func (t *table) remove(m *model) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, m.id)
	delete(t.shown, m.id)
	t.order = slices.DeleteFunc(t.order, func(id string) bool { return id == m.id })
}

func (t *table) find(id string) *model {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[id]
}

// receive handles a comm message of the page.
func (t *table) receive(msg display.Message) {
	id, _ := msg.Content["comm_id"].(string)
	data, _ := msg.Content["data"].(map[string]any)
	switch msg.Kind {
	case "comm_open":
		t.open(id, msg)
	case "comm_close":
		t.mu.Lock()
		delete(t.control, id)
		t.mu.Unlock()
		if m := t.find(id); m != nil {
			m.mu.Lock()
			m.closed = true
			m.mu.Unlock()
			t.remove(m)
		}
	case "comm_msg":
		if id == display.StaticComm {
			t.sendForms(data)
		} else if t.isControl(id) {
			if data["method"] == "request_states" {
				t.sendStates(id)
			}
		} else if m := t.find(id); m != nil {
			m.receive(data, msg.Buffers)
		}
	}
}

// open accepts the comm over which a page asks for all widgets, and refuses any
// other: widgets are made here.
func (t *table) open(id string, msg display.Message) {
	if msg.Content["target_name"] != controlTarget {
		display.Send(display.Message{Kind: "comm_close", Content: map[string]any{"comm_id": id, "data": map[string]any{}}})
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.control == nil {
		t.control = map[string]bool{}
	}
	t.control[id] = true
}

func (t *table) isControl(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.control[id]
}

// sendStates answers request_states with every model, which is how a page that was
// opened anew finds the widgets again.
func (t *table) sendStates(comm string) {
	t.mu.Lock()
	open := make([]*model, len(t.order))
	for i, id := range t.order {
		open[i] = t.byID[id]
	}
	t.mu.Unlock()
	states := map[string]any{}
	paths := [][]string{}
	var buffers [][]byte
	for _, m := range open {
		m.mu.Lock()
		data, binary := m.data(m.state, m.bytes)
		states[m.id] = map[string]any{
			"model_name": m.state["_model_name"], "model_module": m.state["_model_module"],
			"model_module_version": m.state["_model_module_version"], "state": data["state"],
		}
		for i, path := range data["buffer_paths"].([][]string) {
			paths = append(paths, append([]string{m.id}, path...))
			buffers = append(buffers, binary[i])
		}
		m.mu.Unlock()
	}
	display.Send(display.Message{Kind: "comm_msg", Buffers: buffers, Content: map[string]any{
		"comm_id": comm, "data": map[string]any{"method": "update_states", "states": states, "buffer_paths": paths},
	}})
}

// receive handles a message to one model.
func (m *model) receive(data map[string]any, buffers [][]byte) {
	switch data["method"] {
	case "update":
		state, _ := data["state"].(map[string]any)
		m.mu.Lock()
		defer m.mu.Unlock()
		echo := map[string]any{}
		var called []job
		for key, value := range state {
			if _, known := m.state[key]; !known {
				continue
			}
			m.state[key], echo[key] = value, value
			if f := m.changed[key]; f != nil {
				called = append(called, job{m.id + "." + key, func() { f(value) }})
			}
		}
		// Every page, the one that sent it too, must know that it arrived.
		m.sendState("echo_update", echo, nil)
		for _, j := range called {
			models.callbacks.add(j.key, j.run)
		}
	case "request_state":
		m.mu.Lock()
		defer m.mu.Unlock()
		m.sendState("update", m.state, m.bytes)
	case "custom":
		content, _ := data["content"].(map[string]any)
		name, _ := content["event"].(string)
		m.mu.Lock()
		f := m.event[name]
		m.mu.Unlock()
		if f != nil {
			models.callbacks.add("", f)
		}
	}
}

// runner runs functions one after the other on one goroutine, so that callbacks
// need no locks among themselves. A change that waits is replaced by a newer one of
// the same widget: after a slow callback a slider's last position counts.
type runner struct {
	mu      sync.Mutex
	waiting []job
	running bool
}

type job struct {
	key string // of what changed; empty for events, which all count
	run func()
}

func (c *runner) add(key string, run func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if key != "" {
		c.waiting = slices.DeleteFunc(c.waiting, func(w job) bool { return w.key == key })
	}
	c.waiting = append(c.waiting, job{key, run})
	if !c.running {
		c.running = true
		go c.work()
	}
}

// work runs what waits and ends when nothing does.
func (c *runner) work() {
	for {
		c.mu.Lock()
		if len(c.waiting) == 0 {
			c.running = false
			c.mu.Unlock()
			return
		}
		next := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.mu.Unlock()
		guard(next.run)
	}
}

// guard runs a callback; its panic is printed and kills nothing.
func guard(f func()) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(os.Stderr, "panic in a widget's callback: %v\n%s", r, debug.Stack())
		}
	}()
	f()
}
