package kernel

import (
	"encoding/json"
	"slices"

	"govle/kernel/wire"
)

// interrupt ends the running cell, and its wait for input.
func (k *server) interrupt() {
	k.inputs.cancel()
	k.exec.Interrupt()
}

// interruptRequest answers interrupt_request.
func (k *server) interruptRequest(*request) any {
	k.interrupt()
	return map[string]any{"status": "ok"}
}

// shutdown answers shutdown_request and tells every front end. The kernel ends
// once the status idle is out: see stopAfter.
func (k *server) shutdown(r *request) any {
	content := map[string]any{"status": "ok", "restart": wantsRestart(r)}
	k.askWidgets(newWorkerWait)
	k.endWidgets(r.Header)
	k.iopub.publish(k.message("shutdown_reply", r.Header, content))
	return content
}

// stopAfter ends the kernel when r asked for it.
func (k *server) stopAfter(r *request) {
	if r.Header.MsgType == "shutdown_request" {
		k.stop(wantsRestart(r))
	}
}

func wantsRestart(r *request) bool {
	var req struct {
		Restart bool `json:"restart"`
	}
	return r.Unmarshal(&req) == nil && req.Restart
}

// debug refuses debug_request in the words of the Debug Adapter Protocol, so that
// a front end hides its debugger.
func (k *server) debug(r *request) any {
	var req struct {
		Seq     json.Number `json:"seq"`
		Command string      `json:"command"`
	}
	if err := r.Unmarshal(&req); err != nil || req.Seq == "" {
		req.Seq = "0"
	}
	return map[string]any{
		"type": "response", "request_seq": req.Seq, "seq": req.Seq, "success": false,
		"command": req.Command, "message": "this kernel has no debugger",
	}
}

// createSubshell answers create_subshell_request (JEP 91).
func (k *server) createSubshell(*request) any {
	if len(k.shells.ids()) >= maxSubshells {
		return failure("TooManySubshells", "%d subshells are open; delete one first", maxSubshells)
	}
	id := wire.NewID()
	k.shells.add(k, id)
	return map[string]any{"status": "ok", "subshell_id": id}
}

// maxSubshells bounds the subshells; each is a goroutine and a queue.
const maxSubshells = 256

// deleteSubshell answers delete_subshell_request. A request that the subshell is
// at work on is finished.
func (k *server) deleteSubshell(r *request) any {
	var req struct {
		SubshellID string `json:"subshell_id"`
	}
	if err := r.Unmarshal(&req); err != nil {
		return failure("BadRequest", "%v", err)
	}
	if !k.shells.remove(req.SubshellID) {
		return failure("UnknownSubshell", "there is no subshell %q", req.SubshellID)
	}
	return map[string]any{"status": "ok"}
}

// listSubshells answers list_subshell_request.
func (k *server) listSubshells(*request) any {
	ids := k.shells.ids()
	slices.Sort(ids)
	return map[string]any{"status": "ok", "subshell_id": ids}
}
