package vle

import (
	"fmt"

	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/nn"
)

// MLM is VLE with the head of masked language modelling: which word belongs in
// the blank, given the picture?
type MLM struct {
	spago.Module
	Body *Model
	// Projection brings the fused text to the text encoder's width; Transform
	// and Norm follow; Decoder maps to the vocabulary. Decoder's weight is the
	// word embedding's, one parameter under two names.
	Projection, Transform *nn.Linear
	Norm                  *nn.LayerNorm
	Decoder               *nn.Linear

	act nn.Activation
}

var _ Parameterized = (*MLM)(nil)

// NewMLM returns a model of the configuration's shape without parameters.
func NewMLM(cfg *Config) (*MLM, error) {
	body, err := NewModel(cfg)
	if err != nil {
		return nil, err
	}
	t := &cfg.Text
	act, err := nn.ParseActivation(t.HiddenAct)
	if err != nil {
		return nil, err
	}
	return &MLM{
		Body:       body,
		Projection: nn.NewLinear(cfg.HiddenSize, t.HiddenSize, true),
		Transform:  nn.NewLinear(t.HiddenSize, t.HiddenSize, true),
		Norm:       nn.NewLayerNorm(t.HiddenSize, t.LayerNormEps),
		Decoder:    nn.NewLinear(t.HiddenSize, t.VocabSize, true),
		act:        act,
	}, nil
}

const mlmPredictions = "mlm_score.1.predictions"

// Visit calls v for each parameter with its name in the reference's state dict.
// The decoder's weight and bias have two names each.
func (m *MLM) Visit(v nn.Visitor) {
	t := &m.Body.cfg.Text
	m.Body.visit("vle.", v)
	m.Projection.Visit("mlm_score.0", v)
	v(mlmPredictions+".bias", []int{t.VocabSize}, &m.Decoder.B)
	m.Transform.Visit(mlmPredictions+".transform.dense", v)
	m.Norm.Visit(mlmPredictions+".transform.LayerNorm", v)
	v(mlmPredictions+".decoder.weight", []int{t.VocabSize, t.HiddenSize}, &m.Decoder.W)
	v(mlmPredictions+".decoder.bias", []int{t.VocabSize}, &m.Decoder.B)
}

// tied gives the names that are other parameters' second ones, which files may
// leave out.
func (m *MLM) tied() map[string]string {
	return map[string]string{
		mlmPredictions + ".decoder.weight": "vle.text_model.embeddings.word_embeddings.weight",
		mlmPredictions + ".decoder.bias":   mlmPredictions + ".bias",
	}
}

// tie makes the decoder share the word embedding, as transformers does after
// loading.
func (m *MLM) tie() { m.Decoder.W = m.Body.Text.Words.W }

// Config returns the configuration. It must not be changed.
func (m *MLM) Config() *Config { return m.Body.cfg }

// Forward returns the logits [text rows × vocabulary] of every token of b, and
// the rows of each item.
func (m *MLM) Forward(r *nn.Run, b *Batch) (mat.Tensor, nn.Layout, error) {
	out, err := m.Body.forward(r, b, textPart)
	if err != nil {
		return nil, nil, err
	}
	return m.predict(r, out.Text), out.TextRows, nil
}

// ForwardAt returns the logits [len(at) × vocabulary] of the tokens at, given
// as item and token number, and computes no others.
func (m *MLM) ForwardAt(r *nn.Run, b *Batch, at [][2]int) (mat.Tensor, error) {
	out, err := m.Body.forward(r, b, textPart)
	if err != nil {
		return nil, err
	}
	return m.predictAt(r, out, at)
}

func (m *MLM) predictAt(r *nn.Run, out *Output, at [][2]int) (mat.Tensor, error) {
	index := make([]int, len(at))
	for i, p := range at {
		if p[0] < 0 || p[0] >= out.TextRows.Items() || p[1] < 0 || p[1] >= out.TextRows.Len(p[0]) {
			return nil, fmt.Errorf("vle: token %d of item %d is asked for, which the batch does not have", p[1], p[0])
		}
		index[i] = out.TextRows[p[0]] + p[1]
	}
	return m.predict(r, nn.Rows(r, out.Text, index)), nil
}

func (m *MLM) predict(r *nn.Run, x mat.Tensor) mat.Tensor {
	h := m.Projection.Forward(r, x)
	t := m.Transform.Forward(r, h)
	r.Free(h)
	t = m.Norm.Over(r, m.act.Forward(r, t))
	y := m.Decoder.Forward(r, t)
	r.Free(t)
	return y
}
