package notebook

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// readV3 turns the decoded JSON of an nbformat 3 file (IPython 1 and 2) into a
// notebook of nbformat 4.5: worksheets are joined, heading cells become
// Markdown, prompt numbers become execution counts and the short names of
// output types become MIME types.
func readV3(top map[string]any) (*Notebook, error) {
	sheets, err := list(top, "worksheets")
	if err != nil {
		return nil, badf(0, "%v", err)
	}
	var cells []any
	for _, sheet := range sheets {
		more, err := list(sheet, "cells")
		if err != nil {
			return nil, badf(len(cells)+1, "%v", err)
		}
		for _, m := range more {
			if err := upgradeCell(m); err != nil {
				return nil, badf(len(cells)+1, "%v", err)
			}
			cells = append(cells, m)
		}
	}
	meta, err := object(top, "metadata")
	if err != nil {
		return nil, badf(0, "%v", err)
	}
	delete(meta, "name")
	delete(top, "worksheets")
	delete(top, "orig_nbformat")
	delete(top, "orig_nbformat_minor")
	if cells == nil {
		cells = []any{}
	}
	top["cells"] = cells
	top["nbformat_minor"] = json.Number("5")
	return readV4(top)
}

func upgradeCell(m map[string]any) error {
	m["id"] = newCellID()
	if m["metadata"] == nil {
		m["metadata"] = map[string]any{}
	}
	meta, err := object(m, "metadata")
	if err != nil {
		return err
	}
	switch m["cell_type"] {
	case Code:
		move(m, "input", "source")
		move(m, "prompt_number", "execution_count")
		delete(m, "language")
		if v, ok := m["collapsed"]; ok {
			meta["collapsed"] = v
			delete(m, "collapsed")
		}
		outputs, err := list(m, "outputs")
		if err != nil {
			return err
		}
		for i, o := range outputs {
			if err := upgradeOutput(o); err != nil {
				return fmt.Errorf("output %d: %w", i+1, err)
			}
		}
	case "heading":
		source, err := multiline(m, "source")
		if err != nil {
			return err
		}
		level := 1
		if m["level"] != nil {
			if level, err = wholeNumber(m, "level"); err != nil {
				return err
			}
		}
		m["cell_type"] = Markdown
		m["source"] = strings.Repeat("#", min(max(level, 1), 6)) + " " + strings.Join(strings.Fields(source), " ")
		delete(m, "level")
	case "html":
		m["cell_type"] = Markdown
	}
	if m["source"] == nil {
		m["source"] = ""
	}
	return nil
}

// mimeOf maps nbformat 3's names of data to MIME types.
var mimeOf = map[string]string{
	"text": "text/plain", "html": "text/html", "svg": "image/svg+xml",
	"png": "image/png", "jpeg": "image/jpeg", "latex": "text/latex",
	"json": "application/json", "javascript": "application/javascript",
}

func upgradeOutput(m map[string]any) error {
	switch m["output_type"] {
	case "pyout", ExecuteResult, DisplayData:
		data := map[string]any{}
		for short, mime := range mimeOf {
			if v, ok := m[short]; ok {
				data[mime] = v
				delete(m, short)
			}
		}
		m["data"] = data
		if m["output_type"] != DisplayData {
			m["output_type"] = ExecuteResult
			move(m, "prompt_number", "execution_count")
		}
		meta, err := object(m, "metadata")
		if err != nil {
			return err
		}
		renamed := map[string]any{}
		maps.Copy(renamed, meta)
		for short, mime := range mimeOf {
			move(renamed, short, mime)
		}
		m["metadata"] = renamed
	case "pyerr":
		m["output_type"] = ErrorOutput
	case Stream:
		if m["stream"] == nil {
			m["stream"] = "stdout"
		}
		move(m, "stream", "name")
	}
	return nil
}

// move renames a key if it is there.
func move(m map[string]any, from, to string) {
	if v, ok := m[from]; ok {
		m[to] = v
		delete(m, from)
	}
}
