package vle

import (
	"fmt"

	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/nn"
)

// VCRTask is one of the two halves of visual commonsense reasoning.
type VCRTask int

const (
	// Q2A chooses the answer to a question.
	Q2A VCRTask = iota + 1
	// QA2R chooses the rationale for a question with its answer.
	QA2R
)

// String returns the reference's name of the task.
func (t VCRTask) String() string {
	switch t {
	case Q2A:
		return "Q2A"
	case QA2R:
		return "QA2R"
	}
	return fmt.Sprintf("VCRTask(%d)", int(t))
}

// VCRChoices is the number of choices of a question.
const VCRChoices = 4

// VCR is VLE with a head of visual commonsense reasoning, which scores a
// choice given as a text about the picture.
type VCR struct {
	spago.Module
	Task VCRTask
	Body *Model
	Head *Classifier
}

var _ Parameterized = (*VCR)(nil)

// NewVCR returns a model of the configuration's shape without parameters.
func NewVCR(cfg *Config, task VCRTask) (*VCR, error) {
	if task != Q2A && task != QA2R {
		return nil, fmt.Errorf("vle: unknown task %v", task)
	}
	body, err := NewModel(cfg)
	if err != nil {
		return nil, err
	}
	return &VCR{Task: task, Body: body, Head: newClassifier(2*cfg.HiddenSize, 1)}, nil
}

// Visit calls v for each parameter with its name in the reference's state dict.
func (m *VCR) Visit(v nn.Visitor) {
	m.Body.visit("vle.", v)
	name := "vcr_q2a_logit"
	if m.Task == QA2R {
		name = "vcr_qa2r_logit"
	}
	m.Head.visit(name, v)
}

// Config returns the configuration. It must not be changed.
func (m *VCR) Config() *Config { return m.Body.cfg }

// Forward returns the logits [samples × choices]. choices holds one batch a
// choice, each with the same samples in the same order. The pictures are those
// of the first; the others' Pixels, ImageFeatures and Images are not read.
func (m *VCR) Forward(r *nn.Run, choices []*Batch) (mat.Tensor, error) {
	if len(choices) == 0 {
		return nil, fmt.Errorf("vle: no choices")
	}
	n := len(choices[0].IDs)
	for i, c := range choices {
		if len(c.IDs) != n {
			return nil, fmt.Errorf("vle: choice %d has %d samples, choice 0 has %d", i, len(c.IDs), n)
		}
	}
	if r.Watched() {
		return m.watched(r, choices)
	}
	b, err := interleave(choices)
	if err != nil {
		return nil, err
	}
	out, err := m.Body.forward(r, b, pooledPart)
	if err != nil {
		return nil, err
	}
	return r.Do(&nn.Reshape{X: m.Head.Forward(r, out.Pooled), Rows: n, Cols: len(choices)}), nil
}

// interleave makes one batch of the choices, all of a sample's in a row, so that
// each picture is encoded once.
func interleave(choices []*Batch) (*Batch, error) {
	first := choices[0]
	b := &Batch{KeepPadding: first.KeepPadding, Pixels: first.Pixels, ImageFeatures: first.ImageFeatures, Images: []int{}}
	for s := range first.IDs {
		for i, c := range choices {
			b.IDs = append(b.IDs, c.IDs[s])
			image := s
			if first.Images != nil {
				if s >= len(first.Images) {
					return nil, fmt.Errorf("vle: Images for %d of %d samples", len(first.Images), len(first.IDs))
				}
				image = first.Images[s]
			}
			b.Images = append(b.Images, image)
			for _, f := range []struct {
				from [][]int
				to   *[][]int
			}{{c.TypeIDs, &b.TypeIDs}, {c.Mask, &b.Mask}, {c.TextTypes, &b.TextTypes}, {c.BoxTypes, &b.BoxTypes}} {
				if f.from == nil {
					if *f.to != nil {
						*f.to = append(*f.to, nil)
					}
					continue
				}
				if len(f.from) != len(c.IDs) {
					return nil, fmt.Errorf("vle: choice %d: a list for %d of %d samples", i, len(f.from), len(c.IDs))
				}
				for len(*f.to) < len(b.IDs)-1 {
					*f.to = append(*f.to, nil)
				}
				*f.to = append(*f.to, f.from[s])
			}
			if c.Boxes != nil {
				if len(c.Boxes) != len(c.IDs) {
					return nil, fmt.Errorf("vle: choice %d: boxes for %d of %d samples", i, len(c.Boxes), len(c.IDs))
				}
				for len(b.Boxes) < len(b.IDs)-1 {
					b.Boxes = append(b.Boxes, nil)
				}
				b.Boxes = append(b.Boxes, c.Boxes[s])
			} else if b.Boxes != nil {
				b.Boxes = append(b.Boxes, nil)
			}
		}
	}
	return b, nil
}

// watched scores one choice after the other, as the reference does, and shows
// its results under the choice's number.
func (m *VCR) watched(r *nn.Run, choices []*Batch) (mat.Tensor, error) {
	var all mat.Tensor
	for i, c := range choices {
		b := *c
		b.Pixels, b.ImageFeatures, b.Images = choices[0].Pixels, choices[0].ImageFeatures, choices[0].Images
		r.SetPrefix(fmt.Sprintf("%d.", i))
		out, err := m.Body.Forward(r, &b)
		if err != nil {
			return nil, fmt.Errorf("choice %d: %w", i, err)
		}
		y := m.Head.Forward(r, out.Pooled)
		if all == nil {
			all = y
		} else {
			all = nn.Beside(r, all, y)
		}
	}
	r.SetPrefix("")
	return all, nil
}
