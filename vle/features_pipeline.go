package vle

import (
	"fmt"
	"image"
	"io"

	tensor "github.com/nlpodyssey/spago/mat"
	"gonum.org/v1/gonum/mat"

	"govle/vle/imageproc"
	"govle/vle/nn"
)

// FeaturePipeline computes the body's hidden states for a picture and a text.
// It opens the bare body or takes it out of any head. It may be used by many
// goroutines at once.
type FeaturePipeline struct {
	Model     *Model
	Processor *Processor

	weights io.Closer
}

// OpenFeatures opens a model folder, as [OpenVQA] does, for its body.
func OpenFeatures(dir string) (*FeaturePipeline, error) {
	m, p, w, err := openPipeline(dir, NewModel)
	if err != nil {
		return nil, err
	}
	return &FeaturePipeline{Model: m, Processor: p, weights: w}, nil
}

// Close gives the weights back. The pipeline must not be used any more.
func (p *FeaturePipeline) Close() error { return closeWeights(p.weights) }

// Features are the hidden states of a picture with a text, a row a token.
type Features struct {
	// Tokens are the text's tokens.
	Tokens []string
	// Grid is the number of patches along a side; image rows are the class token
	// and then the patches, row by row.
	Grid     int
	Geometry imageproc.Geometry
	// Text and Image are the encoders' own hidden states, before they met.
	Text, Image *mat.Dense
	// FusedText and FusedImage are those after the fusion.
	FusedText, FusedImage *mat.Dense
	// Pooled summarises the pair: the text's half, then the image's.
	Pooled []float64
}

// Extract computes the features of a picture with a text.
func (p *FeaturePipeline) Extract(img image.Image, text string) (*Features, error) {
	b, enc, err := p.Processor.textBatch("text", []string{text})
	if err != nil {
		return nil, err
	}
	e, err := p.EncodeImage(img)
	if err != nil {
		return nil, err
	}
	b.ImageFeatures = e.Features
	r := nn.NewRun()
	defer r.Close()
	out, err := p.Model.Forward(r, b)
	if err != nil {
		return nil, err
	}
	f := &Features{
		Tokens: enc[0].Tokens, Grid: p.Model.cfg.Vision.Grid(), Geometry: e.Geometry,
		Text: wide(out.TextFeatures), Image: wide(out.ImageFeatures),
		FusedText: wide(out.Text), FusedImage: wide(out.Image),
	}
	for _, v := range nn.Floats(out.Pooled) {
		f.Pooled = append(f.Pooled, float64(v))
	}
	return f, nil
}

// wide copies a float32 matrix into gonum's.
func wide(t tensor.Tensor) *mat.Dense {
	data := make([]float64, t.Size())
	for i, v := range nn.Floats(t) {
		data[i] = float64(v)
	}
	s := t.Shape()
	return mat.NewDense(s[0], s[1], data)
}

// EncodeImage encodes a picture once, for many texts: give Extract what it
// returns.
func (p *FeaturePipeline) EncodeImage(img image.Image) (*EncodedImage, error) {
	return encodeImage(p.Model, p.Processor, img)
}

// String gives the sizes.
func (f *Features) String() string {
	tr, tc := f.Text.Dims()
	ir, ic := f.Image.Dims()
	_, h := f.FusedText.Dims()
	return fmt.Sprintf("text %d×%d, image %d×%d (%d×%d patches), fused width %d, pooled %d", tr, tc, ir, ic, f.Grid, f.Grid, h, len(f.Pooled))
}
