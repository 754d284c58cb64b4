package display

import (
	"cmp"
	"fmt"
	"html"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// sortedKeys are a map's keys in the order of their text, numbers by value.
func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.CanInt() && b.CanInt():
			return cmp.Compare(a.Int(), b.Int())
		case a.CanFloat() && b.CanFloat():
			return cmp.Compare(a.Float(), b.Float())
		}
		return cmp.Compare(short(a), short(b))
	})
	return keys
}

// Progress is a bar that fills as work is done. In a notebook it is an output
// that changes, in a terminal a line that is written over. Its methods may be
// called from any goroutine.
type Progress struct {
	mu      sync.Mutex
	label   string
	total   int
	done    int
	started time.Time
	shown   time.Time
	handle  *Handle
	closed  bool
	width   int // of the last terminal line
}

// every is how often a bar is drawn at most.
const every = 100 * time.Millisecond

// NewProgress shows a bar for total steps; total 0 means that the number is not
// known.
func NewProgress(label string, total int) *Progress {
	p := &Progress{label: label, total: total, started: time.Now()}
	p.draw(true)
	return p
}

// Add says that n more steps are done.
func (p *Progress) Add(n int) { p.step(func() { p.done += n }) }

// Set says that n steps are done.
func (p *Progress) Set(n int) { p.step(func() { p.done = n }) }

// Label changes the text beside the bar.
func (p *Progress) Label(s string) { p.step(func() { p.label = s }) }

func (p *Progress) step(change func()) {
	p.mu.Lock()
	change()
	full := p.total > 0 && p.done >= p.total
	p.mu.Unlock()
	p.draw(full)
}

// Close draws the bar as it stands for the last time.
func (p *Progress) Close() {
	p.draw(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed && p.handle == nil {
		fmt.Fprintln(os.Stderr)
	}
	p.closed = true
}

// draw shows the bar unless it was shown just now.
func (p *Progress) draw(must bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !must && time.Since(p.shown) < every {
		return
	}
	p.shown = time.Now()
	if !Connected() {
		line := p.text()
		fmt.Fprintf(os.Stderr, "\r%-*s", p.width, line)
		p.width = len([]rune(line))
		return
	}
	d := MakeData3("text/html", p.text(), p.html())
	if p.handle == nil {
		p.handle = Show(d)
	} else {
		p.handle.Update(d)
	}
}

// share is how much is done, from 0 to 1.
func (p *Progress) share() float64 {
	if p.total <= 0 {
		return 0
	}
	return min(1, float64(p.done)/float64(p.total))
}

// counts is the number of steps, the time taken and the time left.
func (p *Progress) counts() string {
	took := time.Since(p.started)
	s := fmt.Sprintf("%d", p.done)
	if p.total > 0 {
		s += fmt.Sprintf("/%d", p.total)
	}
	s += " " + took.Round(100*time.Millisecond).String()
	if f := p.share(); f > 0 && f < 1 {
		s += ", " + time.Duration(float64(took)*(1-f)/f).Round(time.Second).String() + " left"
	}
	return s
}

func (p *Progress) text() string {
	const width = 30
	n := int(p.share() * width)
	return fmt.Sprintf("%s [%s%s] %3.0f%% %s", p.label, strings.Repeat("█", n), strings.Repeat("·", width-n), 100*p.share(), p.counts())
}

func (p *Progress) html() string {
	value := ""
	if p.total > 0 {
		value = fmt.Sprintf(` value="%.4f" max="1"`, p.share())
	}
	return fmt.Sprintf(`<div style="display:flex;gap:1em;align-items:center"><span>%s</span><progress%s style="width:20em"></progress><span>%s</span></div>`,
		html.EscapeString(p.label), value, html.EscapeString(p.counts()))
}
