package vle

import (
	"fmt"
	"strings"

	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/nn"
)

// TextEncoder is a DeBERTa-v2 encoder (He et al. 2021): disentangled
// attention over content and relative position.
type TextEncoder struct {
	spago.Module
	Words *nn.Embedding
	// Positions and Types are nil when the configuration has none.
	Positions, Types *nn.Embedding
	EmbeddingNorm    *nn.LayerNorm
	Layers           []*TextLayer
	// Relative are the embeddings of distances [2·span × hidden], and
	// RelativeNorm the layer norm they pass through, nil when there is none.
	Relative     *nn.Embedding
	RelativeNorm *nn.LayerNorm

	cfg TextConfig
}

// TextLayer is one post-norm layer of the text encoder.
type TextLayer struct {
	spago.Module
	Query, Key, Value *nn.Linear
	// PosKey and PosQuery project the relative embeddings; nil when the layer
	// uses Key and Query for that.
	PosKey, PosQuery *nn.Linear
	AttentionOutput  *Residual
	Intermediate     *nn.Linear
	Output           *Residual
	act              nn.Activation
	cfg              *TextConfig
	c2p, p2c         bool
	terms            int
}

var (
	_ spago.Model = (*TextEncoder)(nil)
	_ spago.Model = (*TextLayer)(nil)
)

// Residual is the end of each half of a post-norm layer:
// LayerNorm(x + dropout(Dense(h))).
type Residual struct {
	spago.Module
	Dense *nn.Linear
	Norm  *nn.LayerNorm
	drop  float32
}

func newResidual(in, out int, eps, drop float64) *Residual {
	return &Residual{Dense: nn.NewLinear(in, out, true), Norm: nn.NewLayerNorm(out, eps), drop: float32(drop)}
}

func (s *Residual) visit(prefix string, v nn.Visitor) {
	s.Dense.Visit(prefix+".dense", v)
	s.Norm.Visit(prefix+".LayerNorm", v)
}

// forward uses h up; x stays.
func (s *Residual) forward(r *nn.Run, h, x mat.Tensor) mat.Tensor {
	y := s.Dense.ForwardAdded(r, h, x, s.drop)
	r.Free(h)
	return s.Norm.Over(r, y)
}

func newTextEncoder(c TextConfig) *TextEncoder {
	act, _ := nn.ParseActivation(c.HiddenAct)
	pad := nn.NoPadding
	if c.PadTokenID != nil {
		pad = *c.PadTokenID
	}
	h := c.HiddenSize
	e := &TextEncoder{
		Words:         nn.NewEmbedding(c.VocabSize, h, pad),
		EmbeddingNorm: nn.NewLayerNorm(h, c.LayerNormEps),
		cfg:           c,
	}
	if c.PositionBiasedInput {
		e.Positions = nn.NewEmbedding(c.MaxPositions, h, nn.NoPadding)
	}
	if c.TypeVocabSize > 0 {
		e.Types = nn.NewEmbedding(c.TypeVocabSize, h, nn.NoPadding)
	}
	if c.RelativeAttention {
		e.Relative = nn.NewEmbedding(2*c.positionSpan(), h, nn.NoPadding)
		if strings.Contains(c.NormRelEbd, "layer_norm") {
			e.RelativeNorm = nn.NewLayerNorm(h, c.LayerNormEps)
		}
	}
	for range c.NumLayers {
		l := &TextLayer{
			Query: nn.NewLinear(h, h, true), Key: nn.NewLinear(h, h, true), Value: nn.NewLinear(h, h, true),
			AttentionOutput: newResidual(h, h, c.LayerNormEps, c.HiddenDropout),
			Intermediate:    nn.NewLinear(h, c.IntermediateSize, true),
			Output:          newResidual(c.IntermediateSize, h, c.LayerNormEps, c.HiddenDropout),
			act:             act, cfg: &e.cfg, terms: 1,
		}
		if c.PosAttType.Has("c2p") {
			l.terms++
			l.c2p = c.RelativeAttention
		}
		if c.PosAttType.Has("p2c") {
			l.terms++
			l.p2c = c.RelativeAttention
		}
		if c.RelativeAttention && !c.ShareAttKey {
			if l.c2p {
				l.PosKey = nn.NewLinear(h, h, true)
			}
			if l.p2c {
				l.PosQuery = nn.NewLinear(h, h, true)
			}
		}
		e.Layers = append(e.Layers, l)
	}
	return e
}

// Visit calls v for each parameter with its name below prefix.
func (e *TextEncoder) Visit(prefix string, v nn.Visitor) {
	e.Words.Visit(prefix+".embeddings.word_embeddings", v)
	if e.Positions != nil {
		e.Positions.Visit(prefix+".embeddings.position_embeddings", v)
	}
	if e.Types != nil {
		e.Types.Visit(prefix+".embeddings.token_type_embeddings", v)
	}
	e.EmbeddingNorm.Visit(prefix+".embeddings.LayerNorm", v)
	for i, l := range e.Layers {
		l.visit(fmt.Sprintf("%s.encoder.layer.%d", prefix, i), v)
	}
	if e.Relative != nil {
		e.Relative.Visit(prefix+".encoder.rel_embeddings", v)
	}
	if e.RelativeNorm != nil {
		e.RelativeNorm.Visit(prefix+".encoder.LayerNorm", v)
	}
}

