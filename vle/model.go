package vle

import (
	"fmt"

	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/nn"
)

// Model is the body of VLE: the two encoders and their fusion.
type Model struct {
	spago.Module
	Text   *TextEncoder
	Vision *VisionEncoder
	// TextProjection and ImageProjection bring both to the fusion's width.
	TextProjection, ImageProjection *nn.Linear
	// TokenTypes has a row for text, one for the image and one for each box.
	TokenTypes              *nn.Embedding
	TextLayers, ImageLayers []*FusionLayer
	// TextPooler and ImagePooler read the first token of their side.
	TextPooler, ImagePooler *nn.Linear

	cfg *Config
}

var _ Parameterized = (*Model)(nil)

// NewModel returns a body of the configuration's shape without parameters;
// [Load] or [Initialize] sets them.
func NewModel(cfg *Config) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("vle: config: %w", err)
	}
	c := *cfg
	h := c.HiddenSize
	m := &Model{
		Text:            newTextEncoder(c.Text),
		Vision:          newVisionEncoder(c.Vision),
		TextProjection:  nn.NewLinear(c.Text.HiddenSize, h, true),
		ImageProjection: nn.NewLinear(c.Vision.HiddenSize, h, true),
		TokenTypes:      nn.NewEmbedding(c.NumTokenTypes, h, nn.NoPadding),
		TextPooler:      nn.NewLinear(h, h, true),
		ImagePooler:     nn.NewLinear(h, h, true),
		cfg:             &c,
	}
	for range c.NumLayers {
		m.TextLayers = append(m.TextLayers, newFusionLayer(&c))
		m.ImageLayers = append(m.ImageLayers, newFusionLayer(&c))
	}
	return m, nil
}

// Config returns the configuration. It must not be changed.
func (m *Model) Config() *Config { return m.cfg }

// Visit calls v for each parameter with its name in the reference's state dict
// of the bare body; heads put "vle." before it.
func (m *Model) Visit(v nn.Visitor) { m.visit("", v) }

func (m *Model) visit(prefix string, v nn.Visitor) {
	m.Vision.Visit(prefix+"vision_model", v)
	m.Text.Visit(prefix+"text_model", v)
	m.TextProjection.Visit(prefix+"text_projection_layer", v)
	m.ImageProjection.Visit(prefix+"image_projection_layer", v)
	m.TokenTypes.Visit(prefix+"token_type_embeddings", v)
	for i, l := range m.ImageLayers {
		l.visit(fmt.Sprintf("%scross_modal_image_layers.%d", prefix, i), v)
	}
	for i, l := range m.TextLayers {
		l.visit(fmt.Sprintf("%scross_modal_text_layers.%d", prefix, i), v)
	}
	m.ImagePooler.Visit(prefix+"cross_modal_image_pooler.dense", v)
	m.TextPooler.Visit(prefix+"cross_modal_text_pooler.dense", v)
}

// Output is what the body computes of a batch. The matrices of an inference
// run are valid until the run is closed.
type Output struct {
	// Pooled is [items × 2·hidden], the text's half first.
	Pooled mat.Tensor
	// Text [text rows × hidden] and Image [image rows × hidden] are the fused
	// hidden states, laid out as TextRows and ImageRows say.
	Text, Image         mat.Tensor
	TextRows, ImageRows nn.Layout
	// TextFeatures and ImageFeatures are the encoders' own hidden states, the
	// image's laid out by picture.
	TextFeatures, ImageFeatures mat.Tensor
}

// parts says which of the body's results are wanted, so that the last fusion
// layer computes no others. A watched run computes all.
type parts int

const (
	pooledPart parts = 1 << iota
	textPart
	imagePart
)

// Forward runs the whole body over a batch.
func (m *Model) Forward(r *nn.Run, b *Batch) (*Output, error) {
	return m.forward(r, b, pooledPart|textPart|imagePart)
}

