package datasets

import (
	"encoding/json"
	"fmt"
	"strings"

	"govle/datasets/metrics"
)

// Box is a rectangle in a picture's pixels, from the left and the top. X1 and
// Y1 lie just outside: a box of one pixel is one wide.
type Box struct{ X0, Y0, X1, Y1 float64 }

// Check says what is wrong with a box in a width×height picture; nil if
// nothing. With a width of 0 the picture's size is unknown.
func (b Box) Check(width, height int) error {
	switch {
	case !(b.X0 < b.X1 && b.Y0 < b.Y1): // also when one is not a number
		return fmt.Errorf("box %v is empty", b)
	case b.X0 < 0 || b.Y0 < 0:
		return fmt.Errorf("box %v starts outside the picture", b)
	case width > 0 && (b.X1 > float64(width) || b.Y1 > float64(height)):
		return fmt.Errorf("box %v ends outside the %d×%d picture", b, width, height)
	}
	return nil
}

// Object is a thing in a picture.
type Object struct {
	Name string // its class, such as "person"
	Box  Box
}

// Question is a question about a picture (VQA).
type Question struct {
	ID      int64
	Picture Picture
	Text    string
	// Answer is the answer that counts as right, or the annotators' most frequent
	// one. It is empty where a test split keeps it secret.
	Answer string
	// Humans are the annotators' answers, where a data set has them.
	Humans []metrics.HumanAnswer
	// Type is the question type and AnswerType the answer type that scores are
	// broken down by.
	Type, AnswerType string
}

// Word is a word of a text about a picture's objects: either plain text or the
// numbers of objects.
type Word struct {
	Text    string
	Objects []int
}

// UnmarshalJSON reads a string or a list of numbers, as VCR's files have them.
func (w *Word) UnmarshalJSON(data []byte) error {
	*w = Word{}
	if json.Unmarshal(data, &w.Text) == nil {
		return nil
	}
	if err := json.Unmarshal(data, &w.Objects); err != nil {
		return fmt.Errorf("a word is a string or a list of object numbers: %w", err)
	}
	return nil
}

// MarshalJSON writes the form that UnmarshalJSON reads.
func (w Word) MarshalJSON() ([]byte, error) {
	if w.Objects != nil {
		return json.Marshal(w.Objects)
	}
	return json.Marshal(w.Text)
}

// Words joins words for people to read; object 2 becomes [2].
func Words(words []Word) string {
	var out []string
	for _, w := range words {
		if w.Objects == nil {
			out = append(out, w.Text)
			continue
		}
		out = append(out, strings.ReplaceAll(fmt.Sprint(w.Objects), " ", ","))
	}
	return strings.Join(out, " ")
}

// Choice is a question about a picture's objects with four answers and four
// rationales to choose from, one of each being right (VCR).
type Choice struct {
	ID         string
	Picture    Picture
	Objects    []Object
	Question   []Word
	Answers    [][]Word
	Answer     int // which is right; -1 where a test split keeps it secret
	Rationales [][]Word
	Rationale  int // which is right, given the right answer; -1 likewise
}

// Caption is a picture with a text that fits it.
type Caption struct {
	ID      string
	Picture Picture
	Text    string
	// Negatives are texts close to Text that do not fit, where a data set has them.
	Negatives []string
	// Regions are phrases with what they name in the picture.
	Regions []Region
}

// Region is what a phrase names in a picture.
type Region struct {
	Phrase string `json:"phrase"`
	Boxes  []Box  `json:"boxes"`
}

// MarshalJSON writes [x0, y0, x1, y1].
func (b Box) MarshalJSON() ([]byte, error) {
	return json.Marshal([4]float64{b.X0, b.Y0, b.X1, b.Y1})
}

// UnmarshalJSON reads four numbers; a fifth, VCR's detection score, is passed
// over.
func (b *Box) UnmarshalJSON(data []byte) error {
	var v []float64
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("a box is a list of numbers: %w", err)
	}
	if len(v) != 4 && len(v) != 5 {
		return fmt.Errorf("a box has 4 numbers (left, top, right, bottom) and may have a score, this one has %d", len(v))
	}
	*b = Box{v[0], v[1], v[2], v[3]}
	return nil
}
