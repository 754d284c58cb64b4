package train

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
	"sync"
	"time"
)

// Status is how a run goes at one moment. In a notebook it shows as a bar, the
// curves and a table; elsewhere it prints as a line.
type Status struct {
	Step
	// Steps is the number of steps of the run, Epoch how often the data was gone
	// through.
	Steps int
	Epoch float64
	// Smooth is the running mean of the loss.
	Smooth float64
	// Rate is in examples a second. Elapsed counts earlier calls of Fit and
	// resumed runs, too; Left is an estimate without evaluations.
	Rate          float64
	Elapsed, Left time.Duration
	// Event is "", or what happened: "evaluated", "interrupted" or "done".
	// Stopped says why the run ended early.
	Event, Stopped string
	Curve          Curve
	Evaluations    []Evaluated
}

// Point is a point of a curve.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// maxPoints bounds what a curve keeps; past it, neighbours are merged.
const maxPoints = 512

// Curve is a loss by step, as means over equally many steps each.
type Curve struct {
	Points []Point `json:"points,omitempty"`
	Each   int     `json:"each,omitempty"` // steps in a point
	Sum    float64 `json:"sum,omitempty"`  // of the steps that are in no point yet
	Count  int     `json:"count,omitempty"`
	Smooth float64 `json:"smooth,omitempty"`
}

func (c *Curve) add(x, y float64) {
	if len(c.Points) == 0 && c.Count == 0 {
		c.Each, c.Smooth = 1, y
	}
	c.Smooth += 0.05 * (y - c.Smooth)
	c.Sum += y
	c.Count++
	if c.Count < c.Each {
		return
	}
	c.Points = append(c.Points, Point{x, c.Sum / float64(c.Count)})
	c.Sum, c.Count = 0, 0
	if len(c.Points) == maxPoints {
		for i := range maxPoints / 2 {
			a, b := c.Points[2*i], c.Points[2*i+1]
			c.Points[i] = Point{b.X, (a.Y + b.Y) / 2}
		}
		c.Points = c.Points[:maxPoints/2]
		c.Each *= 2
	}
}

// status describes the run as it stands.
func (t *Trainer) status(event string) *Status {
	s := &t.state
	st := &Status{
		Step: t.last, Steps: t.total, Epoch: t.epoch(), Smooth: s.Curve.Smooth,
		Elapsed: s.elapsed(), Event: event, Stopped: s.Stopped,
		Left:        time.Duration(t.stepTime * float64(t.total-s.Step) * float64(time.Second)),
		Evaluations: append([]Evaluated(nil), s.Evaluations...),
	}
	st.Step.Step = s.Step
	st.Curve = s.Curve
	st.Curve.Points = append([]Point(nil), s.Curve.Points...)
	if t.stepTime > 0 {
		st.Rate = float64(min(t.perStep, t.data.Len())) / t.stepTime
	}
	return st
}

// report tells how the run goes.
func (t *Trainer) report(event string) {
	t.lastTold = time.Now()
	st := t.status(event)
	if t.opts.Show != nil {
		t.opts.Show(st)
	}
	if t.opts.Report != nil {
		t.opts.Report(st)
	}
}

// Lines returns a function for Options.Report that writes a line to w for each
// event, and at most every interval in between.
func Lines(w io.Writer, interval time.Duration) func(*Status) {
	var mu sync.Mutex
	var last time.Time
	return func(s *Status) {
		mu.Lock()
		defer mu.Unlock()
		if s.Event == "" && time.Since(last) < interval {
			return
		}
		last = time.Now()
		fmt.Fprintln(w, s)
	}
}

// String returns the line.
func (s *Status) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "step %d/%d, epoch %.2f, loss %.4g, accuracy %.3f, lr %.3g, %s examples/s, %s passed",
		s.Step.Step, s.Steps, s.Epoch, s.Smooth, s.Accuracy, s.LR, rate(s.Rate), clock(s.Elapsed))
	if s.Step.Step < s.Steps && s.Stopped == "" {
		fmt.Fprintf(&b, ", %s left", clock(s.Left))
	}
	if s.Event == "evaluated" && len(s.Evaluations) > 0 {
		for _, x := range s.Evaluations[len(s.Evaluations)-1].Scores {
			fmt.Fprintf(&b, "; %s %.4g", x.Name, x.Value)
			if x.BaselineName != "" {
				fmt.Fprintf(&b, " (%s %.4g)", x.BaselineName, x.Baseline)
			}
		}
	} else if s.Event != "" {
		b.WriteString("; " + s.Event)
	}
	if s.Stopped != "" {
		b.WriteString("; stopped: " + s.Stopped)
	}
	return b.String()
}

func rate(r float64) string {
	if r < 10 {
		return fmt.Sprintf("%.2g", r)
	}
	return fmt.Sprintf("%.0f", r)
}

func clock(d time.Duration) string {
	return d.Round(time.Second).String()
}

// MIMEBundle returns the forms that a notebook shows.
func (s *Status) MIMEBundle() map[string]any {
	return map[string]any{"text/plain": s.String(), "text/html": s.html()}
}

