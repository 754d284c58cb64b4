package vle

import (
	"fmt"

	"github.com/nlpodyssey/spago/mat"

	"govle/vle/nn"
)

// ImageFeatures are pictures that went through the vision encoder once, to be
// fused with any number of texts. They may be used by many goroutines at once.
type ImageFeatures struct {
	// Images is the number of pictures, Tokens that of each one's tokens (the
	// class token and the patches), Width that of a token's values.
	Images, Tokens, Width int
	// Data is [Images × Tokens × Width].
	Data []float32
}

// Item returns picture i's features, sharing the data.
func (f *ImageFeatures) Item(i int) *ImageFeatures {
	n := f.Tokens * f.Width
	return &ImageFeatures{Images: 1, Tokens: f.Tokens, Width: f.Width, Data: f.Data[i*n : (i+1)*n : (i+1)*n]}
}

// TextFeatures are texts that went through the text encoder once, to be fused
// with any number of pictures. They may be used by many goroutines at once.
type TextFeatures struct {
	// Rows says which rows of Data [rows × Width] belong to which text.
	Rows  nn.Layout
	Width int
	Data  []float32

	rows *textRows
}

// EncodeImages runs the vision encoder over pixels [images × channels × size ×
// size].
func (m *Model) EncodeImages(pixels []float32) (*ImageFeatures, error) {
	n, err := m.checkPixels(pixels)
	if err != nil {
		return nil, err
	}
	r := nn.NewRun()
	defer r.Close()
	x := m.Vision.forward(r, pixels, n)
	c := &m.cfg.Vision
	return &ImageFeatures{
		Images: n, Tokens: c.Patches() + 1, Width: c.HiddenSize,
		Data: append([]float32(nil), nn.Floats(x)...),
	}, nil
}

// EncodeTexts runs the text encoder over b's texts. The pictures and boxes of b
// are not read; Mask and TextTypes stay with the features.
func (m *Model) EncodeTexts(b *Batch) (*TextFeatures, error) {
	rows, err := m.prepareText(b, b.KeepPadding)
	if err != nil {
		return nil, err
	}
	r := nn.NewRun()
	defer r.Close()
	x := m.Text.forward(r, rows)
	return &TextFeatures{
		Rows: rows.rows, Width: m.cfg.Text.HiddenSize,
		Data: append([]float32(nil), nn.Floats(x)...), rows: rows,
	}, nil
}

// textSide returns the layout and the encoder's hidden states of b's texts.
func (m *Model) textSide(r *nn.Run, b *Batch, keep bool) (*textRows, mat.Tensor, error) {
	if b.TextFeatures == nil {
		rows, err := m.prepareText(b, keep)
		if err != nil {
			return nil, nil, err
		}
		if r.Watched() && !even(rows.rows) {
			return nil, nil, fmt.Errorf("vle: a watched run needs texts of one length: pad them and give a mask")
		}
		return rows, m.Text.forward(r, rows), nil
	}
	f := b.TextFeatures
	if b.IDs != nil {
		return nil, nil, fmt.Errorf("vle: a batch with both IDs and TextFeatures")
	}
	if f.Width != m.cfg.Text.HiddenSize || f.rows == nil {
		return nil, nil, fmt.Errorf("vle: text features of width %d for a model of %d", f.Width, m.cfg.Text.HiddenSize)
	}
	x := nn.Dense(f.Rows.Rows(), f.Width, f.Data)
	if b.Texts == nil {
		return f.rows, x, nil
	}
	rows, index, err := f.rows.pick(b.Texts)
	if err != nil {
		return nil, nil, err
	}
	return rows, nn.Rows(r, x, index), nil
}

// pick returns the rows of the given texts and their numbers in t.
func (t *textRows) pick(texts []int) (*textRows, []int, error) {
	p := &textRows{rows: make(nn.Layout, 1, len(texts)+1)}
	var index []int
	for i, k := range texts {
		if k < 0 || k >= t.rows.Items() {
			return nil, nil, fmt.Errorf("vle: item %d asks for text %d of %d", i, k, t.rows.Items())
		}
		for j := t.rows[k]; j < t.rows[k+1]; j++ {
			index = append(index, j)
			p.fusionTypes = append(p.fusionTypes, t.fusionTypes[j])
			if t.mask != nil {
				p.mask = append(p.mask, t.mask[j])
				p.bias = append(p.bias, t.bias[j])
			}
		}
		p.rows = append(p.rows, len(index))
	}
	return p, index, nil
}

// imageSide returns the hidden states of b's pictures and their number.
func (m *Model) imageSide(r *nn.Run, b *Batch) (mat.Tensor, int, error) {
	f := b.ImageFeatures
	if f == nil {
		n, err := m.checkPixels(b.Pixels)
		if err != nil {
			return nil, 0, err
		}
		return m.Vision.forward(r, b.Pixels, n), n, nil
	}
	c := &m.cfg.Vision
	if b.Pixels != nil {
		return nil, 0, fmt.Errorf("vle: a batch with both Pixels and ImageFeatures")
	}
	if f.Width != c.HiddenSize || f.Tokens != c.Patches()+1 || len(f.Data) != f.Images*f.Tokens*f.Width {
		return nil, 0, fmt.Errorf("vle: image features of %d tokens × %d for a model of %d × %d", f.Tokens, f.Width, c.Patches()+1, c.HiddenSize)
	}
	return nn.Dense(f.Images*f.Tokens, f.Width, f.Data), f.Images, nil
}
