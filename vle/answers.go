package vle

import (
	"sort"

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
	p, order := ranked(logits)
	a := &Answers{Question: question}
	for _, i := range order[:min(k, len(order))] {
		a.Top = append(a.Top, Answer{Label: labels[i], Score: float64(p[i])})
	}
	return a
}

// ranked returns the softmax of the logits and their numbers, best first.
func ranked(logits []float32) (p []float32, order []int) {
	p = append([]float32(nil), logits...)
	nn.Softmax(p, len(p))
	order = make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return p[order[a]] > p[order[b]] })
	return p, order
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

func (a *Answers) rows() []scored {
	rows := make([]scored, len(a.Top))
	for i, t := range a.Top {
		rows[i] = scored{t.Label, t.Score}
	}
	return rows
}

// String returns the question and a line for each answer.
func (a *Answers) String() string { return textTable(a.Question, a.rows()) }

// MIMEBundle returns the forms that a notebook shows.
func (a *Answers) MIMEBundle() map[string]any { return bundle(a.Question, a.rows()) }
