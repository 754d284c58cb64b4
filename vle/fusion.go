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
	// of, unless nil, gives each item's picture by its number: x and rows then
	// are those of pictures, which items share.
	of []int
}

// spread returns a copy of the shared rows of t, laid out as s.rows, for each
// item, and their layout.
func (s *side) spread(r *nn.Run, t mat.Tensor) (mat.Tensor, nn.Layout) {
	var index []int
	rows := make(nn.Layout, 1, len(s.of)+1)
	for _, p := range s.of {
		for i := s.rows[p]; i < s.rows[p+1]; i++ {
			index = append(index, i)
		}
		rows = append(rows, len(index))
	}
	return nn.Rows(r, t, index), rows
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

// forward attends from in's rows to over's and returns in's side with the next hidden
// states. It leaves both. Rows that items share are projected once, and copied
// for each item where the other side is not shared likewise.
func (a *FusionAttention) forward(r *nn.Run, in, over *side, name string) *side {
	out := &side{name: in.name, x: in.x, rows: in.rows, of: in.of}
	op := &nn.Attend{
		Q: a.Query.Forward(r, in.x), K: a.Key.Forward(r, over.x), V: a.Value.Forward(r, over.x),
		Keys: over.rows, Heads: a.heads, Scale: a.scale, KeyBias: over.bias,
		Drop: r.NewDropMask(a.drop), Keep: r.Watched(),
	}
	switch {
	case in.of != nil && over.of == nil:
		q := op.Q
		op.Q, _ = in.spread(r, q)
		out.x, out.rows = in.spread(r, in.x)
		r.Free(q)
		out.of = nil
	case in.of == nil && over.of != nil:
		k, v := op.K, op.V
		op.K, op.Keys = over.spread(r, k)
		op.V, _ = over.spread(r, v)
		r.Free(k, v)
	}
	op.Queries = out.rows
	ctx := r.Do(op)
	r.Free(op.Q, op.K, op.V)
	showProbabilities(r, name, out.rows.Items(), a.heads, out.rows, op.Keys, op.Probabilities)
	residual := out.x
	out.x = a.Output.forward(r, ctx, residual)
	if residual != in.x {
		r.Free(residual)
	}
	return out
}

// forward returns the next hidden states of in's chosen rows, item by item,
// reading other's current ones; nil for none. It leaves both.
func (l *FusionLayer) forward(r *nn.Run, in, other *side, number int, choice rowChoice) mat.Tensor {
	if choice == noRows {
		return nil
	}
	name := fmt.Sprintf("%s%d", in.name, number)
	x := &side{name: in.name, x: in.x, rows: in.rows, of: in.of}
	if choice == firstRows {
		x.x, x.rows = nn.Rows(r, in.x, in.rows.Firsts()), nn.EvenLayout(in.rows.Items(), 1)
	}
	s := l.Self.forward(r, x, in, "attn.cross_"+name+"_self")
	if choice == firstRows {
		r.Free(x.x)
	}
	r.Show("cross."+name+".self_attention", s.rows.Items(), s.x)
	c := s
	switch {
	case !l.alone:
		c = l.Cross.forward(r, s, other, "attn.cross_"+name+"_cross")
		r.Free(s.x)
	case s.of != nil: // each item goes on by itself, as after Cross
		each, rows := s.spread(r, s.x)
		c = &side{name: s.name, x: each, rows: rows}
		r.Free(s.x)
	}
	items := c.rows.Items()
	r.Show("cross."+name+".cross_attention", items, c.x)
	h := l.Intermediate.ForwardActivated(r, c.x, l.act)
	y := l.Output.forward(r, h, c.x)
	r.Free(c.x)
	r.Show("cross."+name+".output", items, y)
	return y
}
