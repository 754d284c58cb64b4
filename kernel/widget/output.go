package widget

import (
	"encoding/base64"
	"html"
	"strings"
	"sync"

	"govle/kernel/display"
)

// maxOutput is how much printed text an Output keeps: the whole of it travels with
// every change.
const maxOutput = 256 << 10

// Output is a place that can be printed to and shown things in, from callbacks and
// goroutines too. It is an io.Writer.
type Output struct {
	*model

	out   sync.Mutex
	items []map[string]any // outputs as a notebook file has them
}

// NewOutput returns an empty place.
func NewOutput() *Output {
	return &Output{model: newWidget(output, outputVersion, "Output", "", map[string]any{
		"msg_id": "", "outputs": []map[string]any{}, "tooltip": nil, "tabbable": nil,
	})}
}

// Write prints text. It never fails; of very much text the last 256 KiB stay.
func (o *Output) Write(p []byte) (int, error) {
	o.out.Lock()
	defer o.out.Unlock()
	text := string(p)
	if n := len(o.items); n > 0 && o.items[n-1]["output_type"] == "stream" {
		text = o.items[n-1]["text"].(string) + text
		o.items = o.items[:n-1]
	}
	if len(text) > maxOutput {
		text = strings.ToValidUTF8(text[len(text)-maxOutput:], "")
	}
	o.items = append(o.items, map[string]any{"output_type": "stream", "name": "stdout", "text": text})
	o.send()
	return len(p), nil
}

// Show shows a value in its richest form, below what is there.
func (o *Output) Show(v any) {
	data, metadata := display.Bundle(v)
	for kind, part := range data {
		if b, ok := part.([]byte); ok {
			data[kind] = base64.StdEncoding.EncodeToString(b)
		}
	}
	if metadata == nil {
		metadata = map[string]any{}
	}
	o.out.Lock()
	defer o.out.Unlock()
	o.items = append(o.items, map[string]any{"output_type": "display_data", "data": data, "metadata": metadata})
	o.send()
}

// Clear removes everything.
func (o *Output) Clear() {
	o.out.Lock()
	defer o.out.Unlock()
	o.items = nil
	o.send()
}

// send tells the page; o.out is held.
func (o *Output) send() { o.set("outputs", append([]map[string]any{}, o.items...)) }

func (o *Output) static() string {
	o.out.Lock()
	defer o.out.Unlock()
	var b strings.Builder
	for _, item := range o.items {
		if text, ok := item["text"].(string); ok {
			b.WriteString("<pre>" + html.EscapeString(text) + "</pre>")
			continue
		}
		data, _ := item["data"].(map[string]any)
		if s, ok := data["text/html"].(string); ok {
			b.WriteString(s)
		} else if s, ok := data["image/png"].(string); ok {
			b.WriteString(`<img src="data:image/png;base64,` + s + `">`)
		} else if s, ok := data["text/plain"].(string); ok {
			b.WriteString("<pre>" + html.EscapeString(s) + "</pre>")
		}
	}
	return "<div>" + b.String() + "</div>"
}

// MIMEBundle shows the place.
func (o *Output) MIMEBundle() map[string]any { return bundle(o, textOf(o.static())) }
