// Package notebook reads, runs, checks and converts Jupyter notebooks without
// Python. For most uses, call [ReadFile], then [Run], then [Notebook.WriteFile]
// or [ToHTML].
//
// A notebook that is read and written again is the file that Jupyter itself
// would write, byte for byte: unknown fields, cell ids, attachments and number
// literals stay as they were.
package notebook

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
)

// The kinds of cell.
const (
	Code     = "code"
	Markdown = "markdown"
	Raw      = "raw"
)

// The kinds of output.
const (
	Stream        = "stream"
	DisplayData   = "display_data"
	ExecuteResult = "execute_result"
	ErrorOutput   = "error"
)

// Notebook is an .ipynb file of nbformat 4. JSON values inside the metadata and
// in the Extra maps are those of encoding/json with json.Number for numbers.
type Notebook struct {
	Metadata map[string]any
	// Minor is the 4.Minor format version. Cell ids exist from 5 on.
	Minor int
	Cells []*Cell
	// Extra holds the top-level fields that this package does not know.
	Extra map[string]any
}

// Cell is one cell of a notebook.
type Cell struct {
	// Type is Code, Markdown or Raw.
	Type string
	// ID is empty in notebooks older than nbformat 4.5.
	ID       string
	Source   string
	Metadata map[string]any
	// Attachments maps file names to MIME bundles of pictures that the
	// Markdown refers to as attachment:NAME.
	Attachments map[string]any
	// ExecutionCount is 0 for a code cell that has not been run.
	ExecutionCount int
	Outputs        []*Output
	// Extra holds the fields that this package does not know.
	Extra map[string]any
}

// Output is one output of a code cell. Which fields count depends on Type.
type Output struct {
	// Type is Stream, DisplayData, ExecuteResult or ErrorOutput. An output of
	// another type keeps all its fields in Extra.
	Type string

	// Name ("stdout" or "stderr") and Text belong to a stream.
	Name, Text string

	// Data and Metadata are the MIME bundle of a display or a result: text is
	// a string, pictures are base64 strings, JSON types are any JSON value.
	Data, Metadata map[string]any
	// ExecutionCount belongs to an execute_result.
	ExecutionCount int

	// ErrorName, ErrorValue and Traceback belong to an error. The traceback's
	// lines carry ANSI colours.
	ErrorName, ErrorValue string
	Traceback             []string

	// Extra holds the fields that this package does not know.
	Extra map[string]any
}

// Tags are the tags of a cell, such as "parameters" or "raises-exception".
func (c *Cell) Tags() []string {
	list, _ := c.Metadata["tags"].([]any)
	var tags []string
	for _, t := range list {
		if s, ok := t.(string); ok {
			tags = append(tags, s)
		}
	}
	return tags
}

// HasTag reports whether the cell carries the tag.
func (c *Cell) HasTag(tag string) bool { return slices.Contains(c.Tags(), tag) }

// Kernel is the name of the kernelspec that the notebook asks for and Language
// the language it is written in; either is empty when the notebook does not say.
func (nb *Notebook) Kernel() (name, language string) {
	spec, _ := nb.Metadata["kernelspec"].(map[string]any)
	name, _ = spec["name"].(string)
	language, _ = spec["language"].(string)
	if info, _ := nb.Metadata["language_info"].(map[string]any); language == "" {
		language, _ = info["name"].(string)
	}
	return name, language
}

// Title is the text of the first heading in a Markdown cell, or fallback.
func (nb *Notebook) Title(fallback string) string {
	for _, c := range nb.Cells {
		if c.Type != Markdown {
			continue
		}
		if t := firstHeading(c.Source); t != "" {
			return t
		}
	}
	return fallback
}

// Clone is a copy whose cells, outputs and metadata maps can be changed without
// touching the original.
func (nb *Notebook) Clone() *Notebook {
	out := *nb
	out.Metadata = cloneObject(nb.Metadata)
	out.Extra = cloneObject(nb.Extra)
	out.Cells = make([]*Cell, len(nb.Cells))
	for i, c := range nb.Cells {
		d := *c
		d.Metadata = cloneObject(c.Metadata)
		d.Attachments = cloneObject(c.Attachments)
		d.Extra = cloneObject(c.Extra)
		d.Outputs = make([]*Output, len(c.Outputs))
		for j, o := range c.Outputs {
			p := *o
			p.Data = cloneObject(o.Data)
			p.Metadata = cloneObject(o.Metadata)
			p.Extra = cloneObject(o.Extra)
			d.Outputs[j] = &p
		}
		out.Cells[i] = &d
	}
	return &out
}

// cloneObject copies maps all the way down; other values are never changed in
// place by this package and are shared.
func cloneObject(m map[string]any) map[string]any {
	out := maps.Clone(m)
	for k, v := range out {
		if sub, ok := v.(map[string]any); ok {
			out[k] = cloneObject(sub)
		}
	}
	return out
}

// newCellID is a fresh id in the form that JupyterLab gives its cells.
func newCellID() string {
	var b [4]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}
