package notebook

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
)

// Write writes the notebook as Jupyter formats it. The error, if any, names the
// cell that could not be encoded.
func (nb *Notebook) Write(w io.Writer) error {
	b, err := nb.encode(nil)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// WriteFile writes the notebook to path in one step: a reader sees the old file
// or the new one, never a half.
func (nb *Notebook) WriteFile(path string) error {
	b, err := nb.encode(nil)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return replaceFile(path, b)
}

// cellCache keeps the encoded form of cells between saves of a notebook that is
// being run, so that saving after each cell does not encode all of it again.
type cellCache map[*Cell][]byte

// encode is the notebook as a file. Cells found in cache are taken from there;
// the others are added to it, unless it is nil.
func (nb *Notebook) encode(cache cellCache) ([]byte, error) {
	cells := make([]any, len(nb.Cells))
	for i, c := range nb.Cells {
		b, ok := cache[c]
		if !ok {
			var e encoder
			e.value(cellObject(c), cellDepth)
			if e.err != nil {
				return nil, fmt.Errorf("cell %d: %w", i+1, e.err)
			}
			b = e.Bytes()
			if cache != nil {
				cache[c] = b
			}
		}
		cells[i] = encoded(b)
	}
	meta := maps.Clone(nb.Metadata)
	for _, transient := range []string{"orig_nbformat", "orig_nbformat_minor", "signature"} {
		delete(meta, transient)
	}
	top := maps.Clone(nb.Extra)
	if top == nil {
		top = map[string]any{}
	}
	top["cells"] = cells
	top["metadata"] = objectOrEmpty(meta)
	top["nbformat"] = 4
	top["nbformat_minor"] = nb.Minor
	var e encoder
	e.value(top, 0)
	if e.err != nil {
		return nil, e.err
	}
	e.WriteByte('\n')
	return e.Bytes(), nil
}

// cellDepth is how far a cell stands indented in the file.
const cellDepth = 2

// cellObject is the cell as a JSON object in the form of the file.
func cellObject(c *Cell) map[string]any {
	m := maps.Clone(c.Extra)
	if m == nil {
		m = map[string]any{}
	}
	m["cell_type"] = c.Type
	m["source"] = splitLines(c.Source)
	meta := maps.Clone(c.Metadata)
	delete(meta, "trusted") // says something of a viewer, not of the file
	m["metadata"] = objectOrEmpty(meta)
	if c.ID != "" {
		m["id"] = c.ID
	}
	if c.Attachments != nil {
		attachments := map[string]any{}
		for name, bundle := range c.Attachments {
			if b, ok := bundle.(map[string]any); ok {
				bundle = splitBundle(b)
			}
			attachments[name] = bundle
		}
		m["attachments"] = attachments
	}
	if c.Type == Code {
		setCount(m, c.ExecutionCount)
		outputs := make([]any, len(c.Outputs))
		for i, o := range c.Outputs {
			outputs[i] = o.object()
		}
		m["outputs"] = outputs
	}
	return m
}

// object is the output as a JSON object in the form of the file.
func (o *Output) object() map[string]any {
	m := maps.Clone(o.Extra)
	if m == nil {
		m = map[string]any{}
	}
	m["output_type"] = o.Type
	switch o.Type {
	case Stream:
		m["name"] = o.Name
		m["text"] = splitLines(o.Text)
	case ExecuteResult:
		setCount(m, o.ExecutionCount)
		fallthrough
	case DisplayData:
		m["data"] = splitBundle(o.Data)
		m["metadata"] = objectOrEmpty(o.Metadata)
	case ErrorOutput:
		m["ename"] = o.ErrorName
		m["evalue"] = o.ErrorValue
		traceback := make([]any, len(o.Traceback))
		for i, line := range o.Traceback {
			traceback[i] = line
		}
		m["traceback"] = traceback
	}
	return m
}

func splitBundle(bundle map[string]any) map[string]any {
	out := make(map[string]any, len(bundle))
	for mime, v := range bundle {
		if s, ok := v.(string); ok && splitsIntoLines(mime) {
			v = splitLines(s)
		}
		out[mime] = v
	}
	return out
}

func objectOrEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// setCount writes an execution count; one that the file gave as 0 stands in the
// object already, because this package takes 0 for "not run".
func setCount(m map[string]any, n int) {
	if n != 0 {
		m["execution_count"] = n
	} else if m["execution_count"] == nil {
		m["execution_count"] = nil
	}
}

// replaceFile puts b at path through a temporary file beside it.
func replaceFile(path string, b []byte) (err error) {
	mode := os.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("writing %s: %w", path, err)
		}
	}()
	if _, err := f.Write(b); err != nil {
		return err
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
