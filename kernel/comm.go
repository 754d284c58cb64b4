package kernel

import (
	"sync"

	"govle/kernel/engine"
	"govle/kernel/wire"
)

// comms are the open comms, by ID, with the name of their target. What they do is
// the worker's business; the kernel only carries their messages.
type comms struct {
	mu     sync.Mutex
	target map[string]string
}

// sent notes a message from the worker and reports whether it belongs to a comm.
func (c *comms) sent(m engine.Message) bool {
	id, _ := m.Content["comm_id"].(string)
	target, _ := m.Content["target_name"].(string)
	return c.note(m.Kind, id, target)
}

// note keeps the list in step with a message of either side.
func (c *comms) note(kind, id, target string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch kind {
	case "comm_open":
		if c.target == nil {
			c.target = make(map[string]string)
		}
		c.target[id] = target
	case "comm_close":
		delete(c.target, id)
	case "comm_msg":
	default:
		return false
	}
	return true
}

// clear forgets all comms.
func (c *comms) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.target = nil
}

// commInfo answers comm_info_request.
func (k *server) commInfo(r *request) any {
	var q struct {
		TargetName string `json:"target_name"`
	}
	if err := r.Unmarshal(&q); err != nil {
		return failure("BadRequest", "%v", err)
	}
	k.comms.mu.Lock()
	defer k.comms.mu.Unlock()
	list := map[string]any{}
	for id, target := range k.comms.target {
		if q.TargetName == "" || q.TargetName == target {
			list[id] = map[string]string{"target_name": target}
		}
	}
	return map[string]any{"status": "ok", "comms": list}
}

// comm passes a front end's comm message on. It has no reply; a comm that cannot
// be opened is closed at once.
func (k *server) comm(r *request) any {
	var c struct {
		CommID     string `json:"comm_id"`
		TargetName string `json:"target_name"`
	}
	m := engine.Message{Kind: r.Header.MsgType, Buffers: r.Buffers}
	err := r.Unmarshal(&c)
	if err == nil {
		err = r.Unmarshal(&m.Content)
	}
	if err == nil {
		meta := wire.Message{Header: r.Header, Content: r.Metadata}
		err = meta.Unmarshal(&m.Metadata)
	}
	if err != nil {
		k.log.Warn("comm message ignored", "error", err)
		return nil
	}
	k.comms.note(m.Kind, c.CommID, c.TargetName)
	if data, _ := m.Content["data"].(map[string]any); data["method"] == "update" {
		k.widgets.touched()
	}
	k.cells.touch(r.Header)
	receiver, ok := k.exec.(commReceiver)
	if ok {
		err = receiver.Comm(m)
	}
	if err != nil {
		k.log.Warn("comm message not delivered", "error", err)
	}
	if (!ok || err != nil) && m.Kind == "comm_open" {
		k.comms.note("comm_close", c.CommID, "")
		k.iopub.publish(k.message("comm_close", r.Header, map[string]any{"comm_id": c.CommID, "data": map[string]any{}}))
	}
	return nil
}
