package vle

import (
	"fmt"
	"math"

	"govle/vle/nn"
)

// Batch is what a model reads: texts as token ids and pictures as pixels.
type Batch struct {
	// IDs holds the token ids of each item. The items need not be of one length.
	IDs [][]int
	// TypeIDs are the tokenizer's token types, nil for all 0. They are read by
	// text encoders that have token types, and by no other part.
	TypeIDs [][]int
	// Mask is 1 for a token and 0 for padding, nil for no padding.
	Mask [][]int
	// KeepPadding computes the rows of trailing padding too, as the reference
	// does. It changes no other row. A watched run keeps padding always.
	KeepPadding bool

	// Pixels are the prepared pictures [images × channels × size × size].
	Pixels []float32
	// Images gives the picture of each item by its number in Pixels; nil means
	// one picture an item, in order. What is computed of a picture alone, up to
	// the attention of the fusion's first layer, is computed once for all its
	// items, with one draw of dropout.
	Images []int

	// ImageFeatures stand in for Pixels when the pictures were encoded before,
	// and TextFeatures for IDs, TypeIDs, Mask and TextTypes. Texts then gives
	// the text of each item by its number; nil means one text an item, in order.
	// Features are constants: a graph run gives the encoders no gradient.
	ImageFeatures *ImageFeatures
	TextFeatures  *TextFeatures
	Texts         []int

	// Boxes lists for each item the boxes that are appended to its picture
	// before the fusion, each as the numbers of the patches it covers, from 0.
	// Nil means no boxes.
	Boxes [][][]int
	// BoxTypes is the token type of each box, from 2; nil numbers the boxes of
	// an item 2, 3, ….
	BoxTypes [][]int
	// TextTypes is the token type of each text token in the fusion, 0 for a
	// plain token and a box's type for a token that names the box. Shorter than
	// the text means 0 for the rest; nil means 0 everywhere.
	TextTypes [][]int
}

// textRows are the texts of a batch, checked and laid out in rows.
type textRows struct {
	ids, types, fusionTypes []int
	rows                    nn.Layout
	// mask is 1 or 0 for each row, nil when there is no padding.
	mask []float32
	// bias is the mask as it is added to attention scores, nil likewise.
	bias []float32
}

// lookup returns list[i] or nil.
func lookup(list [][]int, i int) []int {
	if list == nil {
		return nil
	}
	return list[i]
}

// prepareText checks the texts of b and lays them out. Trailing padding is
// left out unless keep is set.
func (m *Model) prepareText(b *Batch, keep bool) (*textRows, error) {
	c := m.cfg
	n := len(b.IDs)
	if n == 0 {
		return nil, fmt.Errorf("vle: a batch without texts")
	}
	for _, l := range []struct {
		name string
		list [][]int
	}{{"TypeIDs", b.TypeIDs}, {"Mask", b.Mask}, {"TextTypes", b.TextTypes}} {
		if l.list != nil && len(l.list) != n {
			return nil, fmt.Errorf("vle: %s for %d items in a batch of %d", l.name, len(l.list), n)
		}
	}
	t := &textRows{rows: make(nn.Layout, 1, n+1)}
	masked := false
	for i, ids := range b.IDs {
		mask, types, fusion := lookup(b.Mask, i), lookup(b.TypeIDs, i), lookup(b.TextTypes, i)
		if len(ids) == 0 {
			return nil, fmt.Errorf("vle: item %d has no tokens", i)
		}
		if mask != nil && len(mask) != len(ids) {
			return nil, fmt.Errorf("vle: item %d has %d tokens and a mask of %d", i, len(ids), len(mask))
		}
		if types != nil && len(types) != len(ids) {
			return nil, fmt.Errorf("vle: item %d has %d tokens and %d token types", i, len(ids), len(types))
		}
		if len(fusion) > len(ids) {
			return nil, fmt.Errorf("vle: item %d has %d tokens and %d fusion token types", i, len(ids), len(fusion))
		}
		end := len(ids)
		if !keep && mask != nil {
			for end > 0 && mask[end-1] == 0 {
				end--
			}
			if end == 0 {
				end = len(ids)
			}
		}
		if c.Text.PositionBiasedInput && end > c.Text.MaxPositions {
			return nil, fmt.Errorf("vle: item %d has %d tokens, and this model has positions for %d: shorten the text", i, end, c.Text.MaxPositions)
		}
		for j := range end {
			id, typ, fus, on := ids[j], 0, 0, float32(1)
			if types != nil {
				typ = types[j]
			}
			if j < len(fusion) {
				fus = fusion[j]
			}
			if mask != nil && mask[j] == 0 {
				on, masked = 0, true
			}
			switch {
			case id < 0 || id >= c.Text.VocabSize:
				return nil, fmt.Errorf("vle: item %d, token %d: id %d is outside the model's vocabulary of %d: does the tokenizer belong to this model?", i, j, id, c.Text.VocabSize)
			case c.Text.TypeVocabSize > 0 && (typ < 0 || typ >= c.Text.TypeVocabSize):
				return nil, fmt.Errorf("vle: item %d, token %d: token type %d of %d", i, j, typ, c.Text.TypeVocabSize)
			case fus < 0 || fus >= c.NumTokenTypes:
				return nil, fmt.Errorf("vle: item %d, token %d: fusion token type %d of %d", i, j, fus, c.NumTokenTypes)
			}
			t.ids = append(t.ids, id)
			t.types = append(t.types, typ)
			t.fusionTypes = append(t.fusionTypes, fus)
			t.mask = append(t.mask, on)
		}
		t.rows = append(t.rows, len(t.ids))
	}
	if !masked {
		t.mask = nil
		return t, nil
	}
	t.bias = maskBias(t.mask)
	return t, nil
}

