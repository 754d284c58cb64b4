package notebook

import (
	"encoding/base64"
	"maps"
	"slices"
)

// widgetStateMIME is the key under which a notebook's metadata keeps the state
// of its widgets, so that a viewer can draw them without a kernel.
const widgetStateMIME = "application/vnd.jupyter.widget-state+json"

// widgetStates follows the comm messages of widgets, by model id.
type widgetStates map[string]*widgetState

type widgetState struct {
	state   map[string]any
	buffers map[string]any // by path, in the form that the metadata stores
}

// handle takes a comm message's content and binary attachments.
func (ws widgetStates) handle(msgType string, content map[string]any, buffers [][]byte) {
	id, _ := content["comm_id"].(string)
	data, _ := content["data"].(map[string]any)
	switch msgType {
	case "comm_open":
		if content["target_name"] != "jupyter.widget" {
			return
		}
		ws[id] = &widgetState{state: map[string]any{}, buffers: map[string]any{}}
	case "comm_msg":
		if data["method"] != "update" {
			return
		}
	case "comm_close":
		delete(ws, id)
		return
	}
	w := ws[id]
	if w == nil {
		return
	}
	state, _ := data["state"].(map[string]any)
	maps.Copy(w.state, state)
	paths, _ := data["buffer_paths"].([]any)
	for i, path := range paths {
		if i >= len(buffers) {
			break
		}
		var key encoder
		key.value(path, 0)
		w.buffers[key.String()] = map[string]any{
			"encoding": "base64",
			"data":     base64.StdEncoding.EncodeToString(buffers[i]),
			"path":     path,
		}
	}
}

// store writes the states into the notebook's metadata, where viewers look for
// them. A notebook without widgets gets no such entry.
func (ws widgetStates) store(nb *Notebook) {
	if len(ws) == 0 {
		return
	}
	states := map[string]any{}
	for id, w := range ws {
		model := map[string]any{"state": maps.Clone(w.state)}
		for _, key := range []string{"model_name", "model_module", "model_module_version"} {
			model[key] = w.state["_"+key]
		}
		if len(w.buffers) > 0 {
			var list []any
			for _, path := range slices.Sorted(maps.Keys(w.buffers)) {
				list = append(list, w.buffers[path])
			}
			model["buffers"] = list
		}
		states[id] = model
	}
	if nb.Metadata == nil {
		nb.Metadata = map[string]any{}
	}
	nb.Metadata["widgets"] = map[string]any{widgetStateMIME: map[string]any{
		"state": states, "version_major": 2, "version_minor": 0,
	}}
}
