package widget

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"govle/kernel/display"
)

// kinds counts messages by kind.
func kinds(messages []display.Message) map[string]int {
	n := map[string]int{}
	for _, m := range messages {
		n[m.Kind]++
	}
	return n
}

// TestTrack checks that the loop runs as it is, and what stays of the bar.
func TestTrack(t *testing.T) {
	p := connect(t)
	sum := 0
	for i := range Track(1000, "<adding>") {
		sum += i
	}
	if sum != 999*1000/2 {
		t.Errorf("the loop added up to %d", sum)
	}
	sent := p.take()
	if n := kinds(sent); n["display_data"] != 1 || n["update_display_data"] != 1 || n["comm_open"] != n["comm_close"] || n["comm_open"] == 0 {
		t.Errorf("sent %v: want one display, one last update, and every model closed", n)
	}
	var last map[string]any
	for _, m := range sent {
		if m.Kind == "update_display_data" {
			last = m.Content["data"].(map[string]any)
		}
	}
	page, _ := last["text/html"].(string)
	if !strings.Contains(page, `max="1000" value="1000"`) || !strings.Contains(page, "&lt;adding&gt;") || !strings.Contains(page, "100% 1000/1000") {
		t.Errorf("what stays is %s", page)
	}
	if last["application/vnd.jupyter.widget-view+json"] != nil {
		t.Error("what stays needs a kernel")
	}
	if len(models.order) != 0 && models.byID[models.order[len(models.order)-1]] == nil {
		t.Error("a closed model is still listed")
	}
	stopped := 0
	for i := range Track(10, "x") {
		if stopped = i; i == 3 {
			break
		}
	}
	if got := fmt.Sprint(p.take()); stopped != 3 || !strings.Contains(got, "30% 3/10") {
		t.Errorf("after a break at %d: %s", stopped, got)
	}
}

// TestProgressTiers checks that a page that shows the widget gets no HTML in
// between, and that one that does not gets some.
func TestProgressTiers(t *testing.T) {
	for _, widgets := range []bool{true, false} {
		p := connect(t)
		bar := NewProgress(1<<30, "x")
		if widgets {
			move(t, bar.bar, "_view_count", 1)
			<-bar.viewed
		}
		for end := time.Now().Add(viewWait + 300*time.Millisecond); time.Now().Before(end); {
			bar.Add(1)
			bar.Note("loss %d", 3)
		}
		n := kinds(p.take())
		if (n["update_display_data"] > 0) == widgets {
			t.Errorf("widget support %v: %d times HTML", widgets, n["update_display_data"])
		}
		if n["comm_msg"] > 60 {
			t.Errorf("drawn %d times in a second", n["comm_msg"])
		}
		if s := bar.String(); !strings.HasSuffix(s, "loss 3") {
			t.Errorf("the line is %q", s)
		}
		bar.Done()
		bar.Done()
		if n := kinds(p.take()); n["update_display_data"] != 1 {
			t.Errorf("Done updated %d times", n["update_display_data"])
		}
	}
}
