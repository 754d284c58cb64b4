package vle

import (
	"fmt"
	"image"
	"strings"

	"gonum.org/v1/gonum/mat"

	"govle/vle/imageproc"
	"govle/vle/nn"
)

// Explanation is where a model looked while it answered.
type Explanation struct {
	Answers *Answers
	// Tokens are the text's tokens as the model reads them, special ones
	// included.
	Tokens []string
	// Grid is the number of patches along a side of the picture.
	Grid int
	// Geometry says which part of the picture the patches cover.
	Geometry imageproc.Geometry
	// Layers and Heads count the fusion's.
	Layers, Heads int

	// textToImage holds, layer by layer, [heads × tokens × 1+patches]; the
	// other way round [heads × 1+patches × tokens].
	textToImage, imageToText [][]float32
}

// MeanHead stands for the mean of all heads of a layer.
const MeanHead = -1

// Explain answers a question and keeps the cross-attention of every fusion
// layer, both ways.
func (p *VQAPipeline) Explain(img image.Image, question string, k int) (*Explanation, error) {
	if err := checkK(k); err != nil {
		return nil, err
	}
	e, err := p.Processor.encode(question, "")
	if err != nil {
		return nil, fmt.Errorf("vle: question: %w", err)
	}
	picture, err := p.EncodeImage(img)
	if err != nil {
		return nil, err
	}
	c := p.Model.Config()
	if c.NoCrossAttention {
		return nil, fmt.Errorf("vle: this model has no cross-attention to show (no_cross_attention in config.json)")
	}
	x := &Explanation{
		Tokens: e.Tokens, Grid: c.Vision.Grid(), Geometry: picture.Geometry, Layers: c.NumLayers, Heads: c.NumHeads,
		textToImage: make([][]float32, c.NumLayers), imageToText: make([][]float32, c.NumLayers),
	}
	r := nn.NewRun().WithWatch(x.watch)
	defer r.Close()
	logits, err := p.Model.Forward(r, &Batch{IDs: [][]int{e.IDs}, TypeIDs: [][]int{e.TypeIDs}, ImageFeatures: picture.Features})
	if err != nil {
		return nil, err
	}
	x.Answers = topAnswers(question, nn.Floats(logits), c.Labels, k)
	return x, nil
}

func (x *Explanation) watch(name string, _ []int, data []float32) {
	if !strings.HasSuffix(name, "_cross") {
		return
	}
	var layer int
	if _, err := fmt.Sscanf(name, "attn.cross_text%d_cross", &layer); err == nil {
		x.textToImage[layer] = append([]float32(nil), data...)
	} else if _, err := fmt.Sscanf(name, "attn.cross_image%d_cross", &layer); err == nil {
		x.imageToText[layer] = append([]float32(nil), data...)
	}
}

// TextToImage returns how much token looks at each patch in a fusion layer and
// head (or [MeanHead]): a grid of patches, top row first. The weights and the
// class token's, [Explanation.ClassWeight], sum to 1.
func (x *Explanation) TextToImage(layer, head, token int) (*mat.Dense, error) {
	row, err := x.textRow(layer, head, token)
	if err != nil {
		return nil, err
	}
	return mat.NewDense(x.Grid, x.Grid, row[1:]), nil
}

// ClassWeight returns how much token looks at the image's class token.
func (x *Explanation) ClassWeight(layer, head, token int) (float64, error) {
	row, err := x.textRow(layer, head, token)
	if err != nil {
		return 0, err
	}
	return row[0], nil
}

func (x *Explanation) textRow(layer, head, token int) ([]float64, error) {
	if token < 0 || token >= len(x.Tokens) {
		return nil, fmt.Errorf("vle: token %d of %d", token, len(x.Tokens))
	}
	keys := x.Grid*x.Grid + 1
	return x.row(x.textToImage, layer, head, token, len(x.Tokens), keys)
}

// ImageToText returns how much each patch looks at token: a grid of patches.
func (x *Explanation) ImageToText(layer, head, token int) (*mat.Dense, error) {
	if token < 0 || token >= len(x.Tokens) {
		return nil, fmt.Errorf("vle: token %d of %d", token, len(x.Tokens))
	}
	n := x.Grid * x.Grid
	out := make([]float64, n)
	for i := range n {
		row, err := x.row(x.imageToText, layer, head, 1+i, n+1, len(x.Tokens))
		if err != nil {
			return nil, err
		}
		out[i] = row[token]
	}
	return mat.NewDense(x.Grid, x.Grid, out), nil
}

// row returns a query's weights over the keys.
func (x *Explanation) row(layers [][]float32, layer, head, query, queries, keys int) ([]float64, error) {
	if layer < 0 || layer >= x.Layers {
		return nil, fmt.Errorf("vle: layer %d of %d", layer, x.Layers)
	}
	if head < MeanHead || head >= x.Heads {
		return nil, fmt.Errorf("vle: head %d of %d", head, x.Heads)
	}
	out := make([]float64, keys)
	first, last := head, head+1
	if head == MeanHead {
		first, last = 0, x.Heads
	}
	for h := first; h < last; h++ {
		for j, w := range layers[layer][(h*queries+query)*keys:][:keys] {
			out[j] += float64(w) / float64(last-first)
		}
	}
	return out, nil
}

// String names the best answer and the tokens.
func (x *Explanation) String() string {
	return fmt.Sprintf("%s\ntokens: %s; %d layers of %d heads over %d×%d patches",
		x.Answers, strings.Join(x.Tokens, " "), x.Layers, x.Heads, x.Grid, x.Grid)
}
