package datasets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// Vocab is the list of answers that a VQA model chooses from. An answer's label
// is its place in the list.
type Vocab struct {
	answers []string
	labels  map[string]int
}

// NewVocab makes a vocabulary of answers in their order. An empty list or an
// answer that comes twice is an error. The empty answer is allowed: VQAv2's
// vocabulary has it.
func NewVocab(answers []string) (*Vocab, error) {
	if len(answers) == 0 {
		return nil, fmt.Errorf("an answer vocabulary without answers")
	}
	v := &Vocab{answers: append([]string(nil), answers...), labels: make(map[string]int, len(answers))}
	for i, a := range answers {
		if first, twice := v.labels[a]; twice {
			return nil, fmt.Errorf("answer %q has two labels, %d and %d", a, first, i)
		}
		v.labels[a] = i
	}
	return v, nil
}

// Len returns the number of answers.
func (v *Vocab) Len() int { return len(v.answers) }

// Answer returns the answer of a label; it panics when there is none.
func (v *Vocab) Answer(label int) string { return v.answers[label] }

// Answers returns the answers by label, in a new slice.
func (v *Vocab) Answers() []string { return append([]string(nil), v.answers...) }

// Label returns the label of an answer and whether it has one.
func (v *Vocab) Label(answer string) (int, bool) {
	l, ok := v.labels[answer]
	return l, ok
}

// maxVocabFile bounds a vocabulary file; VQAv2's takes 64 kB.
const maxVocabFile = 64 << 20

// ReadVocab reads a vocabulary file of any of three forms: a JSON list of
// answers (label2ans), a JSON object from answers to labels (ans2label), whose
// labels must be 0, 1, 2… in some order, or a text with an answer a line, as
// easy-VQA's answers.txt.
func ReadVocab(file string) (*Vocab, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading the answer vocabulary: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxVocabFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer vocabulary: %w", err)
	}
	if len(data) > maxVocabFile {
		return nil, fmt.Errorf("answer vocabulary %s: more than %d MiB", file, maxVocabFile>>20)
	}
	v, err := parseVocab(data)
	if err != nil {
		return nil, fmt.Errorf("answer vocabulary %s: %w", file, err)
	}
	return v, nil
}

func parseVocab(data []byte) (*Vocab, error) {
	switch text := bytes.TrimSpace(data); {
	case bytes.HasPrefix(text, []byte("[")):
		var answers []string
		if err := json.Unmarshal(text, &answers); err != nil {
			return nil, fmt.Errorf("not a list of answers: %w", err)
		}
		return NewVocab(answers)
	case bytes.HasPrefix(text, []byte("{")):
		var labels map[string]int
		if err := json.Unmarshal(text, &labels); err != nil {
			return nil, fmt.Errorf("not an object of labels: %w", err)
		}
		answers, taken := make([]string, len(labels)), make([]bool, len(labels))
		for a, l := range labels {
			if l < 0 || l >= len(labels) {
				return nil, fmt.Errorf("label %d of answer %q is outside 0 to %d", l, a, len(labels)-1)
			}
			if taken[l] {
				return nil, fmt.Errorf("answers %q and %q share label %d", min(a, answers[l]), max(a, answers[l]), l)
			}
			answers[l], taken[l] = a, true
		}
		return NewVocab(answers)
	}
	var answers []string
	for _, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			return nil, fmt.Errorf("line %d is empty", len(answers)+1)
		}
		answers = append(answers, line)
	}
	return NewVocab(answers)
}

// WriteJSON writes the list of answers that ReadVocab reads.
func (v *Vocab) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(v.answers)
}

// Targets returns the labels that a question is trained towards, with their
// scores. Where annotators answered, an answer's score grows with how many gave it
// word for word: 0.3, 0.6, 0.9, 1; answers outside the vocabulary are left out, so there
// may be none. Else the question's one answer scores 1, and one outside the vocabulary is an
// error that names the question.
func (v *Vocab) Targets(q Question) (labels []int, scores []float32, err error) {
	if len(q.Humans) == 0 {
		l, ok := v.labels[q.Answer]
		if !ok {
			return nil, nil, fmt.Errorf("question %d (%q): answer %q is not in the vocabulary of %d answers", q.ID, q.Text, q.Answer, v.Len())
		}
		return []int{l}, []float32{1}, nil
	}
	count := map[string]int{}
	for _, h := range q.Humans {
		count[h.Answer]++
	}
	for _, h := range q.Humans { // in the order of first mention
		l, ok := v.labels[h.Answer]
		if n := count[h.Answer]; ok && n > 0 {
			labels, scores = append(labels, l), append(scores, SoftScore(n))
			count[h.Answer] = 0
		}
	}
	return labels, scores, nil
}

// SoftScore is the score of an answer that n of ten annotators gave (get_score
// of the reference's VQA example).
func SoftScore(n int) float32 {
	switch {
	case n <= 0:
		return 0
	case n == 1:
		return 0.3
	case n == 2:
		return 0.6
	case n == 3:
		return 0.9
	}
	return 1
}
