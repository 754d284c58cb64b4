package vle

import (
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"strings"
	"sync"

	"govle/vle/imageproc"
	"govle/vle/nn"
	"govle/vle/tokenizer"
)

// VCRPipeline chooses among the answers to a question about a picture's
// objects, or among the rationales for an answer. It may be used by many
// goroutines at once.
type VCRPipeline struct {
	Model     *VCR
	Processor *Processor
	// Reference reproduces what the reference does wrong: persons' names go on
	// from call to call, the objects' types follow the order of a CPython set
	// and come out of line with the tokens after an unknown character, a long
	// choice shortens the question for the others, and boxes are placed as if
	// the picture were stretched and not cropped.
	Reference bool

	weights io.Closer

	mu    sync.Mutex
	names int // persons named so far, for Reference
}

// OpenVCR opens a model folder with a head for task, as [OpenVQA] does.
func OpenVCR(dir string, task VCRTask) (*VCRPipeline, error) {
	m, p, w, err := openPipeline(dir, func(c *Config) (*VCR, error) { return NewVCR(c, task) })
	if err != nil {
		return nil, err
	}
	return &VCRPipeline{Model: m, Processor: p, weights: w}, nil
}

// Close gives the weights back. The pipeline must not be used any more.
func (p *VCRPipeline) Close() error { return closeWeights(p.weights) }

// VCRChoice is the outcome of one question.
type VCRChoice struct {
	Task VCRTask
	// Best is the number of the best choice.
	Best int
	// Logits and Scores (their softmax) are in the order of the choices.
	Logits, Scores []float64
	// Texts are the choices as the model read them.
	Texts []string
}

// String returns a line for each choice.
func (c *VCRChoice) String() string { return textTable(c.Task.String(), c.rows()) }

// MIMEBundle returns the forms that a notebook shows.
func (c *VCRChoice) MIMEBundle() map[string]any { return bundle(c.Task.String(), c.rows()) }

func (c *VCRChoice) rows() []scored {
	rows := make([]scored, len(c.Scores))
	for i, s := range c.Scores {
		mark := "  "
		if i == c.Best {
			mark = "→ "
		}
		rows[i] = scored{fmt.Sprintf("%s%d %s", mark, i, c.Texts[i]), s}
	}
	return rows
}

// EncodeImage encodes a picture once, for many questions: give Choose what it
// returns.
func (p *VCRPipeline) EncodeImage(img image.Image) (*EncodedImage, error) {
	return encodeImage(p.Model.Body, p.Processor, img)
}

