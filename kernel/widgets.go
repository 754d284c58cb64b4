package kernel

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	"govle/kernel/display"
	"govle/kernel/engine"
	"govle/kernel/wire"
)

// widgets are the outputs that show widgets. Beside the widget, such an output has a
// plain HTML form for where no kernel runs. It is made when the widget is shown and
// grows old as the widget changes; here it is renewed when a cell has ended, and
// takes the widget's place when the worker has gone, so that a notebook keeps what
// was last seen.
type widgets struct {
	mu     sync.Mutex
	shown  []*shownWidget // as they were shown
	moved  time.Time      // when a page last changed a widget
	asked  int            // number of the question that answer is for
	answer chan map[string]any
}

// shownWidget is one output.
type shownWidget struct {
	displayID, model string
	data, metadata   map[string]any
	stale            bool // the front ends have older data
}

const (
	widgetView = "application/vnd.jupyter.widget-view+json"
	// maxShownWidgets bounds the outputs that are kept up to date; older ones stay as
	// they are.
	maxShownWidgets = 1000
	// handsOff is how long a widget that someone moves is left alone: renewing an
	// output draws it anew.
	handsOff = 2 * time.Second
	// staticWait bounds the wait for the worker's answer. It is long for a machine
	// that is busy; a worker without package widget never answers, and is asked once.
	staticWait = 2 * time.Second
	// newWorkerWait is that wait where a new worker may be there.
	newWorkerWait = 300 * time.Millisecond
)

// modelOf is the widget that a MIME bundle shows beside its HTML form, or "".
func modelOf(data map[string]any) string {
	if _, ok := data["text/html"].(string); !ok {
		return ""
	}
	view, _ := data[widgetView].(map[string]any)
	id, _ := view["model_id"].(string)
	return id
}

// note keeps the list in step with what a cell shows. An output that shows a widget
// gets a display id, by which it can be changed.
func (w *widgets) note(kind string, content map[string]any) {
	if kind != "display_data" && kind != "update_display_data" {
		return
	}
	data, _ := content["data"].(map[string]any)
	model := modelOf(data)
	transient, _ := content["transient"].(map[string]any)
	id, _ := transient["display_id"].(string)
	if model == "" && id == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if kind == "update_display_data" {
		w.shown = slices.DeleteFunc(w.shown, func(s *shownWidget) bool { return s.displayID == id })
	}
	if model == "" {
		return
	}
	if id == "" {
		id = wire.NewID()
		transient = maps.Clone(orEmpty(transient))
		transient["display_id"] = id
		content["transient"] = transient
	}
	metadata, _ := content["metadata"].(map[string]any)
	if len(w.shown) >= maxShownWidgets {
		w.shown = slices.Delete(w.shown, 0, 1)
	}
	w.shown = append(w.shown, &shownWidget{displayID: id, model: model, data: data, metadata: metadata})
}

// touched notes that a page changes a widget.
func (w *widgets) touched() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moved = time.Now()
}

// closed drops the outputs of a widget that was closed.
func (w *widgets) closed(model string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown = slices.DeleteFunc(w.shown, func(s *shownWidget) bool { return s.model == model })
}

// drop forgets all outputs.
func (w *widgets) drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown = nil
}

// answered takes the worker's answer, and tells whether the message was one.
func (w *widgets) answered(m engine.Message) bool {
	if id, _ := m.Content["comm_id"].(string); id != display.StaticComm {
		return false
	}
	data, _ := m.Content["data"].(map[string]any)
	forms, _ := data["forms"].(map[string]any)
	number, _ := data["asked"].(float64)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answer != nil && int(number) == w.asked && forms != nil {
		w.answer <- forms // has room for the one answer
		w.answer = nil
	}
	return true
}

// newWorker matches a cell after which another worker may be there, which knows
// nothing of the widgets.
var newWorker = regexp.MustCompile(`(?m)^\s*%(reset|get)\b`)

// renewWidgets brings the HTML forms of widgets up to date after a cell.
func (k *server) renewWidgets(parent wire.Header, code string) {
	w := &k.widgets
	w.mu.Lock()
	none := len(w.shown) == 0
	w.mu.Unlock()
	if none {
		return
	}
	wait := staticWait
	restarted := newWorker.MatchString(code)
	if restarted {
		wait = newWorkerWait
	}
	switch err := k.askWidgets(wait); {
	case errors.Is(err, errNoAnswer) && !restarted:
		w.drop()
		return
	case err != nil:
		k.comms.clear()
		k.endWidgets(parent)
		return
	}
	var changed []shownWidget
	w.mu.Lock()
	if time.Since(w.moved) > handsOff {
		for _, s := range w.shown {
			if s.stale {
				s.stale = false
				changed = append(changed, *s)
			}
		}
	}
	w.mu.Unlock()
	for _, s := range changed {
		k.showWidget(parent, s)
	}
}

// errNoAnswer says that the worker does not know of widgets.
var errNoAnswer = errors.New("no answer about widgets")

// askWidgets asks the worker how the widgets look and puts it in the list. Those that
// were closed leave the list. The error is errNoAnswer, or says that the worker has gone.
func (k *server) askWidgets(wait time.Duration) error {
	w := &k.widgets
	answer := make(chan map[string]any, 1)
	w.mu.Lock()
	models := make([]any, len(w.shown))
	for i, s := range w.shown {
		models[i] = s.model
	}
	w.asked++
	w.answer = answer
	asked := w.asked
	w.mu.Unlock()
	receiver, ok := k.exec.(commReceiver)
	if len(models) == 0 || !ok {
		return nil
	}
	err := receiver.Comm(engine.Message{Kind: "comm_msg", Content: map[string]any{
		"comm_id": display.StaticComm, "data": map[string]any{"models": models, "asked": float64(asked)},
	}})
	if err != nil {
		return err
	}
	var forms map[string]any
	select {
	case forms = <-answer:
	case <-time.After(wait):
		return errNoAnswer
	case <-k.ctx.Done():
		return errNoAnswer
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown = slices.DeleteFunc(w.shown, func(s *shownWidget) bool {
		form, _ := forms[s.model].(map[string]any)
		page, ok := form["text/html"].(string)
		if ok && page != s.data["text/html"] {
			s.data = map[string]any{widgetView: s.data[widgetView], "text/html": page, "text/plain": form["text/plain"]}
			s.stale = true
		}
		return !ok && slices.Contains(models, any(s.model)) // it was closed
	})
	return nil
}

// showWidget publishes an output anew.
func (k *server) showWidget(parent wire.Header, s shownWidget) {
	k.iopub.show(k.message("update_display_data", parent, map[string]any{
		"data": s.data, "metadata": orEmpty(s.metadata), "transient": map[string]any{"display_id": s.displayID},
	}))
}

// endWidgets puts the HTML form in the place of every widget that is shown: there is
// nobody left to move it for.
func (k *server) endWidgets(parent wire.Header) {
	w := &k.widgets
	w.mu.Lock()
	shown := w.shown
	w.shown = nil
	w.mu.Unlock()
	for _, s := range shown {
		last := *s
		last.data = maps.Clone(s.data)
		delete(last.data, widgetView)
		k.showWidget(parent, last)
	}
}
