package train

import (
	"fmt"
	"math/rand/v2"

	"github.com/nlpodyssey/spago/mat"

	"govle/vle"
	"govle/vle/nn"
)

// Objective is what a model is trained for: how the examples of a batch become
// inputs and targets, and the loss.
type Objective interface {
	// Name is short, such as "vqa".
	Name() string
	// Prepare returns the examples that the objective can use, hidden, paired or
	// masked as it needs them. It must not change the given ones and draws only
	// from rng. An example whose targets the model cannot have is an error.
	Prepare(c *vle.Config, batch []*Example, rng *rand.Rand) ([]*Example, error)
	// Units is the number of terms that a prepared example adds to the loss,
	// which is their mean.
	Units(c *vle.Config, e *Example) int
	// Run computes the loss of prepared examples with a model that has the head
	// for it.
	Run(m vle.Parameterized, r *nn.Run, batch []*Example) (*Outcome, error)
}

// Outcome is what an objective says of a batch.
type Outcome struct {
	// Loss is the mean loss [1 × 1].
	Loss mat.Tensor
	// Right is how much was right of Scored units, for the accuracy.
	Right  float64
	Scored int
}

// head returns m itself, or its part, if that is an H.
func head[H vle.Parameterized](m vle.Parameterized, objective string) (H, error) {
	if h, ok := m.(H); ok {
		return h, nil
	}
	if j, ok := m.(*Joint); ok {
		for _, part := range j.Heads {
			if h, ok := part.(H); ok {
				return h, nil
			}
		}
	}
	var none H
	return none, fmt.Errorf("train: objective %s wants a %T, the model is a %T", objective, none, m)
}

// VQA is visual question answering: the binary cross-entropy against soft scores,
// times the number of answers. The accuracy is the mean score of the best answer.
type VQA struct{}

// Name returns "vqa".
func (VQA) Name() string { return "vqa" }

