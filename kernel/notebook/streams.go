package notebook

import (
	"bytes"
	"fmt"
	"strings"
)

// addStream adds printed text to the cell's last output if that is the same
// stream, else as a new output.
func (c *collector) addStream(cell *Cell, name, text string) {
	if text == "" {
		return
	}
	if c.maxText > 0 && c.printed[cell] >= c.maxText && !c.clearing[cell] {
		c.addOverflow(cell, text)
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
	c.printed[cell] += tail.add(text)
	c.changed(cell)
}

// finishStreams stores the text of the streams that are being added to. It must
// be called before outputs are read.
func (c *collector) finishStreams() {
	for o, tail := range c.streams {
		o.Text = tail.done.String() + tail.open
	}
	clear(c.streams)
	for _, f := range c.overflows {
		f.output.Text = f.text(c.maxText)
	}
}

// streamTail gathers text in time linear in its length: what lies before the
// last line end is done with, only the open line can still be overwritten by
// carriage returns.
type streamTail struct {
	done strings.Builder
	open string
}

// add returns by how much the stream has grown.
func (t *streamTail) add(text string) int {
	all := overwrite(t.open + text)
	grown := len(all) - len(t.open)
	cut := strings.LastIndexByte(all, '\n') + 1
	t.done.WriteString(all[:cut])
	t.open = all[cut:]
	return grown
}

// overflow is the last output of a cell that has printed all that it may: what
// came last, and a word about what lies between.
type overflow struct {
	output  *Output
	tail    []byte
	dropped int
}

// overflowTail is how much of the end is kept.
const overflowTail = 64 << 10

// addOverflow adds text of either stream beyond the bound.
func (c *collector) addOverflow(cell *Cell, text string) {
	f := c.overflows[cell]
	if f == nil {
		f = &overflow{output: &Output{Type: Stream, Name: "stdout"}}
		c.overflows[cell] = f
		c.add(cell, f.output)
	}
	f.tail = append(f.tail, text...)
	if len(f.tail) > 16*overflowTail {
		cut := len(f.tail) - overflowTail
		if i := bytes.IndexByte(f.tail[cut:], '\n'); i >= 0 {
			cut += i + 1
		}
		f.dropped += cut
		f.tail = bytes.Clone(f.tail[cut:])
	}
	c.changed(cell)
}

// text is the end of what was printed; limit is the bound that is named.
func (f *overflow) text(limit int) string {
	tail := overwrite(strings.ToValidUTF8(string(f.tail), "\uFFFD"))
	if f.dropped == 0 {
		return tail
	}
	return fmt.Sprintf("\n[%d bytes of printed text are left out here; of a cell, %d are kept]\n", f.dropped, limit) + tail
}