// maskBias is (1−m)·(the smallest float32), what the reference adds to scores.
func maskBias(mask []float32) []float32 {
	bias := make([]float32, len(mask))
	for i, on := range mask {
		if on == 0 {
			bias[i] = -math.MaxFloat32
		}
	}
	return bias
}

// even reports whether all items have as many rows as the first.
func even(l nn.Layout) bool {
	for i := range l.Items() {
		if l.Len(i) != l.Len(0) {
			return false
		}
	}
	return true
}

// checkPixels returns the number of pictures in pixels.
func (m *Model) checkPixels(pixels []float32) (int, error) {
	v := m.cfg.Vision
	size := v.NumChannels * v.ImageSize * v.ImageSize
	if len(pixels) == 0 || len(pixels)%size != 0 {
		return 0, fmt.Errorf("vle: %d pixel values are no whole number of pictures of %d×%d×%d; prepare pictures at %d px or extend the position embedding with ResizeImages",
			len(pixels), v.NumChannels, v.ImageSize, v.ImageSize, v.ImageSize)
	}
	return len(pixels) / size, nil
}

// imageRows says how the tokens of the fusion's image side are made from the
// projected image tokens.
type imageRows struct {
	rows nn.Layout
	// of, unless nil, gives each item's picture: rows and types are then those of
	// the pictures, which items share.
	of []int
	// start and index list the projected tokens that each row is the mean of.
	// They are nil when the rows are the tokens themselves.
	start, index []int
	types        []int
	bias         []float32
}

// prepareImages lays the image side out: the tokens of each item's picture,
// then its boxes, padded to one length when there are boxes, for the reference
// pads them and later layers give padding values.
func (m *Model) prepareImages(b *Batch, items, images int, keep bool) (*imageRows, error) {
	c := m.cfg
	tokens := c.Vision.Patches() + 1
	of := func(i int) int { return i }
	if b.Images != nil {
		if len(b.Images) != items {
			return nil, fmt.Errorf("vle: Images for %d items in a batch of %d", len(b.Images), items)
		}
		for i, k := range b.Images {
			if k < 0 || k >= images {
				return nil, fmt.Errorf("vle: item %d asks for picture %d of %d", i, k, images)
			}
		}
		of = func(i int) int { return b.Images[i] }
	} else if images != items {
		return nil, fmt.Errorf("vle: %d pictures for %d texts: say which belongs to which with Images", images, items)
	}
	if b.Boxes == nil {
		sharing := b.Images != nil && len(m.ImageLayers) > 0 && !keep
		im := &imageRows{rows: nn.EvenLayout(items, tokens)}
		switch {
		case sharing:
			im.of, im.rows = b.Images, nn.EvenLayout(images, tokens)
		case b.Images != nil:
			im.start = make([]int, 1, items*tokens+1)
			for i := range items {
				im.addTokens(of(i)*tokens, tokens)
			}
		}
		im.types = make([]int, im.rows.Rows())
		for i := range im.types {
			im.types[i] = 1
		}
		return im, nil
	}
	return m.prepareBoxes(b, items, tokens, of, keep)
}

func (im *imageRows) addTokens(first, n int) {
	for t := range n {
		im.index = append(im.index, first+t)
		im.start = append(im.start, len(im.index))
	}
}

func (m *Model) prepareBoxes(b *Batch, items, tokens int, of func(int) int, keep bool) (*imageRows, error) {
	if len(b.Boxes) != items || b.BoxTypes != nil && len(b.BoxTypes) != items {
		return nil, fmt.Errorf("vle: Boxes for %d items and BoxTypes for %d in a batch of %d", len(b.Boxes), len(b.BoxTypes), items)
	}
	most := 0
	for _, boxes := range b.Boxes {
		most = max(most, len(boxes))
	}
	im := &imageRows{start: []int{0}, rows: make(nn.Layout, 1, items+1)}
	var mask []float32
	padded := false
	for i, boxes := range b.Boxes {
		types := lookup(b.BoxTypes, i)
		if types != nil && len(types) != len(boxes) {
			return nil, fmt.Errorf("vle: item %d has %d boxes and %d box types", i, len(boxes), len(types))
		}
		im.addTokens(of(i)*tokens, tokens)
		for range tokens {
			im.types = append(im.types, 1)
			mask = append(mask, 1)
		}
		for k, patches := range boxes {
			typ := k + 2
			if types != nil {
				typ = types[k]
			}
			if typ < 0 || typ >= m.cfg.NumTokenTypes {
				return nil, fmt.Errorf("vle: item %d, box %d: token type %d of %d: this model takes at most %d boxes", i, k, typ, m.cfg.NumTokenTypes, m.cfg.NumTokenTypes-2)
			}
			if len(patches) == 0 {
				return nil, fmt.Errorf("vle: item %d, box %d covers no patch: give every box at least one patch", i, k)
			}
			for _, p := range patches {
				if p < 0 || p >= tokens-1 {
					return nil, fmt.Errorf("vle: item %d, box %d: patch %d of %d", i, k, p, tokens-1)
				}
				im.index = append(im.index, of(i)*tokens+1+p)
			}
			im.start = append(im.start, len(im.index))
			im.types = append(im.types, typ)
			mask = append(mask, 1)
		}
		if keep {
			for range most - len(boxes) {
				im.start = append(im.start, len(im.index))
				im.types = append(im.types, 0)
				mask = append(mask, 0)
				padded = true
			}
		}
		im.rows = append(im.rows, len(im.types))
	}
	if padded {
		im.bias = maskBias(mask)
	}
	return im, nil
}
