package notebook

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"govle/kernel/wire"
)

// send passes one iopub message to a collector.
func send(t *testing.T, c *collector, cell *Cell, msgType, content string, buffers ...[]byte) {
	t.Helper()
	m := &wire.Message{Header: wire.Header{MsgType: msgType}, Content: json.RawMessage(content), Buffers: buffers}
	if err := c.handle(cell, m); err != nil {
		t.Fatal(err)
	}
}

// shown lists outputs in short: the text of streams, the plain form of the rest.
func shown(c *Cell) []string {
	out := []string{}
	for _, o := range c.Outputs {
		switch o.Type {
		case Stream:
			out = append(out, o.Name+":"+o.Text)
		case ErrorOutput:
			out = append(out, "error:"+o.ErrorName)
		default:
			out = append(out, o.Data["text/plain"].(string))
		}
	}
	return out
}

func TestCollector(t *testing.T) {
	plain := func(text, rest string) string {
		return `{"data":{"text/plain":"` + text + `"},"metadata":{}` + rest + `}`
	}
	type message struct{ kind, content string }
	for _, c := range []struct {
		name     string
		messages []message
		want     []string
	}{
		{"streams merge", []message{
			{"stream", `{"name":"stdout","text":"a"}`}, {"stream", `{"name":"stdout","text":"b\n"}`}, {"stream", `{"name":"stdout","text":"c"}`},
		}, []string{"stdout:ab\nc"}},
		{"other streams and displays part them", []message{
			{"stream", `{"name":"stdout","text":"a"}`}, {"stream", `{"name":"stderr","text":"b"}`}, {"stream", `{"name":"stdout","text":"c"}`},
			{"display_data", plain("d", "")}, {"stream", `{"name":"stdout","text":"e"}`},
		}, []string{"stdout:a", "stderr:b", "stdout:c", "d", "stdout:e"}},
		{"a redrawn line is kept once", []message{
			{"stream", `{"name":"stdout","text":"x\n1%\r"}`}, {"stream", `{"name":"stdout","text":"20%\r"}`}, {"stream", `{"name":"stdout","text":"100%\ny"}`},
		}, []string{"stdout:x\n100%\ny"}},
		{"update by display id", []message{
			{"display_data", plain("one", `,"transient":{"display_id":"i"}`)}, {"display_data", plain("two", "")},
			{"display_data", plain("three", `,"transient":{"display_id":"i"}`)}, {"update_display_data", plain("new", `,"transient":{"display_id":"i"}`)},
			{"update_display_data", plain("lost", `,"transient":{"display_id":"j"}`)},
		}, []string{"new", "two", "new"}},
		{"clear at once", []message{{"stream", `{"name":"stdout","text":"a"}`}, {"clear_output", `{"wait":false}`}}, []string{}},
		{"clear waits", []message{{"stream", `{"name":"stdout","text":"a"}`}, {"clear_output", `{"wait":true}`}}, []string{"stdout:a"}},
		{"clear waited", []message{
			{"stream", `{"name":"stdout","text":"a"}`}, {"clear_output", `{"wait":true}`}, {"stream", `{"name":"stdout","text":"b"}`}, {"stream", `{"name":"stdout","text":"c"}`},
		}, []string{"stdout:bc"}},
		{"error and result", []message{
			{"execute_result", plain("7", `,"execution_count":3`)}, {"error", `{"ename":"E","evalue":"v","traceback":["t"]}`}, {"status", `{"execution_state":"idle"}`},
		}, []string{"7", "error:E"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cell := &Cell{Type: Code}
			col := newCollector(func(*Cell) {})
			for _, m := range c.messages {
				send(t, col, cell, m.kind, m.content)
			}
			col.finishStreams()
			if got := shown(cell); !reflect.DeepEqual(got, c.want) {
				t.Errorf("shown %q, wanted %q", got, c.want)
			}
		})
	}
}

func TestCollectorUpdatesEarlierCell(t *testing.T) {
	first, second := &Cell{Type: Code}, &Cell{Type: Code}
	changed := map[*Cell]int{}
	col := newCollector(func(c *Cell) { changed[c]++ })
	send(t, col, first, "display_data", `{"data":{"text/plain":"old"},"transient":{"display_id":"i"}}`)
	send(t, col, second, "update_display_data", `{"data":{"text/plain":"new"},"transient":{"display_id":"i"}}`)
	if got := shown(first); got[0] != "new" || len(second.Outputs) != 0 || changed[first] != 2 {
		t.Errorf("first shows %q, second has %d outputs, first changed %d times", got, len(second.Outputs), changed[first])
	}
}

// TestCollectorManyStreams prints 20 MB in small pieces, which takes minutes if
// each is added to a growing string.
func TestCollectorManyStreams(t *testing.T) {
	cell := &Cell{Type: Code}
	col := newCollector(func(*Cell) {})
	m := &wire.Message{Header: wire.Header{MsgType: "stream"}, Content: json.RawMessage(`{"name":"stdout","text":"` + strings.Repeat("x", 99) + `\n"}`)}
	start := time.Now()
	for range 200_000 {
		if err := col.handle(cell, m); err != nil {
			t.Fatal(err)
		}
	}
	col.finishStreams()
	if len(cell.Outputs) != 1 || len(cell.Outputs[0].Text) != 20_000_000 {
		t.Errorf("%d outputs, the first of %d bytes", len(cell.Outputs), len(cell.Outputs[0].Text))
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestWidgetState(t *testing.T) {
	cell := &Cell{Type: Code}
	col := newCollector(func(*Cell) {})
	send(t, col, cell, "comm_open", `{"comm_id":"w","target_name":"jupyter.widget","data":{"state":{"_model_name":"M","_model_module":"mod","_model_module_version":"2","value":1},"buffer_paths":[["b"]]}}`, []byte("hi"))
	send(t, col, cell, "comm_msg", `{"comm_id":"w","data":{"method":"update","state":{"value":2}}}`)
	send(t, col, cell, "comm_msg", `{"comm_id":"w","data":{"method":"custom","content":{"value":3}}}`)
	send(t, col, cell, "comm_open", `{"comm_id":"closed","target_name":"jupyter.widget","data":{"state":{}}}`)
	send(t, col, cell, "comm_close", `{"comm_id":"closed","data":{}}`)
	send(t, col, cell, "comm_open", `{"comm_id":"other","target_name":"mine","data":{"state":{}}}`)
	nb := &Notebook{}
	col.widgets.store(nb)
	bundle := nb.Metadata["widgets"].(map[string]any)["application/vnd.jupyter.widget-state+json"].(map[string]any)
	states := bundle["state"].(map[string]any)
	w, _ := states["w"].(map[string]any)
	if len(states) != 1 || w["model_name"] != "M" || w["state"].(map[string]any)["value"] != json.Number("2") {
		t.Fatalf("states %v", states)
	}
	b := w["buffers"].([]any)[0].(map[string]any)
	if b["data"] != "aGk=" || b["encoding"] != "base64" {
		t.Errorf("buffer %v", b)
	}
}

func TestOverwrite(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain\ntext", "plain\ntext"},
		{"a\r\nb\r\n", "a\nb\n"},
		{"100%\r5", "500%"},
		{"abc\rX\n", "Xbc\n"},
		{"50%\r", "50%\r"},
		{"typo\b\bing", "tying"},
		{"\b\bx", "x"},
		{"\x1b[31mlong line\x1b[0m\rshort", "short"},
		{"é\rü", "ü"},
	} {
		if got := overwrite(c.in); got != c.want {
			t.Errorf("overwrite(%q) is %q, wanted %q", c.in, got, c.want)
		}
	}
}
