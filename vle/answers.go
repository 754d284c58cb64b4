package vle

import (
	"fmt"
	"html"
	"sort"
	"strings"
	"unicode/utf8"

	"govle/vle/nn"
)

// Answer is a possible answer with its probability.
type Answer struct {
	Label string
	// Score is the softmax over all of the model's answers, from 0 to 1.
	Score float64
}

// Answers are the best answers to a question, best first. In a notebook they
// show as a small table with bars.
type Answers struct {
	Question string
	Top      []Answer
}

// topAnswers returns the k best of the logits by softmax; equal ones stay in
// the order of their labels' numbers.
func topAnswers(question string, logits []float32, labels []string, k int) *Answers {
	p := append([]float32(nil), logits...)
	nn.Softmax(p, len(p))
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return p[order[a]] > p[order[b]] })
	a := &Answers{Question: question}
	for _, i := range order[:min(k, len(order))] {
		a.Top = append(a.Top, Answer{Label: labels[i], Score: float64(p[i])})
	}
	return a
}

// Best returns the best answer's label.
func (a *Answers) Best() string {
	if len(a.Top) == 0 {
		return ""
	}
	return a.Top[0].Label
}

// Labels returns the labels, best first.
func (a *Answers) Labels() []string {
	l := make([]string, len(a.Top))
	for i, t := range a.Top {
		l[i] = t.Label
	}
	return l
}

// Scores returns the scores, best first.
func (a *Answers) Scores() []float64 {
	s := make([]float64, len(a.Top))
	for i, t := range a.Top {
		s[i] = t.Score
	}
	return s
}

// String returns the question and a line for each answer.
func (a *Answers) String() string {
	width := 0
	for _, t := range a.Top {
		width = max(width, utf8.RuneCountInString(t.Label))
	}
	var b strings.Builder
	b.WriteString(a.Question)
	for _, t := range a.Top {
		pad := strings.Repeat(" ", width-utf8.RuneCountInString(t.Label))
		fmt.Fprintf(&b, "\n  %s%s  %6.2f %%", t.Label, pad, 100*t.Score)
	}
	return b.String()
}

// MIMEBundle returns the forms that a notebook shows.
func (a *Answers) MIMEBundle() map[string]any {
	var b strings.Builder
	b.WriteString(`<table style="border-collapse:collapse"><caption style="text-align:left;font-style:italic">`)
	b.WriteString(html.EscapeString(a.Question))
	b.WriteString("</caption>")
	for _, t := range a.Top {
		fmt.Fprintf(&b, `<tr><td style="text-align:left;padding:2px 8px">%s</td>`+
			`<td style="text-align:right;padding:2px 8px">%.2f&nbsp;%%</td>`+
			`<td style="padding:2px 8px"><div style="width:160px;background:#8882"><div style="width:%.1f%%;height:0.8em;background:#4878b0"></div></div></td></tr>`,
			html.EscapeString(t.Label), 100*t.Score, 100*t.Score)
	}
	b.WriteString("</table>")
	return map[string]any{"text/plain": a.String(), "text/html": b.String()}
}
