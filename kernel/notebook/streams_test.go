package notebook

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestCollectorBound checks that a cell which prints without end keeps its
// beginning and its end and says what is missing, and that its neighbours, its
// other outputs and a cell that is cleared keep what they show.
func TestCollectorBound(t *testing.T) {
	col := newCollector(func(*Cell) {})
	col.maxText = 1000
	endless, other := &Cell{}, &Cell{}
	stream := func(cell *Cell, name, text string) {
		b, err := json.Marshal(map[string]string{"name": name, "text": text})
		if err != nil {
			t.Fatal(err)
		}
		send(t, col, cell, "stream", string(b))
	}
	total := 0
	for i := range 200_000 {
		line := fmt.Sprintf("line %d\n", i)
		total += len(line)
		stream(endless, []string{"stdout", "stderr"}[i/150_000], line)
		if i == 100_000 {
			col.finishStreams() // as it is saved meanwhile
		}
	}
	stream(other, "stdout", "short\n")
	send(t, col, endless, "display_data", `{"data":{"text/plain":"a picture"},"metadata":{}}`)
	col.finishStreams()
	if got := shown(other); len(got) != 1 || got[0] != "stdout:short\n" {
		t.Errorf("the other cell shows %q", got)
	}
	if len(endless.Outputs) != 3 || shown(endless)[2] != "a picture" {
		t.Fatalf("%d outputs", len(endless.Outputs))
	}
	head, tail := endless.Outputs[0].Text, endless.Outputs[1].Text
	if !strings.HasPrefix(head, "line 0\nline 1\n") || len(head) < 1000 || len(head) > 1020 {
		t.Errorf("the beginning has %d bytes", len(head))
	}
	var missing, limit int
	if _, err := fmt.Sscanf(tail, "\n[%d bytes of printed text are left out here; of a cell, %d are kept]\n", &missing, &limit); err != nil {
		t.Fatalf("the end begins %q: %v", tail[:80], err)
	}
	kept := tail[strings.Index(tail, "]\n")+2:]
	if !strings.HasPrefix(kept, "line ") || !strings.HasSuffix(kept, "\nline 199999\n") {
		t.Errorf("the end goes from %q to %q", kept[:20], kept[len(kept)-20:])
	}
	if len(head)+missing+len(kept) != total || limit != 1000 {
		t.Errorf("%d, %d and %d bytes are not %d; limit %d", len(head), missing, len(kept), total, limit)
	}

	send(t, col, endless, "clear_output", `{"wait":true}`)
	stream(endless, "stdout", "anew\n")
	col.finishStreams()
	if got := shown(endless); len(got) != 1 || got[0] != "stdout:anew\n" {
		t.Errorf("after clear_output the cell shows %q", got)
	}

	// A progress line that is redrawn for ever takes no room.
	bar := &Cell{}
	for i := range 10_000 {
		stream(bar, "stderr", fmt.Sprintf("\r%5d", i))
	}
	col.finishStreams()
	if got := shown(bar); len(got) != 1 || got[0] != "stderr: 9999" {
		t.Errorf("the progress line shows %q", got)
	}

	// A little over the bound, nothing is missing.
	over := &Cell{}
	stream(over, "stdout", strings.Repeat("x", 1000))
	stream(over, "stdout", "y")
	col.finishStreams()
	if got := shown(over); len(got) != 2 || got[1] != "stdout:y" {
		t.Errorf("shows %q", got)
	}
}