func (l *TextLayer) visit(prefix string, v nn.Visitor) {
	l.Query.Visit(prefix+".attention.self.query_proj", v)
	l.Key.Visit(prefix+".attention.self.key_proj", v)
	l.Value.Visit(prefix+".attention.self.value_proj", v)
	if l.PosKey != nil {
		l.PosKey.Visit(prefix+".attention.self.pos_key_proj", v)
	}
	if l.PosQuery != nil {
		l.PosQuery.Visit(prefix+".attention.self.pos_query_proj", v)
	}
	l.AttentionOutput.visit(prefix+".attention.output", v)
	l.Intermediate.Visit(prefix+".intermediate.dense", v)
	l.Output.visit(prefix+".output", v)
}

// forward encodes the token rows of a batch into [rows × hidden].
func (e *TextEncoder) forward(r *nn.Run, in *textRows) mat.Tensor {
	x := e.embed(r, in)
	items := in.rows.Items()
	r.Show("text.embeddings", items, x)
	rel, span := e.distances(r, in.rows.Max())
	for i, l := range e.Layers {
		y := l.forward(r, x, rel, span, in, i)
		r.Free(x)
		x = y
	}
	r.Free(rel)
	return x
}

// distances returns the embeddings of the distances between up to longest tokens,
// and which rows they are; nil where the configuration has none.
func (e *TextEncoder) distances(r *nn.Run, longest int) (mat.Tensor, *nn.Span) {
	if e.Relative == nil {
		return nil, nil
	}
	span := nn.NewSpan(max(1, longest), e.cfg.positionSpan(), e.cfg.PositionBuckets, e.cfg.maxDistance())
	rel := e.Relative.Forward(r, span.Rows())
	if e.RelativeNorm != nil {
		rel = e.RelativeNorm.Over(r, rel)
	}
	return rel, span
}

func (e *TextEncoder) embed(r *nn.Run, in *textRows) mat.Tensor {
	x := e.Words.Forward(r, in.ids)
	if e.Positions != nil {
		p := make([]int, len(in.ids))
		for i := range in.rows.Items() {
			for j := in.rows[i]; j < in.rows[i+1]; j++ {
				p[j] = j - in.rows[i]
			}
		}
		x = addFree(r, e.Positions.Forward(r, p), x)
	}
	if e.Types != nil {
		x = addFree(r, e.Types.Forward(r, in.types), x)
	}
	x = e.EmbeddingNorm.Over(r, x)
	if in.mask != nil {
		x = nn.MaskRows(r, x, in.mask)
	}
	return nn.Dropout(r, x, float32(e.cfg.HiddenDropout))
}

// addFree returns x + y and uses both up.
func addFree(r *nn.Run, x, y mat.Tensor) mat.Tensor {
	s := nn.Add(r, x, y)
	r.Free(x)
	return s
}

func (l *TextLayer) forward(r *nn.Run, x, rel mat.Tensor, span *nn.Span, in *textRows, number int) mat.Tensor {
	items := in.rows.Items()
	op := &nn.Disentangled{
		Q: l.Query.Forward(r, x), K: l.Key.Forward(r, x), V: l.Value.Forward(r, x),
		Rows: in.rows, Heads: l.cfg.NumHeads, Terms: l.terms, Span: span, Mask: in.mask,
		Drop: r.NewDropMask(float32(l.cfg.AttentionDropout)), Keep: r.Watched(),
	}
	if rel != nil {
		rel = nn.Dropout(r, rel, float32(l.cfg.HiddenDropout))
	}
	if l.c2p {
		op.PK = or(l.PosKey, l.Key).Forward(r, rel)
	}
	if l.p2c {
		op.PQ = or(l.PosQuery, l.Query).Forward(r, rel)
	}
	ctx := r.Do(op)
	r.Free(op.Q, op.K, op.V, op.PK, op.PQ)
	r.Show(fmt.Sprintf("text.layer%d.self_context", number), items, ctx)
	showProbabilities(r, fmt.Sprintf("attn.text%d", number), items, op.Heads, in.rows, in.rows, op.Probabilities)
	a := l.AttentionOutput.forward(r, ctx, x)
	r.Show(fmt.Sprintf("text.layer%d.attention_output", number), items, a)
	h := l.Intermediate.ForwardActivated(r, a, l.act)
	y := l.Output.forward(r, h, a)
	r.Free(a)
	r.Show(fmt.Sprintf("text.layer%d.output", number), items, y)
	return y
}

func or(a, b *nn.Linear) *nn.Linear {
	if a != nil {
		return a
	}
	return b
}

// showProbabilities shows attention as [items, heads, queries, keys]; the
// items of a watched run are of one length.
func showProbabilities(r *nn.Run, name string, items, heads int, queries, keys nn.Layout, p []float32) {
	if r.Watched() {
		r.ShowData(name, []int{items, heads, queries.Max(), keys.Max()}, p)
	}
}
