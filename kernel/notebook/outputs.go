package notebook

import (
	"slices"

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
	// maxText bounds the printed text of a cell, 0 for no bound; printed is how
	// much each has, and overflows is where the rest goes.
	maxText   int
	printed   map[*Cell]int
	overflows map[*Cell]*overflow
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

		printed:   map[*Cell]int{},
		overflows: map[*Cell]*overflow{},
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
	delete(c.printed, cell)
	delete(c.overflows, cell)
	cell.Outputs = nil
	c.changed(cell)
}
