package vle

import (
	"github.com/nlpodyssey/spago/mat"

	"govle/vle/nn"
)

// TextBlock takes one text's rows x [tokens × hidden] through layer i of the text
// encoder, as the encoder does: for looking at, timing or reusing a layer alone.
// It leaves x.
func (m *Model) TextBlock(r *nn.Run, i int, x mat.Tensor) mat.Tensor {
	rows := nn.NewLayout(x.Shape()[0])
	rel, span := m.Text.distances(r, rows.Max())
	y := m.Text.Layers[i].forward(r, x, rel, span, &textRows{rows: rows}, i)
	if rel != nil {
		r.Free(rel)
	}
	return y
}

// ImageBlock takes one picture's rows x [tokens × hidden] through layer i of the
// image encoder. It uses x up.
func (m *Model) ImageBlock(r *nn.Run, i int, x mat.Tensor) mat.Tensor {
	return m.Vision.Layers[i].forward(r, x, nn.NewLayout(x.Shape()[0]), i)
}

// FusionBlock takes the image's rows [tokens × hidden] through layer i of the
// fusion's image side, which attends to them and then to the text's rows. It
// leaves both.
func (m *Model) FusionBlock(r *nn.Run, i int, image, text mat.Tensor) mat.Tensor {
	of := func(name string, x mat.Tensor) *side {
		return &side{name: name, x: x, rows: nn.NewLayout(x.Shape()[0])}
	}
	return m.ImageLayers[i].forward(r, of("image", image), of("text", text), i, allRows)
}
