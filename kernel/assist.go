package kernel

import "unicode/utf8"

// position is where a front end's cursor stands in a source. Jupyter counts
// Unicode code points; without a cursor it is the end.
type position struct {
	Code        string `json:"code"`
	CursorPos   *int   `json:"cursor_pos"`
	DetailLevel int    `json:"detail_level"`
}

// cursor returns the position, moved into the source.
func (p position) cursor() int {
	n := utf8.RuneCountInString(p.Code)
	if p.CursorPos == nil {
		return n
	}
	return max(0, min(*p.CursorPos, n))
}

// complete answers complete_request. Types and signatures go into the metadata
// where JupyterLab looks for them.
func (k *server) complete(r *request) any {
	var p position
	if err := r.Unmarshal(&p); err != nil {
		return failure("BadRequest", "%v", err)
	}
	pos := p.cursor()
	matches, types := []string{}, []map[string]any{}
	start, end := pos, pos
	if c, ok := k.exec.(completer); ok {
		found := c.Complete(k.ctx, p.Code, pos)
		start, end = found.Start, found.End
		for _, m := range found.Matches {
			matches = append(matches, m.Text)
			types = append(types, map[string]any{
				"start": start, "end": end, "text": m.Text, "type": m.Type, "signature": m.Signature,
			})
		}
	}
	return map[string]any{
		"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end,
		"metadata": map[string]any{"_jupyter_types_experimental": types},
	}
}

// inspect answers inspect_request.
func (k *server) inspect(r *request) any {
	var p position
	if err := r.Unmarshal(&p); err != nil {
		return failure("BadRequest", "%v", err)
	}
	var bundle map[string]any
	found := false
	if i, ok := k.exec.(inspector); ok {
		bundle, found = i.Inspect(k.ctx, p.Code, p.cursor(), p.DetailLevel)
	}
	return map[string]any{"status": "ok", "found": found, "data": orEmpty(bundle), "metadata": map[string]any{}}
}

// isComplete answers is_complete_request.
func (k *server) isComplete(r *request) any {
	var p position
	if err := r.Unmarshal(&p); err != nil {
		return failure("BadRequest", "%v", err)
	}
	status, indent := "unknown", ""
	if c, ok := k.exec.(completenessChecker); ok {
		status, indent = c.IsComplete(p.Code)
	}
	content := map[string]any{"status": status}
	if status == "incomplete" {
		content["indent"] = indent
	}
	return content
}
