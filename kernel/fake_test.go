package kernel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"govle/kernel/display"
	"govle/kernel/engine"
)

// fake is an executor for tests. Its cells are lines of a word and the rest:
//
//	print TEXT, printerr TEXT   printed with a line end
//	raw TEXT                    printed as it is, Go escapes allowed
//	value TEXT                  the cell's value
//	error TEXT                  the cell fails
//	sleep DURATION              until then, or an interrupt
//	block                       until an interrupt
//	flood N                     N KiB on stdout
//	gallery N                   N times display_data of 64 KiB
//	show TEXT                   display_data with display_id d
//	update TEXT                 update_display_data of it
//	clear                       clear_output
//	widget TEXT                 shows widget w, whose HTML form is TEXT
//	value-widget TEXT           the cell's value is that widget
//	change TEXT                 changes the widget's form
//	ask PROMPT, secret PROMPT   asks and prints the answer
//	open ID                     opens comm ID with target "t"
//	later DURATION              prints "late" from a goroutine after that time
//	die                         the worker is lost
type fake struct {
	sink engine.Sink

	mu        sync.Mutex
	interrupt chan struct{}
	ran       []string // sources, in order
	comms     []engine.Message
	closed    bool
	form      string // HTML form of the widget w
	mute      bool   // questions for it get no answer
	alone     bool   // comm messages cannot be delivered
}

func newFake(s engine.Sink) *fake { return &fake{sink: s} }

func (f *fake) Execute(ctx context.Context, c engine.Cell) engine.Result {
	stop := make(chan struct{})
	f.mu.Lock()
	f.interrupt = stop
	f.ran = append(f.ran, c.Source)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.interrupt = nil
		f.mu.Unlock()
	}()
	var res engine.Result
	for line := range strings.Lines(c.Source) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if err := f.do(ctx, stop, c, &res, word, rest); err != nil {
			res.Err = &engine.CellError{Name: err.name, Value: err.text, Traceback: []string{"\x1b[31m" + err.name + "\x1b[0m: " + err.text}}
			return res
		}
	}
	return res
}

type fakeError struct{ name, text string }

func (f *fake) do(ctx context.Context, stop chan struct{}, c engine.Cell, res *engine.Result, word, rest string) *fakeError {
	text := map[string]any{"text/plain": rest}
	switch word {
	case "print":
		f.sink.Stream(c.ID, "stdout", rest+"\n")
	case "printerr":
		f.sink.Stream(c.ID, "stderr", rest+"\n")
	case "raw":
		var s string
		fmt.Sscanf(`"`+rest+`"`, "%q", &s)
		f.sink.Stream(c.ID, "stdout", s)
	case "value":
		res.Value = text
	case "error":
		return &fakeError{"Panic", rest}
	case "die":
		return &fakeError{"WorkerLost", "the worker is gone"}
	case "sleep", "block":
		d, err := time.ParseDuration(rest)
		if err != nil {
			d = time.Hour
		}
		select {
		case <-time.After(d):
		case <-stop:
			return &fakeError{"Interrupted", "interrupted"}
		case <-ctx.Done():
			return &fakeError{"Interrupted", "the kernel ends"}
		}
	case "flood":
		var n int
		fmt.Sscan(rest, &n)
		chunk := strings.Repeat("0123456789abcde\n", 64)
		for range n {
			f.sink.Stream(c.ID, "stdout", chunk)
		}
	case "gallery":
		var n int
		fmt.Sscan(rest, &n)
		picture := strings.Repeat("x", 64<<10)
		for range n {
			f.sink.Publish(c.ID, engine.Message{Kind: "display_data", Content: map[string]any{"data": map[string]any{"text/plain": picture}}})
		}
	case "show":
		f.sink.Publish(c.ID, engine.Message{Kind: "display_data", Content: map[string]any{
			"data": text, "metadata": map[string]any{}, "transient": map[string]any{"display_id": "d"}}})
	case "update":
		f.sink.Publish(c.ID, engine.Message{Kind: "update_display_data", Content: map[string]any{
			"data": text, "metadata": map[string]any{}, "transient": map[string]any{"display_id": "d"}}})
	case "clear":
		f.sink.Publish(c.ID, engine.Message{Kind: "clear_output", Content: map[string]any{"wait": true}})
	case "widget", "value-widget", "change":
		f.mu.Lock()
		f.form = rest
		f.mu.Unlock()
		bundle := map[string]any{"text/plain": "w", "text/html": rest, widgetView: map[string]any{"model_id": "w"}}
		if word == "value-widget" {
			res.Value = bundle
		} else if word == "widget" {
			f.sink.Publish(c.ID, engine.Message{Kind: "display_data", Content: map[string]any{"data": bundle}})
		}
	case "ask", "secret":
		answer, err := f.sink.Input(c.ID, rest, word == "secret")
		if err != nil {
			return &fakeError{"Panic", err.Error()}
		}
		f.sink.Stream(c.ID, "stdout", "answer: "+answer+"\n")
	case "open":
		f.sink.Publish(c.ID, engine.Message{Kind: "comm_open", Metadata: map[string]any{"version": "2.1.0"},
			Content: map[string]any{"comm_id": rest, "target_name": "t", "data": map[string]any{}}, Buffers: [][]byte{{1, 2, 3}}})
	case "later":
		d, _ := time.ParseDuration(rest)
		go func() {
			time.Sleep(d)
			f.sink.Stream(c.ID, "stdout", "late\n")
		}()
	}
	return nil
}

func (f *fake) Interrupt() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.interrupt != nil {
		close(f.interrupt)
		f.interrupt = nil
	}
}

func (f *fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

func (f *fake) Comm(m engine.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.comms = append(f.comms, m)
	id, _ := m.Content["comm_id"].(string)
	if f.alone {
		return errors.New("there is no worker")
	}
	if id == display.StaticComm {
		if !f.mute {
			data := m.Content["data"].(map[string]any)
			f.sink.Publish("", engine.Message{Kind: "comm_msg", Content: map[string]any{"comm_id": id, "data": map[string]any{
				"asked": data["asked"], "forms": map[string]any{"w": map[string]any{"text/html": f.form, "text/plain": "w"}}}}})
		}
		return nil
	}
	if m.Content["target_name"] == "nobody" {
		return errors.New("no such target")
	}
	if m.Kind == "comm_msg" {
		f.sink.Publish("", engine.Message{Kind: "comm_msg", Content: map[string]any{"comm_id": id, "data": m.Content["data"]}, Buffers: m.Buffers})
	}
	return nil
}

func (f *fake) sources() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.ran...)
}

func (f *fake) Complete(_ context.Context, src string, pos int) engine.Completion {
	return engine.Completion{Start: max(0, pos-2), End: pos, Matches: []engine.Match{{Text: "print", Type: "keyword", Signature: fmt.Sprint(src, "@", pos)}}}
}

func (f *fake) Inspect(_ context.Context, src string, pos, detail int) (map[string]any, bool) {
	if !strings.Contains(src, "print") {
		return nil, false
	}
	return map[string]any{"text/plain": fmt.Sprint(src, "@", pos, " detail ", detail)}, true
}

func (f *fake) IsComplete(src string) (status, indent string) {
	switch {
	case strings.HasSuffix(src, "{"):
		return "incomplete", "\t"
	case strings.HasPrefix(src, "}"):
		return "invalid", ""
	}
	return "complete", ""
}
