package vle

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"govle/vle/tokenizer"
)

// VCRWord is a word of a text about a picture's objects: either plain text or
// the numbers of objects, which are read as their names joined by "and".
type VCRWord struct {
	Text    string
	Objects []int
}

// UnmarshalJSON reads a string or a list of numbers, as VCR's files have them.
func (w *VCRWord) UnmarshalJSON(data []byte) error {
	*w = VCRWord{}
	if json.Unmarshal(data, &w.Text) == nil {
		return nil
	}
	if err := json.Unmarshal(data, &w.Objects); err != nil {
		return fmt.Errorf("a VCR word is a string or a list of object numbers: %w", err)
	}
	return nil
}

// MarshalJSON writes the form that UnmarshalJSON reads.
func (w VCRWord) MarshalJSON() ([]byte, error) {
	if w.Objects != nil {
		return json.Marshal(w.Objects)
	}
	return json.Marshal(w.Text)
}

// VCRQuestion is a question about a picture with its choices.
type VCRQuestion struct {
	// Objects are the classes of the picture's objects. One called "person" is
	// given a name.
	Objects []string `json:"objects"`
	// Boxes are the objects' boxes in the picture's pixels: left, top, right,
	// bottom. A fifth number, VCR's detection score, is not read.
	Boxes [][]float64 `json:"boxes"`

	Question   []VCRWord   `json:"question"`
	Answers    [][]VCRWord `json:"answer_choices"`
	Rationales [][]VCRWord `json:"rationale_choices"`
}

// vcrNames are the gender-neutral names that persons get, in turn.
var vcrNames = []string{
	"Casey", "Riley", "Jessie", "Jackie", "Avery", "Jaime", "Peyton", "Kerry",
	"Jody", "Kendall", "Payton", "Skyler", "Frankie", "Pat", "Quinn",
}

// vcrMaxTokens is the longest text of a choice in tokens, [CLS] and [SEP]
// included.
const vcrMaxTokens = 80

// privateUse marks words that the reference leaves out.
const privateUse = "\ue000"

// noObject is the tag of a token that names no object.
const noObject = -1

// nameObjects returns what the objects are called; the first person gets name
// number first.
func nameObjects(objects []string, first int) []string {
	names := make([]string, len(objects))
	for i, o := range objects {
		names[i] = o
		if o == "person" {
			names[i] = vcrNames[first%len(vcrNames)]
			first++
		}
	}
	return names
}

// taggedText is a tokenized text whose tokens know the object they name.
type taggedText struct {
	ids  []int
	tags []int
}

func (t *taggedText) len() int { return len(t.ids) }

func (t *taggedText) pop() {
	t.ids = t.ids[:len(t.ids)-1]
	t.tags = t.tags[:len(t.tags)-1]
}

func (t *taggedText) add(ids []int, tag int) {
	t.ids = append(t.ids, ids...)
	for range ids {
		t.tags = append(t.tags, tag)
	}
}

func (t *taggedText) clone() *taggedText {
	return &taggedText{slices.Clone(t.ids), slices.Clone(t.tags)}
}

// tag tokenizes words one by one, so that each token's object is known.
func (p *Processor) tag(words []VCRWord, names []string) (*taggedText, error) {
	t := &taggedText{}
	add := func(word string, object int) error {
		e, err := p.Tokenizer.Encode(word, tokenizer.Options{NoSpecialTokens: true})
		if err != nil {
			return err
		}
		t.add(e.IDs, object)
		return nil
	}
	for _, w := range words {
		if w.Objects == nil {
			if strings.Contains(w.Text, privateUse) {
				continue
			}
			if err := add(w.Text, noObject); err != nil {
				return nil, err
			}
			continue
		}
		for i, o := range w.Objects {
			if o < 0 || o >= len(names) {
				return nil, fmt.Errorf("object %d of %d is named", o, len(names))
			}
			if i > 0 {
				if err := add("and", noObject); err != nil {
					return nil, err
				}
			}
			if err := add(names[o], o); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// cut shortens the texts of all choices to vcrMaxTokens. first are the texts
// before the choice, joined by [SEP]: the question, and for a rationale the
// answer. Token by token the longer side loses its last: of the texts before the
// choice the question down to one token, then the answer.
func cut(first []*taggedText, choice *taggedText) {
	const special = 3 // [CLS], [SEP] before the choice, [SEP] at the end
	before := func() int {
		n := len(first) - 1
		for _, t := range first {
			n += t.len()
		}
		return n
	}
	for before()+choice.len() > vcrMaxTokens-special {
		switch n := before(); {
		case n <= choice.len():
			choice.pop()
		case len(first) == 1 || first[0].len() > 1:
			first[0].pop()
		default:
			first[len(first)-1].pop()
		}
	}
}

// choiceTexts returns the text of each choice without [CLS] and the last [SEP].
// With shared the question and the answer are one for all choices and a long
// choice shortens them for the others, as in the reference.
func choiceTexts(first []*taggedText, choices []*taggedText, sep int, shared bool) []*taggedText {
	copies := func() []*taggedText {
		c := make([]*taggedText, len(first))
		for i, t := range first {
			c[i] = t.clone()
		}
		return c
	}
	common := copies()
	before := make([][]*taggedText, len(choices))
	for i, c := range choices {
		before[i] = common
		if !shared {
			before[i] = copies()
		}
		cut(before[i], c)
	}
	out := make([]*taggedText, len(choices))
	for i, c := range choices {
		t := &taggedText{}
		for _, part := range append(before[i], c) {
			if t.len() > 0 {
				t.add([]int{sep}, noObject)
			}
			t.ids = append(t.ids, part.ids...)
			t.tags = append(t.tags, part.tags...)
		}
		out[i] = t
	}
	return out
}
