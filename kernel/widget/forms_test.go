package widget

import (
	"strings"
	"testing"

	"govle/kernel/display"
)

// TestForms asks for the present forms as the kernel does after a cell.
func TestForms(t *testing.T) {
	p := connect(t)
	s := NewIntSlider(0, 10, 1)
	closed := NewButton("x")
	box := NewHBox(s)
	box.MIMEBundle()
	closed.MIMEBundle()
	closed.Close()
	move(t, s, "value", 9)
	p.take()
	deliver(t, "comm_msg", display.StaticComm, map[string]any{"asked": 5, "models": []any{box.ModelID(), closed.ModelID(), "unknown", 3}})
	sent := p.take()
	if len(sent) != 1 || sent[0].Content["comm_id"] != display.StaticComm || dataOf(sent[0])["asked"] != 5.0 {
		t.Fatalf("answered %v", sent)
	}
	forms := dataOf(sent[0])["forms"].(map[string]any)
	form, _ := forms[box.ModelID()].(map[string]any)
	if page, _ := form["text/html"].(string); len(forms) != 1 || !strings.Contains(page, `value="9"`) {
		t.Errorf("the forms are %v, want one with the slider at 9", forms)
	}
}
