package vle

import (
	"fmt"

	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/nn"
)

// VQA is VLE with the head of visual question answering: a classifier over the
// configuration's labels.
type VQA struct {
	spago.Module
	Body *Model
	Head *Classifier
}

var _ Parameterized = (*VQA)(nil)

// Classifier is Linear – LayerNorm – GELU – Linear.
type Classifier struct {
	spago.Module
	Dense *nn.Linear
	Norm  *nn.LayerNorm
	Out   *nn.Linear
}

var _ spago.Model = (*Classifier)(nil)

// classifierEps is torch.nn.LayerNorm's default; no configuration sets it.
const classifierEps = 1e-5

func newClassifier(width, classes int) *Classifier {
	return &Classifier{
		Dense: nn.NewLinear(width, width, true),
		Norm:  nn.NewLayerNorm(width, classifierEps),
		Out:   nn.NewLinear(width, classes, true),
	}
}

func (c *Classifier) visit(prefix string, v nn.Visitor) {
	c.Dense.Visit(prefix+".0", v)
	c.Norm.Visit(prefix+".1", v)
	c.Out.Visit(prefix+".3", v)
}

// Forward maps x [rows × width] to logits [rows × classes].
func (c *Classifier) Forward(r *nn.Run, x mat.Tensor) mat.Tensor {
	h := nn.GELU.Forward(r, c.Norm.Over(r, c.Dense.Forward(r, x)))
	y := c.Out.Forward(r, h)
	r.Free(h)
	return y
}

// NewVQA returns a model of the configuration's shape without parameters.
func NewVQA(cfg *Config) (*VQA, error) {
	body, err := NewModel(cfg)
	if err != nil {
		return nil, err
	}
	if len(cfg.Labels) == 0 {
		return nil, fmt.Errorf("vle: config: id2label names no answers, and a VQA model needs them")
	}
	return &VQA{Body: body, Head: newClassifier(2*cfg.HiddenSize, len(body.cfg.Labels))}, nil
}

// Visit calls v for each parameter with its name in the reference's state dict.
func (m *VQA) Visit(v nn.Visitor) {
	m.Body.visit("vle.", v)
	m.Head.visit("vqa_classifier", v)
}

// Config returns the configuration. It must not be changed.
func (m *VQA) Config() *Config { return m.Body.cfg }

// Forward returns the logits [items × labels].
func (m *VQA) Forward(r *nn.Run, b *Batch) (mat.Tensor, error) {
	out, err := m.Body.forward(r, b, pooledPart)
	if err != nil {
		return nil, err
	}
	return m.Head.Forward(r, out.Pooled), nil
}