// forward runs the body for the given parts; the others of the Output are nil.
func (m *Model) forward(r *nn.Run, b *Batch, want parts) (*Output, error) {
	if r.Watched() {
		want = pooledPart | textPart | imagePart
	}
	keep := b.KeepPadding || r.Watched()
	text, tf, err := m.textSide(r, b, keep)
	if err != nil {
		return nil, err
	}
	vf, images, err := m.imageSide(r, b)
	if err != nil {
		return nil, err
	}
	image, err := m.prepareImages(b, text.rows.Items(), images, keep)
	if err != nil {
		return nil, err
	}
	out := m.fuse(r, text, image, tf, vf, images, want)
	out.TextFeatures, out.ImageFeatures = tf, vf
	return out, nil
}

// fuse runs the fusion over the encoders' hidden states tf and vf.
func (m *Model) fuse(r *nn.Run, text *textRows, image *imageRows, tf, vf mat.Tensor, images int, want parts) *Output {
	items := text.rows.Items()
	tp := m.TextProjection.Forward(r, tf)
	r.Show("text_projection", items, tp)
	vp := m.ImageProjection.Forward(r, vf)
	r.Show("image_projection", images, vp)
	if image.start != nil {
		y := nn.Means(r, vp, image.start, image.index)
		r.Free(vp)
		vp = y
	}
	ts := &side{name: "text", rows: text.rows, bias: text.bias, x: addFree(r, m.TokenTypes.Forward(r, text.fusionTypes), tp)}
	is := &side{name: "image", rows: image.rows, bias: image.bias, of: image.of, x: addFree(r, m.TokenTypes.Forward(r, image.types), vp)}
	for _, s := range []*side{ts, is} {
		r.Show("fusion_in."+s.name, items, s.x)
		showBias(r, s)
	}
	for i := range m.TextLayers {
		textRows, imageRows := allRows, allRows
		if i == len(m.TextLayers)-1 {
			textRows, imageRows = want.rows(textPart), want.rows(imagePart)
		}
		t := m.TextLayers[i].forward(r, ts, is, i, textRows)
		v := m.ImageLayers[i].forward(r, is, ts, i, imageRows)
		r.Free(ts.x, is.x)
		ts.x, is.x = t, v
		if is.of != nil {
			is.rows, is.of = nn.EvenLayout(items, is.rows.Len(0)), nil
		}
		ts.keep(textRows)
		is.keep(imageRows)
	}
	out := &Output{}
	if want&pooledPart != 0 {
		tq := m.pool(r, m.TextPooler, ts)
		iq := m.pool(r, m.ImagePooler, is)
		out.Pooled = nn.Beside(r, tq, iq)
		r.Free(tq, iq)
		r.Show("vle.pooler_output", items, out.Pooled)
	}
	if want&textPart != 0 {
		out.Text, out.TextRows = ts.x, ts.rows
		r.Show("vle.text_embeds", items, out.Text)
	}
	if want&imagePart != 0 {
		out.Image, out.ImageRows = is.x, is.rows
		r.Show("vle.image_embeds", items, out.Image)
	}
	return out
}

// rows says which rows of a side the last layer must compute.
func (p parts) rows(side parts) rowChoice {
	switch {
	case p&side != 0:
		return allRows
	case p&pooledPart != 0:
		return firstRows
	}
	return noRows
}

func showBias(r *nn.Run, s *side) {
	if !r.Watched() {
		return
	}
	bias := s.bias
	if bias == nil {
		bias = make([]float32, s.rows.Rows())
	}
	r.ShowData("fusion_mask."+s.name, []int{s.rows.Items(), 1, 1, s.rows.Max()}, bias)
}

func (m *Model) pool(r *nn.Run, dense *nn.Linear, s *side) mat.Tensor {
	first := nn.Rows(r, s.x, s.rows.Firsts())
	y := nn.Tanh.Forward(r, dense.Forward(r, first))
	r.Free(first)
	r.Show(s.name+"_pooler", s.rows.Items(), y)
	return y
}