// Prepare keeps the examples with labels.
func (o VQA) Prepare(c *vle.Config, batch []*Example, _ *rand.Rand) ([]*Example, error) {
	var out []*Example
	for _, e := range batch {
		if e.Labels == nil || !e.isFor(o) {
			continue
		}
		if _, err := vle.VQATargets([][]int{e.Labels}, [][]float32{e.Scores}, len(c.Labels)); err != nil {
			return nil, fmt.Errorf("example %q: %w", e.ID, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// Units returns 1.
func (VQA) Units(*vle.Config, *Example) int { return 1 }

// Run runs a *vle.VQA.
func (o VQA) Run(m vle.Parameterized, r *nn.Run, examples []*Example) (*Outcome, error) {
	h, err := head[*vle.VQA](m, o.Name())
	if err != nil {
		return nil, err
	}
	x, err := h.Forward(r, batch(examples, ownText, true))
	if err != nil {
		return nil, err
	}
	var labels [][]int
	var scores [][]float32
	for _, e := range examples {
		labels, scores = append(labels, e.Labels), append(scores, e.Scores)
	}
	n := x.Shape()[1]
	targets, err := vle.VQATargets(labels, scores, n)
	if err != nil {
		return nil, err
	}
	out := &Outcome{Loss: nn.BinaryCrossEntropy(r, x, targets, float32(n)), Scored: len(examples)}
	for i, best := range argmax(nn.Floats(x), n) {
		out.Right += float64(targets[i*n+best])
	}
	return out, nil
}

// argmax returns the column of the largest element of each row.
func argmax(x []float32, cols int) []int {
	out := make([]int, len(x)/cols)
	for i := range out {
		row := x[i*cols : (i+1)*cols]
		for j, v := range row {
			if v > row[out[i]] {
				out[i] = j
			}
		}
	}
	return out
}

// classified is the outcome of a cross-entropy over rows of logits.
func classified(r *nn.Run, x mat.Tensor, classes []int) *Outcome {
	out := &Outcome{Loss: nn.CrossEntropy(r, x, classes), Scored: len(classes)}
	for i, best := range argmax(nn.Floats(x), x.Shape()[1]) {
		if best == classes[i] {
			out.Right++
		}
	}
	return out
}

// VCR is choosing among the answers to a question (Q2A) or the rationales for an
// answer (QA2R): the cross-entropy over the choices.
type VCR struct {
	// Task says which head; 0 means vle.Q2A.
	Task vle.VCRTask
}

func (o VCR) task() vle.VCRTask {
	if o.Task == 0 {
		return vle.Q2A
	}
	return o.Task
}

// Name returns "vcr_q2a" or "vcr_qa2r".
func (o VCR) Name() string {
	if o.task() == vle.QA2R {
		return "vcr_qa2r"
	}
	return "vcr_q2a"
}

// Prepare keeps the examples with choices, which must be as many in each.
func (o VCR) Prepare(_ *vle.Config, batch []*Example, _ *rand.Rand) ([]*Example, error) {
	var out []*Example
	for _, e := range batch {
		switch {
		case len(e.Choices) == 0 || !e.isFor(o):
			continue
		case e.Right < 0 || e.Right >= len(e.Choices):
			return nil, fmt.Errorf("example %q: choice %d of %d is said to be right", e.ID, e.Right, len(e.Choices))
		case len(out) > 0 && len(e.Choices) != len(out[0].Choices):
			return nil, fmt.Errorf("example %q has %d choices, %q in the same batch %d", e.ID, len(e.Choices), out[0].ID, len(out[0].Choices))
		}
		out = append(out, e)
	}
	return out, nil
}

// Units returns 1.
func (VCR) Units(*vle.Config, *Example) int { return 1 }

// Run runs a *vle.VCR of the task.
func (o VCR) Run(m vle.Parameterized, r *nn.Run, examples []*Example) (*Outcome, error) {
	var h *vle.VCR
	for _, part := range parts(m) {
		if v, ok := part.(*vle.VCR); ok && v.Task == o.task() {
			h = v
		}
	}
	if h == nil {
		return nil, fmt.Errorf("train: objective %s wants a *vle.VCR for that task, the model is a %T", o.Name(), m)
	}
	var choices []*vle.Batch
	for i := range examples[0].Choices {
		b := batch(examples, func(e *Example) Text { return e.Choices[i] }, true)
		if i > 0 {
			b.Pixels = nil // those of the first choice are read
		}
		choices = append(choices, b)
	}
	x, err := h.Forward(r, choices)
	if err != nil {
		return nil, err
	}
	var classes []int
	for _, e := range examples {
		classes = append(classes, e.Right)
	}
	return classified(r, x, classes), nil
}

// ITM is image-text matching: does the text belong to the picture? Boxes are not
// shown to the model.
type ITM struct {
	// Negative is the share of examples that get the text of another example of
	// the batch; 0 means a half, and a negative number none: then the data says
	// which examples do not match.
	Negative float64
}

// Name returns "itm".
func (ITM) Name() string { return "itm" }

// Prepare gives some pictures another example's text.
func (o ITM) Prepare(_ *vle.Config, batch []*Example, rng *rand.Rand) ([]*Example, error) {
	share := o.Negative
	if share == 0 {
		share = 0.5
	}
	var out []*Example
	for i, e := range batch {
		if len(e.IDs) == 0 || !e.isFor(o) {
			continue
		}
		draw, other := rng.Float64(), rng.IntN(len(batch))
		c := *e
		c.FusionTypes = nil
		if draw < share && !e.Mismatch {
			// The first other text from a random place on; equal texts are no
			// mismatch, nor is another text about the same picture.
			for k := range batch {
				o := batch[(other+k)%len(batch)]
				if (other+k)%len(batch) != i && len(o.IDs) > 0 && !equal(o.IDs, e.IDs) && !samePicture(o, e) {
					c.Text, c.Mismatch = Text{IDs: o.IDs, TypeIDs: o.TypeIDs}, true
					break
				}
			}
		}
		out = append(out, &c)
	}
	return out, nil
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Units returns 1.
func (ITM) Units(*vle.Config, *Example) int { return 1 }

// Run runs a *vle.ITM.
func (o ITM) Run(m vle.Parameterized, r *nn.Run, examples []*Example) (*Outcome, error) {
	h, err := head[*vle.ITM](m, o.Name())
	if err != nil {
		return nil, err
	}
	x, err := h.Forward(r, batch(examples, ownText, false))
	if err != nil {
		return nil, err
	}
	var classes []int
	for _, e := range examples {
		class := 1
		if e.Mismatch {
			class = 0
		}
		classes = append(classes, class)
	}
	return classified(r, x, classes), nil
}

// PBC is patch-box classification: which patches does the text speak of? The loss is
// the cross-entropy per patch, and the accuracy that of pointing: how often the
// likeliest patch is one of them. Boxes are not shown to the model.
type PBC struct{}

// Name returns "pbc".
func (PBC) Name() string { return "pbc" }

// Prepare keeps the examples whose patches are known.
func (o PBC) Prepare(c *vle.Config, batch []*Example, _ *rand.Rand) ([]*Example, error) {
	var out []*Example
	for _, e := range batch {
		if e.Inside == nil || !e.isFor(o) {
			continue
		}
		for _, p := range e.Inside {
			if p < 0 || p >= c.Vision.Patches() {
				return nil, fmt.Errorf("example %q: patch %d of %d", e.ID, p, c.Vision.Patches())
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// Units returns the number of patches.
func (PBC) Units(c *vle.Config, _ *Example) int { return c.Vision.Patches() }

// Run runs a *vle.PBC.
func (o PBC) Run(m vle.Parameterized, r *nn.Run, examples []*Example) (*Outcome, error) {
	h, err := head[*vle.PBC](m, o.Name())
	if err != nil {
		return nil, err
	}
	x, err := h.Forward(r, batch(examples, ownText, false))
	if err != nil {
		return nil, err
	}
	n := m.Config().Vision.Patches()
	classes := make([]int, n*len(examples))
	logits := nn.Floats(x)
	out := &Outcome{}
	for i, e := range examples {
		for _, p := range e.Inside {
			classes[i*n+p] = 1
		}
		if len(e.Inside) == 0 {
			continue
		}
		best, most := 0, float32(0)
		for p := range n {
			if d := logits[2*(i*n+p)+1] - logits[2*(i*n+p)]; p == 0 || d > most {
				best, most = p, d
			}
		}
		out.Scored++
		out.Right += float64(classes[i*n+best])
	}
	out.Loss = nn.CrossEntropy(r, x, classes)
	return out, nil
}
