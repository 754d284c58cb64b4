package kernel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"govle/kernel/client"
	"govle/kernel/wire"
)

// outputsOf runs a cell and returns what it showed: the message's kind, the HTML form,
// and "live" when the widget is beside it.
func outputsOf(t *testing.T, c *client.Client, code string) []string {
	t.Helper()
	var shown []string
	_, err := c.Execute(t.Context(), code, client.ExecuteOptions{}, func(m *wire.Message) {
		if s := shownIn(t, m); s != "" {
			shown = append(shown, s)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

func shownIn(t *testing.T, m *wire.Message) string {
	t.Helper()
	var content struct {
		Data      map[string]any `json:"data"`
		Transient map[string]any `json:"transient"`
	}
	if err := m.Unmarshal(&content); err != nil {
		t.Error(err)
	}
	page, ok := content.Data["text/html"].(string)
	if !ok {
		return ""
	}
	if id, _ := content.Transient["display_id"].(string); id == "" {
		t.Errorf("%s has no display id", m.Header.MsgType)
	}
	s := fmt.Sprint(m.Header.MsgType, " ", page)
	if content.Data[widgetView] != nil {
		s += " live"
	}
	return s
}

// TestWidgetForms follows the HTML form of widgets: it is renewed at the end of a cell
// when it has changed, left alone while someone moves the widget, and takes the
// widget's place when the worker has gone and when the kernel ends.
func TestWidgetForms(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	for i, tt := range []struct{ code, want string }{
		{"value 1", ""},
		{"widget 0%", "display_data 0% live"},
		{"value 1", ""},
		{"change 50%", "update_display_data 50% live"},
		{"change 70%\nerror x", "update_display_data 70% live"},
		{"widget 0%\nchange 100%", "display_data 0% live, update_display_data 100% live, update_display_data 100% live"},
		{"die", "update_display_data 100%, update_display_data 100%"},
		{"change 7%", ""},
		{"value-widget 8%", "display_data 8% live"},
	} {
		if got := strings.Join(outputsOf(t, c, tt.code), ", "); got != tt.want {
			t.Errorf("step %d, %q: shown %q, want %q", i, tt.code, got, tt.want)
		}
	}
	if err := c.Notify(wire.Shell, "comm_msg", map[string]any{"comm_id": "w", "data": map[string]any{"method": "update"}}); err != nil {
		t.Fatal(err)
	}
	if got := outputsOf(t, c, "change 9%"); len(got) > 0 {
		t.Errorf("a widget that is being moved is drawn anew: %v", got)
	}
	watch := tk.listenIOPub(t)
	if err := c.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	for {
		select {
		case m := <-watch:
			if m.Header.MsgType == "shutdown_reply" {
				t.Fatal("the form does not take the widget's place when the kernel ends")
			}
			if shownIn(t, m) == "update_display_data 9%" {
				return
			}
		case <-time.After(5 * time.Second):
			t.Fatal("nothing is shown when the kernel ends")
		}
	}
}

// TestWidgetsOfNobody: a worker that has gone ends its widgets, and what looks like a
// widget but is answered for by nobody costs one wait.
func TestWidgetsOfNobody(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	outputsOf(t, c, "widget a")
	set := func(alone, mute bool) {
		tk.fake.mu.Lock()
		defer tk.fake.mu.Unlock()
		tk.fake.alone, tk.fake.mute = alone, mute
	}
	set(true, false)
	if got := strings.Join(outputsOf(t, c, "value 1"), ", "); got != "update_display_data a" {
		t.Errorf("shown %q, want the form in the widget's place", got)
	}
	set(false, true)
	outputsOf(t, c, "widget b")
	start := time.Now()
	if got := outputsOf(t, c, "change c"); len(got) > 0 || time.Since(start) > staticWait/2 {
		t.Errorf("after a question without an answer: %v, %v", got, time.Since(start))
	}
}