func (s *Status) html() string {
	var b strings.Builder
	share := 0.0
	if s.Steps > 0 {
		share = 100 * float64(s.Step.Step) / float64(s.Steps)
	}
	b.WriteString(`<div style="font:13px sans-serif;max-width:760px">`)
	fmt.Fprintf(&b, `<div style="background:#8883;border-radius:3px"><div style="width:%.1f%%;background:#3b78b8;height:8px;border-radius:3px"></div></div>`, share)
	fmt.Fprintf(&b, `<div style="margin:4px 0">%s</div>`, html.EscapeString(s.String()))
	b.WriteString(`<div style="display:flex;flex-wrap:wrap;gap:12px">`)
	b.WriteString(plot("loss", s.Curve.Points, nil, "#3b78b8", "step", "%.0f"))
	if n := len(s.Evaluations); n > 0 && len(s.Evaluations[n-1].Scores) > 0 {
		first := s.Evaluations[n-1].Scores[0]
		var points []Point
		for _, e := range s.Evaluations {
			if len(e.Scores) > 0 {
				points = append(points, Point{float64(e.Step), e.Scores[0].Value})
			}
		}
		var base *Score
		if first.BaselineName != "" {
			base = &first
		}
		b.WriteString(plot(first.Name, points, base, "#b8563b", "step", "%.0f"))
	}
	b.WriteString(`</div>`)
	s.table(&b)
	b.WriteString(`</div>`)
	return b.String()
}

// table lists the last evaluations.
func (s *Status) table(b *strings.Builder) {
	const rows = 8
	if len(s.Evaluations) == 0 {
		return
	}
	from := max(0, len(s.Evaluations)-rows)
	b.WriteString(`<table><thead><tr><th>step</th>`)
	for _, x := range s.Evaluations[len(s.Evaluations)-1].Scores {
		fmt.Fprintf(b, `<th>%s</th>`, html.EscapeString(x.Name))
		if x.BaselineName != "" {
			fmt.Fprintf(b, `<th>%s</th>`, html.EscapeString(x.BaselineName))
		}
	}
	b.WriteString(`</tr></thead><tbody>`)
	for _, e := range s.Evaluations[from:] {
		fmt.Fprintf(b, `<tr><td>%d</td>`, e.Step)
		for _, x := range e.Scores {
			fmt.Fprintf(b, `<td>%.4g</td>`, x.Value)
			if x.BaselineName != "" {
				fmt.Fprintf(b, `<td>%.4g</td>`, x.Baseline)
			}
		}
		b.WriteString(`</tr>`)
	}
	b.WriteString(`</tbody></table>`)
}

// plot draws a curve as SVG, with the baseline as a dashed line.
func plot(title string, points []Point, base *Score, colour, axis, format string) string {
	const w, h, left, right, top, bottom = 360, 200, 52, 10, 22, 24
	x0, x1, y0, y1 := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, p := range points {
		x0, x1, y0, y1 = min(x0, p.X), max(x1, p.X), min(y0, p.Y), max(y1, p.Y)
	}
	if base != nil {
		y0, y1 = min(y0, base.Baseline), max(y1, base.Baseline)
	}
	if len(points) == 0 {
		x0, x1, y0, y1 = 0, 1, 0, 1
	}
	if x1 == x0 {
		x1++
	}
	if y1 == y0 {
		y0, y1 = y0-0.5, y1+0.5
	}
	px := func(x float64) float64 { return left + (x-x0)/(x1-x0)*(w-left-right) }
	py := func(y float64) float64 { return top + (y1-y)/(y1-y0)*(h-top-bottom) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11" fill="currentColor">`, w, h, w, h)
	fmt.Fprintf(&b, `<text x="%d" y="14" font-weight="bold">%s</text>`, left, html.EscapeString(title))
	for i := range 5 {
		y := y0 + (y1-y0)*float64(i)/4
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#8884"/><text x="%d" y="%.1f" text-anchor="end">%.3g</text>`, left, w-right, py(y), py(y), left-4, py(y)+4, y)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d">%s</text><text x="%d" y="%d" text-anchor="end">%s %s</text>`,
		left, h-8, fmt.Sprintf(format, x0), w-right, h-8, axis, fmt.Sprintf(format, x1))
	if base != nil {
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#888" stroke-dasharray="5 4"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			left, w-right, py(base.Baseline), py(base.Baseline), w-right, py(base.Baseline)-4, html.EscapeString(base.BaselineName))
	}
	if len(points) > 0 {
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="1.6" points="`, colour)
		for _, p := range points {
			fmt.Fprintf(&b, "%.1f,%.1f ", px(p.X), py(p.Y))
		}
		b.WriteString(`"/>`)
		for _, p := range points {
			if len(points) <= 40 {
				fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="2.4" fill="%s"/>`, px(p.X), py(p.Y), colour)
			}
		}
	}
	b.WriteString(`</svg>`)
	return b.String()
}
