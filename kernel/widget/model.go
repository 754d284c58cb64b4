// Package widget makes controls that act in a notebook: sliders, menus, buttons,
// progress bars. They are Jupyter's own widgets (ipywidgets), spoken to over comm
// messages; a callback in Go runs when someone moves one, also while a cell runs.
//
// For most uses, make a widget, say what it does, and end the cell with it:
//
//	s := widget.NewIntSlider(0, 100, 50).Describe("gain")
//	s.OnChange(func(v int) { fmt.Println("gain is", v) })
//	s
//
// A widget also has a plain HTML form, which is what a saved notebook shows where
// no kernel runs. The kernel brings it up to date at the end of each cell, and puts
// it in the widget's place when it ends.
//
// The page needs JupyterLab's widget support (the Python package
// jupyterlab_widgets on the server); without it the HTML form is shown.
package widget

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"html"
	"maps"
	"strings"
	"sync"

	"govle/kernel/display"
)

// Widget is what all widgets can do; boxes hold widgets.
type Widget interface {
	// ModelID identifies the widget in the page.
	ModelID() string
	// MIMEBundle makes a notebook show the widget.
	MIMEBundle() map[string]any
	// static is the HTML form.
	static() string
}

// The packages that the page has the widgets in.
const (
	controls        = "@jupyter-widgets/controls"
	controlsVersion = "2.0.0"
	base            = "@jupyter-widgets/base"
	baseVersion     = "2.0.0"
	output          = "@jupyter-widgets/output"
	outputVersion   = "1.0.0"

	target          = "jupyter.widget"
	controlTarget   = "jupyter.widget.control"
	protocolVersion = "2.1.0"
)

// model is one model in the page: a widget, its layout or its style. Its state
// lives here and there, and every change of either side goes to the other.
type model struct {
	id string

	mu    sync.Mutex
	state map[string]any
	// bytes are the parts of the state that travel as binary attachments.
	bytes  map[string][]byte
	closed bool
	// changed is called with the new value when the page changed a part of the
	// state; event when it sent something else (a click). Both run on the
	// goroutine for callbacks.
	changed map[string]func(any)
	event   map[string]func()
	// parts are the layout and the style, which live as long as the widget.
	parts []*model
}

// newModel makes a model of a class and tells the page.
func newModel(module, version, class, viewModule, viewVersion, view string, state map[string]any) *model {
	m := &model{id: newID(), state: map[string]any{
		"_model_module": module, "_model_module_version": version, "_model_name": class,
		"_view_module": viewModule, "_view_module_version": viewVersion, "_view_name": view,
		"_view_count": nil,
	}, changed: map[string]func(any){}, event: map[string]func(){}}
	maps.Copy(m.state, state)
	m.bytes = map[string][]byte{}
	for key, value := range m.state {
		if b, ok := value.([]byte); ok {
			m.bytes[key] = b
			delete(m.state, key)
		}
	}
	models.add(m)
	m.mu.Lock()
	defer m.mu.Unlock()
	data, buffers := m.data(m.state, m.bytes)
	m.send("comm_open", map[string]any{"target_name": target, "data": data}, buffers)
	return m
}

// newControl makes a widget of @jupyter-widgets/controls with its layout and, if
// style names a class, its style.
func newControl(name, style string, state map[string]any) *model {
	return newWidget(controls, controlsVersion, name, style, state)
}

// newWidget makes a widget of a package of the page with its layout and style.
func newWidget(module, version, name, style string, state map[string]any) *model {
	parts := []*model{newModel(base, baseVersion, "LayoutModel", base, baseVersion, "LayoutView", nil)}
	state["layout"] = reference(parts[0])
	if style != "" {
		parts = append(parts, newModel(controls, controlsVersion, style, base, baseVersion, "StyleView", nil))
		state["style"] = reference(parts[1])
	}
	state["_dom_classes"] = []string{}
	m := newModel(module, version, name+"Model", module, version, name+"View", state)
	m.parts = parts
	return m
}

// reference is how one model's state names another.
func reference(m *model) string { return "IPY_MODEL_" + m.id }

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}

// ModelID identifies the widget in the page.
func (m *model) ModelID() string { return m.id }

// data is the state in the form that messages carry, with the binary parts taken
// out and their places named.
func (m *model) data(state map[string]any, bytes map[string][]byte) (data map[string]any, buffers [][]byte) {
	paths := [][]string{}
	for key, b := range bytes {
		paths = append(paths, []string{key})
		buffers = append(buffers, b)
	}
	return map[string]any{"state": maps.Clone(state), "buffer_paths": paths}, buffers
}

// send sends a comm message of this model; m.mu is held, which keeps messages in
// the order of the changes. Outside a notebook there is no page to tell.
func (m *model) send(kind string, content map[string]any, buffers [][]byte) {
	if m.closed || !display.Connected() {
		return
	}
	content["comm_id"] = m.id
	msg := display.Message{Kind: kind, Content: content, Buffers: buffers}
	if kind == "comm_open" {
		msg.Metadata = map[string]any{"version": protocolVersion}
	}
	display.Send(msg) // an error means that the kernel has gone
}

// sendState sends a part of the state with a method, "update" or "echo_update".
func (m *model) sendState(method string, state map[string]any, bytes map[string][]byte) {
	data, buffers := m.data(state, bytes)
	data["method"] = method
	m.send("comm_msg", map[string]any{"data": data}, buffers)
}

// get returns a part of the state.
func (m *model) get(key string) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state[key]
}

// set changes a part of the state and tells the page.
func (m *model) set(key string, value any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b, ok := value.([]byte); ok {
		m.bytes[key] = b
		m.sendState("update", nil, map[string][]byte{key: b})
		return
	}
	m.state[key] = value
	m.sendState("update", map[string]any{key: value}, nil)
}

// onChanged sets what is called when the page changes a part of the state.
func (m *model) onChanged(key string, f func(any)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changed[key] = f
}

// onEvent sets what is called when the page sends a custom event.
func (m *model) onEvent(name string, f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.event[name] = f
}

// Close removes the widget from the page. It keeps its last value.
func (m *model) Close() {
	m.mu.Lock()
	m.send("comm_close", map[string]any{"data": map[string]any{}}, nil)
	m.closed = true
	m.mu.Unlock()
	models.remove(m)
	for _, part := range m.parts {
		part.Close()
	}
}

// bundle is the MIME bundle of a widget.
func bundle(w Widget, plain string) map[string]any {
	b := map[string]any{"text/html": w.static(), "text/plain": plain}
	if display.Connected() {
		models.show(w)
		b["application/vnd.jupyter.widget-view+json"] = map[string]any{
			"version_major": 2, "version_minor": 1, "model_id": w.ModelID(),
		}
	}
	return b
}

// labelled puts a description in front of the HTML form of a control.
func (m *model) labelled(control string) string {
	d, _ := m.get("description").(string)
	return fmt.Sprintf(`<div style="display:flex;gap:.5em;align-items:center"><label>%s</label>%s</div>`, html.EscapeString(d), control)
}

// plain is the text form of a control: "gain: 50".
func (m *model) plain(value any) string {
	d, _ := m.get("description").(string)
	return strings.TrimPrefix(fmt.Sprintf("%s: %v", d, value), ": ")
}
