package widget

import (
	"fmt"
	"sync"
	"time"
)

// FloatProgress is a progress bar.
type FloatProgress struct {
	*model
	high float64

	rate  sync.Mutex
	value float64
	sent  time.Time
}

// NewFloatProgress returns an empty bar that is full at high.
func NewFloatProgress(high float64) *FloatProgress {
	return &FloatProgress{high: high, model: newControl("FloatProgress", "ProgressStyleModel", map[string]any{
		"min": 0.0, "max": high, "value": 0.0, "description": "", "bar_style": "", "orientation": "horizontal",
		"tooltip": nil, "tabbable": nil,
		"_view_name": "ProgressView", // one view draws the bars of all kinds of numbers
	})}
}

// progressInterval bounds how often a bar is redrawn: a loop may set it a million
// times a second.
const progressInterval = 50 * time.Millisecond

// SetValue sets how far the bar has come. It is drawn at most 20 times a second,
// and always when it is full.
func (p *FloatProgress) SetValue(v float64) {
	p.rate.Lock()
	defer p.rate.Unlock()
	p.value = v
	if now := time.Now(); v >= p.high || now.Sub(p.sent) >= progressInterval {
		p.sent = now
		p.set("value", v)
	}
}

// Value is how far the bar has come.
func (p *FloatProgress) Value() float64 {
	p.rate.Lock()
	defer p.rate.Unlock()
	return p.value
}

// Describe sets the text in front of the bar and returns the bar.
func (p *FloatProgress) Describe(text string) *FloatProgress {
	p.set("description", text)
	return p
}

// The looks of a progress bar or a button.
const (
	Plain   = ""
	Success = "success"
	Info    = "info"
	Warning = "warning"
	Danger  = "danger"
)

// Style sets the look of the bar, Success for instance, and returns the bar.
func (p *FloatProgress) Style(look string) *FloatProgress {
	p.set("bar_style", look)
	return p
}

func (p *FloatProgress) static() string {
	return p.labelled(fmt.Sprintf(`<progress max="%v" value="%v"></progress><span>%.0f%%</span>`, p.high, p.Value(), p.percent()))
}

func (p *FloatProgress) percent() float64 {
	if p.high <= 0 {
		return 0
	}
	return 100 * p.Value() / p.high
}

// MIMEBundle shows the bar.
func (p *FloatProgress) MIMEBundle() map[string]any {
	return bundle(p, p.plain(fmt.Sprintf("%.0f%%", p.percent())))
}
