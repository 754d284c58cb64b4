package notebook

import (
	"encoding/json"
	"fmt"
)

// readV4 turns the decoded JSON of an nbformat 4 file into a notebook. It takes
// the maps over.
func readV4(top map[string]any) (*Notebook, error) {
	nb := &Notebook{}
	var err error
	if nb.Minor, err = wholeNumber(top, "nbformat_minor"); err != nil {
		return nil, badf(0, "%v", err)
	}
	if nb.Metadata, err = object(top, "metadata"); err != nil {
		return nil, badf(0, "%v", err)
	}
	if top["cells"] == nil {
		return nil, badf(0, `"cells" is missing`)
	}
	cells, err := list(top, "cells")
	if err != nil {
		return nil, badf(0, "%v", err)
	}
	for i, m := range cells {
		c, err := readCell(m)
		if err != nil {
			return nil, badf(i+1, "%v", err)
		}
		nb.Cells = append(nb.Cells, c)
	}
	nb.Extra = take(top, "nbformat", "nbformat_minor", "metadata", "cells")
	return nb, nil
}

func readCell(m map[string]any) (*Cell, error) {
	c := &Cell{}
	kind, ok := m["cell_type"].(string)
	switch {
	case !ok:
		return nil, fmt.Errorf(`"cell_type" is missing or not a string`)
	case kind != Code && kind != Markdown && kind != Raw:
		return nil, fmt.Errorf(`"cell_type" is %q; nbformat 4 knows "code", "markdown" and "raw"`, shorten(kind))
	}
	c.Type = kind
	if _, ok := m["source"]; !ok {
		return nil, fmt.Errorf(`"source" is missing`)
	}
	var err error
	if c.Source, err = multiline(m, "source"); err != nil {
		return nil, err
	}
	if c.Metadata, err = object(m, "metadata"); err != nil {
		return nil, err
	}
	if c.Attachments, err = object(m, "attachments"); err != nil {
		return nil, err
	}
	for _, bundle := range c.Attachments {
		if b, ok := bundle.(map[string]any); ok {
			rejoin(b)
		}
	}
	known := []string{"cell_type", "source", "metadata", "attachments"}
	if id, ok := m["id"]; ok {
		if c.ID, ok = id.(string); !ok {
			return nil, fmt.Errorf(`"id" is %s, not a string`, kindOf(id))
		}
		if c.ID != "" {
			known = append(known, "id")
		}
	}
	if c.Type == Code {
		if c.ExecutionCount, err = count(m); err != nil {
			return nil, err
		}
		if m["execution_count"] == nil || c.ExecutionCount != 0 {
			known = append(known, "execution_count")
		}
		outputs, err := list(m, "outputs")
		if err != nil {
			return nil, err
		}
		for i, out := range outputs {
			o, err := readOutput(out)
			if err != nil {
				return nil, fmt.Errorf("output %d: %w", i+1, err)
			}
			c.Outputs = append(c.Outputs, o)
		}
		known = append(known, "outputs")
	}
	c.Extra = take(m, known...)
	return c, nil
}

func readOutput(m map[string]any) (*Output, error) {
	o := &Output{}
	var ok bool
	if o.Type, ok = m["output_type"].(string); !ok {
		return nil, fmt.Errorf(`"output_type" is missing or not a string`)
	}
	known := []string{"output_type"}
	var err error
	switch o.Type {
	case Stream:
		if o.Name, err = multiline(m, "name"); err != nil {
			return nil, err
		}
		if o.Text, err = multiline(m, "text"); err != nil {
			return nil, err
		}
		known = append(known, "name", "text")
	case ExecuteResult, DisplayData:
		if o.Data, err = object(m, "data"); err != nil {
			return nil, err
		}
		rejoin(o.Data)
		if o.Metadata, err = object(m, "metadata"); err != nil {
			return nil, err
		}
		known = append(known, "data", "metadata")
		if o.Type == ExecuteResult {
			if o.ExecutionCount, err = count(m); err != nil {
				return nil, err
			}
			if m["execution_count"] == nil || o.ExecutionCount != 0 {
				known = append(known, "execution_count")
			}
		}
	case ErrorOutput:
		if o.ErrorName, err = multiline(m, "ename"); err != nil {
			return nil, err
		}
		if o.ErrorValue, err = multiline(m, "evalue"); err != nil {
			return nil, err
		}
		if o.Traceback, err = traceback(m["traceback"]); err != nil {
			return nil, err
		}
		known = append(known, "ename", "evalue", "traceback")
	}
	o.Extra = take(m, known...)
	return o, nil
}

func traceback(v any) ([]string, error) {
	lines, ok := v.([]any)
	if !ok && v != nil {
		return nil, fmt.Errorf(`"traceback" is %s, not a list`, kindOf(v))
	}
	var out []string
	for _, line := range lines {
		switch line := line.(type) {
		case string:
			out = append(out, line)
		case json.Number, nil, bool:
			out = append(out, fmt.Sprint(line))
		default:
			return nil, fmt.Errorf(`"traceback" holds %s, not only strings`, kindOf(line))
		}
	}
	return out, nil
}
