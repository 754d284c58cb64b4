package vle

import (
	"fmt"
	"math"

	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/nn"
)

// FusionLayer is one post-norm co-attention layer of one modality: attention
// over itself, attention over the other modality, feed-forward.
type FusionLayer struct {
	spago.Module
	Self, Cross  *FusionAttention
	Intermediate *nn.Linear
	Output       *Residual

	act   nn.Activation
	alone bool // without Cross
}

// FusionAttention is attention followed by its residual.
type FusionAttention struct {
	spago.Module
	Query, Key, Value *nn.Linear
	Output            *Residual

	heads int
	scale float32
	drop  float32
}

var (
	_ spago.Model = (*FusionLayer)(nil)
	_ spago.Model = (*FusionAttention)(nil)
	_ spago.Model = (*Residual)(nil)
)

func newFusionLayer(c *Config) *FusionLayer {
	act, _ := nn.ParseActivation(c.HiddenAct)
	return &FusionLayer{
		Self: newFusionAttention(c), Cross: newFusionAttention(c),
		Intermediate: nn.NewLinear(c.HiddenSize, c.IntermediateSize, true),
		Output:       newResidual(c.IntermediateSize, c.HiddenSize, c.LayerNormEps, c.HiddenDropout),
		act:          act,
		alone:        c.NoCrossAttention,
	}
}

func newFusionAttention(c *Config) *FusionAttention {
	h := c.HiddenSize
	return &FusionAttention{
		Query: nn.NewLinear(h, h, true), Key: nn.NewLinear(h, h, true), Value: nn.NewLinear(h, h, true),
		Output: newResidual(h, h, c.LayerNormEps, c.HiddenDropout),
		heads:  c.NumHeads, scale: float32(1 / math.Sqrt(float64(h/c.NumHeads))), drop: float32(c.AttentionDropout),
	}
}

func (l *FusionLayer) visit(prefix string, v nn.Visitor) {
	l.Self.visit(prefix+".attention", v)
	l.Cross.visit(prefix+".crossattention", v)
	l.Intermediate.Visit(prefix+".intermediate.dense", v)
	l.Output.visit(prefix+".output", v)
}

func (a *FusionAttention) visit(prefix string, v nn.Visitor) {
	a.Query.Visit(prefix+".self.query", v)
	a.Key.Visit(prefix+".self.key", v)
	a.Value.Visit(prefix+".self.value", v)
	a.Output.visit(prefix+".output", v)
}

// side is one modality's hidden states in the fusion.
type side struct {
	name string
	x    mat.Tensor
	rows nn.Layout
	// bias is added to the scores of the rows as keys; nil adds nothing.
	bias []float32
}

// rowChoice says which rows of a side a layer computes.
type rowChoice int

const (
	allRows rowChoice = iota
	// firstRows is the first row of each item, all that pooling reads.
	firstRows
	noRows
)

// keep notes that x now holds the chosen rows only.
func (s *side) keep(rows rowChoice) {
	if rows == firstRows {
		s.rows, s.bias = nn.EvenLayout(s.rows.Items(), 1), nil
	}
}

// forward attends from x, laid out as rows, to over's rows. It leaves both.
func (a *FusionAttention) forward(r *nn.Run, x mat.Tensor, rows nn.Layout, over *side, name string) mat.Tensor {
	op := &nn.Attend{
		Q: a.Query.Forward(r, x), K: a.Key.Forward(r, over.x), V: a.Value.Forward(r, over.x),
		Queries: rows, Keys: over.rows, Heads: a.heads, Scale: a.scale, KeyBias: over.bias,
		Drop: r.NewDropMask(a.drop), Keep: r.Watched(),
	}
	ctx := r.Do(op)
	r.Free(op.Q, op.K, op.V)
	showProbabilities(r, name, rows.Items(), a.heads, rows, over.rows, op.Probabilities)
	return a.Output.forward(r, ctx, x)
}

// forward returns the next hidden states of in's chosen rows, reading other's
// current ones; nil for none. It leaves both.
func (l *FusionLayer) forward(r *nn.Run, in, other *side, number int, choice rowChoice) mat.Tensor {
	if choice == noRows {
		return nil
	}
	name := fmt.Sprintf("%s%d", in.name, number)
	items := in.rows.Items()
	x, rows := in.x, in.rows
	if choice == firstRows {
		x, rows = nn.Rows(r, in.x, in.rows.Firsts()), nn.EvenLayout(items, 1)
	}
	s := l.Self.forward(r, x, rows, in, "attn.cross_"+name+"_self")
	if choice == firstRows {
		r.Free(x)
	}
	r.Show("cross."+name+".self_attention", items, s)
	c := s
	if !l.alone {
		c = l.Cross.forward(r, s, rows, other, "attn.cross_"+name+"_cross")
		r.Free(s)
	}
	r.Show("cross."+name+".cross_attention", items, c)
	h := l.Intermediate.ForwardActivated(r, c, l.act)
	y := l.Output.forward(r, h, c)
	r.Free(c)
	r.Show("cross."+name+".output", items, y)
	return y
}
