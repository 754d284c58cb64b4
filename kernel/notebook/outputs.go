package notebook

import (
	"slices"
	"strings"

	"govle/kernel/wire"
)

// collector turns what a kernel publishes into the outputs of cells.
type collector struct {
	widgets widgetStates
	// displays holds the outputs that were shown under a display id, in any cell.
	displays map[string][]placedOutput
	// changed is told of each cell whose outputs change.
	changed func(*Cell)
	// clearing holds the cells whose outputs go when the next one comes.
	clearing map[*Cell]bool
	// streams are the stream outputs that are still being added to: more than one
	// when goroutines of earlier cells go on printing.
	streams map[*Output]*streamTail
}

type placedOutput struct {
	cell   *Cell
	output *Output
}

func newCollector(changed func(*Cell)) *collector {
	return &collector{
		widgets:  widgetStates{},
		displays: map[string][]placedOutput{},
		changed:  changed,
		clearing: map[*Cell]bool{},
		streams:  map[*Output]*streamTail{},
	}
}

// handle takes one iopub message that belongs to cell. Messages that are no
// output are ignored.
func (c *collector) handle(cell *Cell, m *wire.Message) error {
	switch m.Header.MsgType {
	case "stream", "display_data", "execute_result", "error", "update_display_data", "clear_output",
		"comm_open", "comm_msg", "comm_close":
	default:
		return nil
	}
	content, err := contentOf(m)
	if err != nil {
		return err
	}
	data, _ := content["data"].(map[string]any)
	metadata, _ := content["metadata"].(map[string]any)
	transient, _ := content["transient"].(map[string]any)
	displayID, _ := transient["display_id"].(string)
	switch m.Header.MsgType {
	case "stream":
		name, _ := content["name"].(string)
		text, _ := content["text"].(string)
		c.addStream(cell, name, text)
	case "display_data", "execute_result":
		o := &Output{Type: m.Header.MsgType, Data: objectOrEmpty(data), Metadata: objectOrEmpty(metadata)}
		if o.Type == ExecuteResult {
			o.ExecutionCount, _ = count(content)
		}
		c.add(cell, o)
		if displayID != "" {
			c.displays[displayID] = append(c.displays[displayID], placedOutput{cell, o})
		}
	case "update_display_data":
		for _, p := range c.displays[displayID] {
			p.output.Data, p.output.Metadata = objectOrEmpty(data), objectOrEmpty(metadata)
			c.changed(p.cell)
		}
	case "error":
		o := &Output{Type: ErrorOutput}
		o.ErrorName, _ = content["ename"].(string)
		o.ErrorValue, _ = content["evalue"].(string)
		o.Traceback, _ = traceback(content["traceback"])
		c.add(cell, o)
	case "clear_output":
		if content["wait"] == true {
			c.clearing[cell] = true
		} else {
			c.clear(cell)
		}
	case "comm_open", "comm_msg", "comm_close":
		c.widgets.handle(m.Header.MsgType, content, m.Buffers)
	}
	return nil
}

// contentOf decodes a message's content with numbers kept as they were written.
func contentOf(m *wire.Message) (map[string]any, error) {
	if len(m.Content) == 0 {
		return map[string]any{}, nil
	}
	v, err := decodeJSON(m.Content)
	if err != nil {
		return nil, badf(0, "content of %s: %v", m.Header.MsgType, err)
	}
	content, ok := v.(map[string]any)
	if !ok {
		return nil, badf(0, "content of %s is %s, not an object", m.Header.MsgType, kindOf(v))
	}
	return content, nil
}

func (c *collector) add(cell *Cell, o *Output) {
	if c.clearing[cell] {
		c.clear(cell)
	}
	cell.Outputs = append(cell.Outputs, o)
	c.changed(cell)
}

func (c *collector) clear(cell *Cell) {
	delete(c.clearing, cell)
	for id, placed := range c.displays {
		c.displays[id] = slices.DeleteFunc(placed, func(p placedOutput) bool { return p.cell == cell })
	}
	for _, o := range cell.Outputs {
		delete(c.streams, o)
	}
	cell.Outputs = nil
	c.changed(cell)
}

// addStream adds printed text to the cell's last output if that is the same
// stream, else as a new output.
func (c *collector) addStream(cell *Cell, name, text string) {
	if text == "" {
		return
	}
	last := len(cell.Outputs) - 1
	if last < 0 || c.clearing[cell] || cell.Outputs[last].Type != Stream || cell.Outputs[last].Name != name {
		c.add(cell, &Output{Type: Stream, Name: name})
		last = len(cell.Outputs) - 1
	}
	o := cell.Outputs[last]
	tail := c.streams[o]
	if tail == nil {
		tail = &streamTail{open: o.Text}
		c.streams[o] = tail
	}
	tail.add(text)
	c.changed(cell)
}

// finishStreams stores the text of the streams that are being added to. It must
// be called before outputs are read.
func (c *collector) finishStreams() {
	for o, tail := range c.streams {
		o.Text = tail.done.String() + tail.open
	}
	clear(c.streams)
}

// streamTail gathers text in time linear in its length: what lies before the
// last line end is done with, only the open line can still be overwritten by
// carriage returns.
type streamTail struct {
	done strings.Builder
	open string
}

func (t *streamTail) add(text string) {
	all := overwrite(t.open + text)
	cut := strings.LastIndexByte(all, '\n') + 1
	t.done.WriteString(all[:cut])
	t.open = all[cut:]
}
