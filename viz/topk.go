package viz

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// TopK shows the most probable answers to a question as horizontal bars, the
// best first. Its fields may be changed until it is drawn.
type TopK struct {
	// Title stands above the bars; it is usually the question.
	Title string
	// Labels and Scores are the answers and their probabilities in [0, 1], in
	// the order in which they are drawn from top to bottom.
	Labels []string
	Scores []float64
	// Best and Other are the colours of the first bar and of the rest.
	Best, Other color.Color
	// Width is the picture's width; its height follows from the number of bars.
	Width vg.Length
}

// NewTopK returns the picture of labels with their probabilities. It returns
// an error when there is nothing to draw, when the lengths differ, or when a
// score is not a probability.
func NewTopK(title string, labels []string, scores []float64) (*TopK, error) {
	if len(labels) == 0 {
		return nil, errors.New("viz: top-k of no answers")
	}
	if len(labels) != len(scores) {
		return nil, fmt.Errorf("viz: top-k of %d labels with %d scores", len(labels), len(scores))
	}
	for i, s := range scores {
		if math.IsNaN(s) || s < 0 || s > 1 {
			return nil, fmt.Errorf("viz: score %v of %q is not a probability", s, labels[i])
		}
	}
	return &TopK{
		Title: title, Labels: labels, Scores: scores,
		Best: accent, Other: muted, Width: 5.2 * vg.Inch,
	}, nil
}

// barHeight is the thickness of a bar; rows are twice as far apart.
const barHeight = vg.Length(13)

func (t *TopK) size() (w, h vg.Length) {
	h = vg.Length(len(t.Labels))*barHeight*1.75 + 10
	if t.Title != "" {
		h += titleSize + 14
	}
	return t.Width, h
}

// Plot returns the gonum plot behind the picture, for callers that want to
// change more than the fields allow.
func (t *TopK) Plot() (*plot.Plot, error) {
	n := len(t.Labels)
	p := newPlot(t.Title)
	p.X.Min, p.Y.Min, p.Y.Max = 0, -0.6, float64(n)-0.4
	longest := 0.0
	for _, s := range t.Scores {
		longest = max(longest, s)
	}
	if longest == 0 {
		longest = 1
	}
	// Room at the right end for the percentage of the longest bar.
	p.X.Max = longest * 1.18
	p.X.Tick.Marker = plot.ConstantTicks(nil)

	ticks := make([]plot.Tick, n)
	for i, label := range t.Labels {
		row := float64(n - 1 - i) // the first answer on top
		ticks[i] = plot.Tick{Value: row, Label: shorten(label, 28)}

		bar, err := plotter.NewBarChart(plotter.Values{t.Scores[i]}, barHeight)
		if err != nil {
			return nil, fmt.Errorf("viz: bar of %q: %w", label, err)
		}
		bar.Horizontal, bar.XMin, bar.LineStyle.Width = true, row, 0
		bar.Color = t.Other
		if i == 0 {
			bar.Color = t.Best
		}
		value, err := plotter.NewLabels(plotter.XYLabels{
			XYs:    plotter.XYs{{X: t.Scores[i], Y: row}},
			Labels: []string{percent(t.Scores[i])},
		})
		if err != nil {
			return nil, fmt.Errorf("viz: label of %q: %w", label, err)
		}
		style := &value.TextStyle[0]
		style.Font, style.Color = sans(labelSize), faintInk
		style.XAlign, style.YAlign = text.XLeft, text.YCenter
		value.Offset = vg.Point{X: 5, Y: 1.5} // centred on the bar as the eye sees it
		p.Add(bar, value)
	}
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Padding = vg.Points(5)
	return p, nil
}

func (t *TopK) draw(c draw.Canvas) error {
	p, err := t.Plot()
	if err != nil {
		return err
	}
	p.Draw(draw.Crop(c, 4, -4, 4, -4))
	return nil
}

// WritePNG writes the picture as PNG at 144 pixels per inch.
func (t *TopK) WritePNG(w io.Writer) error { return writePNG(w, t) }

// WriteSVG writes the picture as an SVG document.
func (t *TopK) WriteSVG(w io.Writer) error { return writeSVG(w, t) }

// MIMEBundle returns the picture as image/svg+xml and image/png beside the
// same answers as text.
func (t *TopK) MIMEBundle() map[string]any { return bundle(t, t.String()) }

// String lists the answers with their probabilities, one a line.
func (t *TopK) String() string {
	var b strings.Builder
	if t.Title != "" {
		b.WriteString(t.Title + "\n")
	}
	for i, label := range t.Labels {
		fmt.Fprintf(&b, "%7s  %s\n", percent(t.Scores[i]), label)
	}
	return strings.TrimRight(b.String(), "\n")
}

// percent formats a probability with as many digits as a reader can use.
func percent(p float64) string {
	switch {
	case p > 0 && p < 0.0005:
		return "<0.1 %"
	default:
		return fmt.Sprintf("%.1f %%", 100*p)
	}
}

// shorten cuts s to at most n characters, the last of them an ellipsis.
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return strings.TrimRight(string(r[:n-1]), " ") + "…"
}
