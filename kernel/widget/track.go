package widget

import (
	"fmt"
	"html"
	"iter"
	"os"
	"sync"
	"time"

	"govle/kernel/display"
)

// How often a Progress is drawn.
const (
	drawInterval = 100 * time.Millisecond
	// A page that has not shown the widget by then has no widget support, and
	// gets HTML instead, less often.
	viewWait     = 700 * time.Millisecond
	htmlInterval = 500 * time.Millisecond
)

// Progress shows how far a long computation has come: as a widget where the page
// has them, as HTML that is replaced where it has not, and as a line on standard
// error in a program that is no notebook. When it is done, plain HTML stays, which
// a saved notebook shows anywhere.
//
// Its methods may be called from several goroutines, as often as one likes.
type Progress struct {
	total int
	label string

	mu       sync.Mutex
	done     int
	note     string
	start    time.Time
	drawn    time.Time // as a widget or a line
	replaced time.Time // as HTML
	ended    bool

	output *display.Handle // nil outside a notebook
	bar    *FloatProgress
	text   *HTML
	box    *HBox
	viewed chan struct{} // closed when a page shows the widget
}

// NewProgress shows a bar for total steps with a label in front; with a total of 0
// it only counts. Call Done at the end.
func NewProgress(total int, label string) *Progress {
	p := &Progress{total: total, label: label, start: time.Now(), viewed: make(chan struct{})}
	if !display.Connected() {
		return p
	}
	p.bar = NewFloatProgress(float64(max(total, 1))).Describe(label)
	// A page counts the views of a model that has a number here.
	p.bar.set("_view_count", 0)
	once := sync.OnceFunc(func() { close(p.viewed) })
	p.bar.onChanged("_view_count", func(any) { once() })
	p.text = NewHTML("")
	p.box = NewHBox(p.bar, p.text)
	p.output = display.Show(p.box)
	return p
}

// Track returns the numbers from 0 to n-1 and shows how far the loop over them has
// come:
//
//	for i := range widget.Track(len(samples), "evaluating") {
func Track(n int, label string) iter.Seq[int] {
	return func(yield func(int) bool) {
		p := NewProgress(n, label)
		defer p.Done()
		for i := range n {
			if !yield(i) {
				return
			}
			p.Add(1)
		}
	}
}

// Add counts n more steps as done.
func (p *Progress) Add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	p.draw()
}

// Note sets a text that stands behind the numbers, the loss for instance.
func (p *Progress) Note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note = fmt.Sprintf(format, args...)
	p.draw()
}

// Done ends the bar where it stands.
func (p *Progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.ended = true
	if p.output == nil {
		p.line("\n")
		return
	}
	p.output.Update(p.still())
	p.box.Close()
	p.bar.Close()
	p.text.Close()
}

// draw shows the present state, if it is time to; p.mu is held.
func (p *Progress) draw() {
	now := time.Now()
	if p.ended || now.Sub(p.drawn) < drawInterval {
		return
	}
	p.drawn = now
	if p.output == nil {
		p.line("")
		return
	}
	select {
	case <-p.viewed:
	default:
		if now.Sub(p.start) > viewWait && now.Sub(p.replaced) > htmlInterval {
			p.replaced = now
			p.output.Update(p.still())
		}
	}
	p.bar.SetValue(float64(p.done))
	p.text.Set(html.EscapeString(p.numbers()))
}

// line draws on standard error: over and over on a terminal, once at the end where
// it is none.
func (p *Progress) line(end string) {
	info, err := os.Stderr.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	switch {
	case terminal:
		fmt.Fprintf(os.Stderr, "\r%s\x1b[K%s", p.oneLine(), end)
	case end != "":
		fmt.Fprintln(os.Stderr, p.oneLine())
	}
}

// still is the bar as it stands, as plain HTML and text.
func (p *Progress) still() display.Data {
	return display.MIME(map[string]any{
		"text/html": fmt.Sprintf(`<div style="display:flex;gap:.5em;align-items:center"><label>%s</label><progress max="%d" value="%d"></progress><span>%s</span></div>`,
			html.EscapeString(p.label), max(p.total, 1), min(p.done, max(p.total, 1)), html.EscapeString(p.numbers())),
		"text/plain": p.oneLine(),
	}, nil)
}

// String is the bar in one line.
func (p *Progress) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.oneLine()
}

// oneLine is String; p.mu is held.
func (p *Progress) oneLine() string { return p.label + ": " + p.numbers() }

// numbers tells what was done, how long it took, how long it will take, how fast
// it is, and the note: "45% 450/1000 [12s<15s, 37.5/s] loss 0.1".
func (p *Progress) numbers() string {
	spent := time.Since(p.start)
	rate := float64(p.done) / max(spent.Seconds(), 1e-9)
	s := fmt.Sprintf("%d [%s", p.done, spent.Round(time.Second))
	if p.total > 0 {
		s = fmt.Sprintf("%d%% %d/%d [%s", 100*p.done/p.total, p.done, p.total, spent.Round(time.Second))
		if p.done > 0 && p.done < p.total {
			left := float64(p.total-p.done) / rate
			s += "<" + time.Duration(left*float64(time.Second)).Round(time.Second).String()
		}
	}
	s += fmt.Sprintf(", %.3g/s]", rate)
	if p.note != "" {
		s += " " + p.note
	}
	return s
}
