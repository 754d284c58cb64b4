package vle

import (
	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/nn"
)

// PBC is VLE with the head of patch-box classification: which patches of the
// picture does the text speak of?
type PBC struct {
	spago.Module
	Body *Model
	Head *Classifier
}

var _ Parameterized = (*PBC)(nil)

// NewPBC returns a model of the configuration's shape without parameters.
func NewPBC(cfg *Config) (*PBC, error) {
	body, err := NewModel(cfg)
	if err != nil {
		return nil, err
	}
	return &PBC{Body: body, Head: newClassifier(cfg.HiddenSize, 2)}, nil
}

// Visit calls v for each parameter with its name in the reference's state dict.
func (m *PBC) Visit(v nn.Visitor) {
	m.Body.visit("vle.", v)
	m.Head.visit("pbc_classifier", v)
}

// Config returns the configuration. It must not be changed.
func (m *PBC) Config() *Config { return m.Body.cfg }

// Forward returns the logits [items·patches × 2] of each patch, item by item,
// row by row of patches: outside, inside.
func (m *PBC) Forward(r *nn.Run, b *Batch) (mat.Tensor, error) {
	out, err := m.Body.forward(r, b, imagePart)
	if err != nil {
		return nil, err
	}
	patches := m.Body.cfg.Vision.Patches()
	index := make([]int, 0, out.ImageRows.Items()*patches)
	for _, first := range out.ImageRows.Firsts() {
		for p := range patches {
			index = append(index, first+1+p)
		}
	}
	tokens := nn.Rows(r, out.Image, index)
	y := m.Head.Forward(r, tokens)
	r.Free(tokens)
	return y, nil
}
