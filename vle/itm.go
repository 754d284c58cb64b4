package vle

import (
	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/nn"
)

// ITM is VLE with the head of image-text matching: does the text belong to the
// picture?
type ITM struct {
	spago.Module
	Body *Model
	// Score maps the pooled output to the logits of "no" and "yes".
	Score *nn.Linear
}

var _ Parameterized = (*ITM)(nil)

// NewITM returns a model of the configuration's shape without parameters.
func NewITM(cfg *Config) (*ITM, error) {
	body, err := NewModel(cfg)
	if err != nil {
		return nil, err
	}
	return &ITM{Body: body, Score: nn.NewLinear(2*cfg.HiddenSize, 2, true)}, nil
}

// Visit calls v for each parameter with its name in the reference's state dict.
func (m *ITM) Visit(v nn.Visitor) {
	m.Body.visit("vle.", v)
	m.Score.Visit("itm_score.fc", v)
}

// Config returns the configuration. It must not be changed.
func (m *ITM) Config() *Config { return m.Body.cfg }

// Forward returns the logits [items × 2]: no match, match.
func (m *ITM) Forward(r *nn.Run, b *Batch) (mat.Tensor, error) {
	out, err := m.Body.forward(r, b, pooledPart)
	if err != nil {
		return nil, err
	}
	return m.Score.Forward(r, out.Pooled), nil
}
