package widget

import "govle/kernel/display"

// show notes that a widget is shown.
func (t *table) show(w Widget) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID[w.ModelID()] != nil {
		t.shown[w.ModelID()] = w
	}
}

// sendForms answers the kernel, which asks how widgets look that it has shown. What
// was closed meanwhile is not in the answer.
func (t *table) sendForms(question map[string]any) {
	forms := map[string]any{}
	ids, _ := question["models"].([]any)
	for _, id := range ids {
		id, _ := id.(string)
		t.mu.Lock()
		w := t.shown[id]
		t.mu.Unlock()
		if w != nil {
			forms[id] = w.MIMEBundle()
		}
	}
	display.Send(display.Message{Kind: "comm_msg", Content: map[string]any{
		"comm_id": display.StaticComm, "data": map[string]any{"asked": question["asked"], "forms": forms},
	}})
}
