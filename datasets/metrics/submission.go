package metrics

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// Submission writes answers in the form that EvalAI's VQA challenge takes: a
// JSON list of {"question_id": …, "answer": …}. Create it with [NewSubmission]
// and Close it, or the list has no end.
type Submission struct {
	w    *bufio.Writer
	seen map[int64]bool
}

// NewSubmission starts the list on w.
func NewSubmission(w io.Writer) *Submission {
	return &Submission{w: bufio.NewWriter(w), seen: map[int64]bool{}}
}

// Add writes one answer. A question answered twice is an error, since the
// server refuses the whole file for it.
func (s *Submission) Add(questionID int64, answer string) error {
	if s.seen[questionID] {
		return fmt.Errorf("metrics: question %d is answered twice in the submission", questionID)
	}
	sep := ",\n"
	if len(s.seen) == 0 {
		sep = "[\n"
	}
	s.seen[questionID] = true
	line, err := json.Marshal(struct {
		ID     int64  `json:"question_id"`
		Answer string `json:"answer"`
	}{questionID, answer})
	if err != nil {
		return err
	}
	if _, err := s.w.WriteString(sep); err != nil {
		return fmt.Errorf("metrics: writing the submission: %w", err)
	}
	_, err = s.w.Write(line)
	if err != nil {
		return fmt.Errorf("metrics: writing the submission: %w", err)
	}
	return nil
}

// Close ends the list and flushes it; it does not close the writer below.
func (s *Submission) Close() error {
	end := "\n]\n"
	if len(s.seen) == 0 {
		end = "[]\n"
	}
	if _, err := s.w.WriteString(end); err != nil {
		return fmt.Errorf("metrics: writing the submission: %w", err)
	}
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("metrics: writing the submission: %w", err)
	}
	return nil
}