// Choose scores the choices of q: its answers for Q2A; for QA2R its rationales,
// given the answer with number answer, which Q2A does not read.
func (p *VCRPipeline) Choose(img image.Image, q *VCRQuestion, answer int) (*VCRChoice, error) {
	e, err := p.EncodeImage(img)
	if err != nil {
		return nil, err
	}
	batches, err := p.batches(q, answer, e.Geometry)
	if err != nil {
		return nil, fmt.Errorf("vle: %w", err)
	}
	all, err := p.score(e, [][]*Batch{batches})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// ChooseAll is Choose for many questions about one picture, which is encoded
// once, in passes of bounded size. For QA2R answers has a number for each
// question; Q2A does not read it.
func (p *VCRPipeline) ChooseAll(img image.Image, questions []*VCRQuestion, answers []int) ([]*VCRChoice, error) {
	if len(questions) == 0 {
		return nil, errors.New("vle: no questions")
	}
	if p.Model.Task == QA2R && len(answers) != len(questions) {
		return nil, fmt.Errorf("vle: %d answers for %d questions", len(answers), len(questions))
	}
	e, err := p.EncodeImage(img)
	if err != nil {
		return nil, err
	}
	var out []*VCRChoice
	all := make([][]*Batch, len(questions))
	lengths := make([]int, len(questions))
	for i, q := range questions {
		answer := 0
		if p.Model.Task == QA2R {
			answer = answers[i]
		}
		if all[i], err = p.batches(q, answer, e.Geometry); err != nil {
			return nil, fmt.Errorf("vle: question %d: %w", i, err)
		}
		for _, b := range all[i] {
			lengths[i] += len(b.IDs[0]) + len(b.Boxes[0]) + e.Features.Tokens
		}
	}
	err = chunks(lengths, 0, func(from, to int) error {
		for from < to { // questions with as many choices go together
			end := from + 1
			for end < to && len(all[end]) == len(all[from]) {
				end++
			}
			part, err := p.score(e, all[from:end])
			if err != nil {
				return err
			}
			out = append(out, part...)
			from = end
		}
		return nil
	})
	return out, err
}

// score runs the model over the choices of questions that have as many.
func (p *VCRPipeline) score(e *EncodedImage, questions [][]*Batch) ([]*VCRChoice, error) {
	choices := make([]*Batch, len(questions[0]))
	for i := range choices {
		b := &Batch{}
		for _, q := range questions {
			b.IDs = append(b.IDs, q[i].IDs...)
			b.TextTypes = append(b.TextTypes, q[i].TextTypes...)
			b.Boxes = append(b.Boxes, q[i].Boxes...)
		}
		choices[i] = b
	}
	choices[0].ImageFeatures, choices[0].Images = e.Features, make([]int, len(questions))
	r := nn.NewRun()
	defer r.Close()
	y, err := p.Model.Forward(r, choices)
	if err != nil {
		return nil, err
	}
	out := make([]*VCRChoice, len(questions))
	for k := range out {
		c := &VCRChoice{Task: p.Model.Task}
		logits := nn.Floats(y)[k*len(choices) : (k+1)*len(choices)]
		scores := append([]float32(nil), logits...)
		nn.Softmax(scores, len(scores))
		for i, l := range logits {
			c.Logits = append(c.Logits, float64(l))
			c.Scores = append(c.Scores, float64(scores[i]))
			c.Texts = append(c.Texts, p.Processor.Tokenizer.Decode(choices[i].IDs[k], true))
			if l > logits[c.Best] {
				c.Best = i
			}
		}
		out[k] = c
	}
	return out, nil
}

// ChooseBoth answers a question and gives the reason for the answer it chose
// (Q2AR): q2a and rationale are pipelines for the two tasks.
func ChooseBoth(q2a, rationale *VCRPipeline, img image.Image, q *VCRQuestion) (answer, reason *VCRChoice, err error) {
	if q2a.Model.Task != Q2A || rationale.Model.Task != QA2R {
		return nil, nil, fmt.Errorf("vle: ChooseBoth takes pipelines for %v and %v, not %v and %v", Q2A, QA2R, q2a.Model.Task, rationale.Model.Task)
	}
	if answer, err = q2a.Choose(img, q, 0); err != nil {
		return nil, nil, err
	}
	reason, err = rationale.Choose(img, q, answer.Best)
	return answer, reason, err
}

// batches makes one batch a choice of q, without pictures.
func (p *VCRPipeline) batches(q *VCRQuestion, answer int, g imageproc.Geometry) ([]*Batch, error) {
	if err := q.check(p.Model.Task, answer); err != nil {
		return nil, err
	}
	texts, err := p.texts(q, answer)
	if err != nil {
		return nil, err
	}
	if p.Reference {
		g = g.Stretched()
	}
	patch := p.Model.Config().Vision.PatchSize
	out := make([]*Batch, len(texts))
	for i, t := range texts {
		b := &Batch{Boxes: [][][]int{{}}}
		typeOf := map[int]int{noObject: 0}
		for _, o := range RelatedObjects(t.tags, p.Reference) {
			x := q.Boxes[o]
			ids, _ := g.Patches(patch, imageproc.Box{X0: x[0], Y0: x[1], X1: x[2], Y1: x[3]})
			if len(ids) == 0 {
				continue // cropped away: a plain word, its type 0
			}
			typeOf[o] = len(b.Boxes[0]) + 2
			b.Boxes[0] = append(b.Boxes[0], ids)
		}
		types := []int{0}
		for _, tag := range t.tags {
			types = append(types, typeOf[tag])
		}
		ids, err := p.encode(t)
		if err != nil {
			return nil, err
		}
		if len(types) > len(ids) {
			types = types[:len(ids)]
		}
		b.IDs, b.TextTypes = [][]int{ids}, [][]int{types}
		out[i] = b
	}
	return out, nil
}

// encode puts [CLS] and [SEP] around a text. The reference writes the tokens
// out as a text and reads that again, which loses the space before an unknown
// character.
func (p *VCRPipeline) encode(t *taggedText) ([]int, error) {
	tok := p.Processor.Tokenizer
	if !p.Reference {
		ids := append([]int{tok.CLSID()}, t.ids...)
		return append(ids, tok.SEPID()), nil
	}
	var b strings.Builder
	for _, id := range t.ids {
		b.WriteString(tok.Token(id))
	}
	e, err := tok.Encode(b.String(), tokenizer.Options{})
	if err != nil {
		return nil, err
	}
	return e.IDs, nil
}

// texts returns the text of each choice.
func (p *VCRPipeline) texts(q *VCRQuestion, answer int) ([]*taggedText, error) {
	first := 0
	if p.Reference {
		p.mu.Lock()
		first = p.names
		for _, o := range q.Objects {
			if o == "person" {
				p.names++
			}
		}
		p.names %= len(vcrNames)
		p.mu.Unlock()
	}
	names := nameObjects(q.Objects, first)
	tag := func(what string, words []VCRWord) (*taggedText, error) {
		t, err := p.Processor.tag(words, names)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		if t.len() == 0 {
			return nil, fmt.Errorf("%s: %w", what, ErrEmptyText)
		}
		return t, nil
	}
	question, err := tag("question", q.Question)
	if err != nil {
		return nil, err
	}
	before, choices, what := []*taggedText{question}, q.Answers, "answer"
	if p.Model.Task == QA2R {
		a, err := tag("answer", q.Answers[answer])
		if err != nil {
			return nil, err
		}
		before, choices, what = append(before, a), q.Rationales, "rationale"
	}
	var tagged []*taggedText
	for i, c := range choices {
		t, err := tag(fmt.Sprintf("%s %d", what, i), c)
		if err != nil {
			return nil, err
		}
		tagged = append(tagged, t)
	}
	return choiceTexts(before, tagged, p.Processor.Tokenizer.SEPID(), p.Reference), nil
}

// check reports a question that cannot be asked.
func (q *VCRQuestion) check(task VCRTask, answer int) error {
	if q == nil {
		return errors.New("there is no question")
	}
	if len(q.Boxes) != len(q.Objects) {
		return fmt.Errorf("%d objects with %d boxes", len(q.Objects), len(q.Boxes))
	}
	for i, b := range q.Boxes {
		if len(b) < 4 {
			return fmt.Errorf("object %d: a box is left, top, right, bottom; it has %d numbers", i, len(b))
		}
		for _, v := range b[:4] {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("object %d: box %v", i, b)
			}
		}
	}
	choices, name := q.Answers, "answers"
	if task == QA2R {
		choices, name = q.Rationales, "rationales"
		if answer < 0 || answer >= len(q.Answers) {
			return fmt.Errorf("answer %d of %d", answer, len(q.Answers))
		}
	}
	if len(choices) == 0 {
		return fmt.Errorf("the question has no %s", name)
	}
	return nil
}
