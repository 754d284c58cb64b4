package vle

import (
	"fmt"
	"math"

	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/nn"
)

// VisionEncoder is CLIP's vision transformer (Radford et al. 2021) with the
// final layer norm over all tokens, as VLE uses it.
type VisionEncoder struct {
	spago.Module
	// Class is [hidden × 1], Patch [hidden × channels·patch²], Positions
	// [1+patches × hidden], the class token's position first.
	Class, Patch, Positions *spago.Param
	PreNorm                 *nn.LayerNorm
	Layers                  []*VisionLayer
	PostNorm                *nn.LayerNorm

	cfg VisionConfig
}

// VisionLayer is one pre-norm block.
type VisionLayer struct {
	spago.Module
	Norm1                  *nn.LayerNorm
	Query, Key, Value, Out *nn.Linear
	Norm2                  *nn.LayerNorm
	FC1, FC2               *nn.Linear

	act   nn.Activation
	heads int
	scale float32
	drop  float32
}

var (
	_ spago.Model = (*VisionEncoder)(nil)
	_ spago.Model = (*VisionLayer)(nil)
)

func newVisionEncoder(c VisionConfig) *VisionEncoder {
	act, _ := nn.ParseActivation(c.HiddenAct)
	h := c.HiddenSize
	e := &VisionEncoder{
		PreNorm:  nn.NewLayerNorm(h, c.LayerNormEps),
		PostNorm: nn.NewLayerNorm(h, c.LayerNormEps),
		cfg:      c,
	}
	for range c.NumLayers {
		e.Layers = append(e.Layers, &VisionLayer{
			Norm1: nn.NewLayerNorm(h, c.LayerNormEps), Norm2: nn.NewLayerNorm(h, c.LayerNormEps),
			Query: nn.NewLinear(h, h, true), Key: nn.NewLinear(h, h, true), Value: nn.NewLinear(h, h, true), Out: nn.NewLinear(h, h, true),
			FC1: nn.NewLinear(h, c.IntermediateSize, true), FC2: nn.NewLinear(c.IntermediateSize, h, true),
			act: act, heads: c.NumHeads, scale: float32(1 / math.Sqrt(float64(h/c.NumHeads))), drop: float32(c.AttentionDropout),
		})
	}
	return e
}

// Visit calls v for each parameter with its name below prefix.
func (e *VisionEncoder) Visit(prefix string, v nn.Visitor) {
	c := &e.cfg
	p := prefix + ".vision_model"
	v(p+".embeddings.class_embedding", []int{c.HiddenSize}, &e.Class)
	v(p+".embeddings.patch_embedding.weight", []int{c.HiddenSize, c.NumChannels, c.PatchSize, c.PatchSize}, &e.Patch)
	v(p+".embeddings.position_embedding.weight", []int{c.Patches() + 1, c.HiddenSize}, &e.Positions)
	e.PreNorm.Visit(p+".pre_layrnorm", v) // the reference's spelling
	for i, l := range e.Layers {
		q := fmt.Sprintf("%s.encoder.layers.%d", p, i)
		l.Key.Visit(q+".self_attn.k_proj", v)
		l.Value.Visit(q+".self_attn.v_proj", v)
		l.Query.Visit(q+".self_attn.q_proj", v)
		l.Out.Visit(q+".self_attn.out_proj", v)
		l.Norm1.Visit(q+".layer_norm1", v)
		l.FC1.Visit(q+".mlp.fc1", v)
		l.FC2.Visit(q+".mlp.fc2", v)
		l.Norm2.Visit(q+".layer_norm2", v)
	}
	e.PostNorm.Visit(p+".post_layernorm", v)
}

// forward encodes pixels [images × channels × size × size] into
// [images·(1+patches) × hidden], the class token of each image first.
func (e *VisionEncoder) forward(r *nn.Run, pixels []float32, images int) mat.Tensor {
	c := &e.cfg
	patches := nn.Patches(r, pixels, images, c.NumChannels, c.ImageSize, c.ImageSize, c.PatchSize)
	tokens := r.Do(&nn.Affine{X: patches, W: e.Patch})
	r.Free(patches)
	x := nn.Position(r, tokens, e.Class, e.Positions)
	r.Free(tokens)
	r.Show("vision.embeddings", images, x)
	x = e.PreNorm.Over(r, x)
	r.Show("vision.pre_layernorm", images, x)
	rows := nn.EvenLayout(images, c.Patches()+1)
	for i, l := range e.Layers {
		x = l.forward(r, x, rows, i)
	}
	x = e.PostNorm.Over(r, x)
	r.Show("vision.post_layernorm", images, x)
	if r.Watched() {
		// CLIP's own pooled output is the class token after the same norm.
		class := nn.Rows(r, x, rows.Firsts())
		r.Show("vision.clip_pooler_output", images, class)
		r.Free(class)
	}
	return x
}

// forward uses x up.
func (l *VisionLayer) forward(r *nn.Run, x mat.Tensor, rows nn.Layout, number int) mat.Tensor {
	items := rows.Items()
	h := l.Norm1.Forward(r, x)
	op := &nn.Attend{
		Q: l.Query.Forward(r, h), K: l.Key.Forward(r, h), V: l.Value.Forward(r, h),
		Queries: rows, Keys: rows, Heads: l.heads, Scale: l.scale,
		Drop: r.NewDropMask(l.drop), Keep: r.Watched(),
	}
	ctx := r.Do(op)
	r.Free(h, op.Q, op.K, op.V)
	showProbabilities(r, fmt.Sprintf("attn.vision%d", number), items, l.heads, rows, rows, op.Probabilities)
	if r.Watched() { // what is shown lacks the residual
		a := l.Out.Forward(r, ctx)
		r.Show(fmt.Sprintf("vision.layer%d.self_attn", number), items, a)
		r.Free(a)
	}
	a := l.Out.ForwardAdded(r, ctx, x, 0)
	r.Free(ctx, x)
	h = l.Norm2.Forward(r, a)
	m := l.FC1.ForwardActivated(r, h, l.act)
	r.Free(h)
	y := l.FC2.ForwardAdded(r, m, a, 0)
	r.Free(m, a)
	r.Show(fmt.Sprintf("vision.layer%d.output", number), items, y)
	return y
}
