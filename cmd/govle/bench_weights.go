package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"govle/vle"
	"govle/vle/checkpoint"
	"govle/vle/imageproc"
	"govle/vle/parity"
)

// benchLabels is the number of answers of the VQA head, VQAv2's.
const benchLabels = 3129

// benchConfig is the configuration of VLE's base or large size. The published
// sizes (378 and 930 million parameters) fit encoders of CLIP without their last
// layer.
func benchConfig(size string, px int) *vle.Config {
	c := vle.DefaultConfig()
	t, v := &c.Text, &c.Vision
	t.RelativeAttention, t.ShareAttKey, t.PositionBiasedInput = true, true, false
	t.PositionBuckets, t.PosAttType, t.NormRelEbd = 256, vle.PosAttTypes{"p2c", "c2p"}, "layer_norm"
	hidden, text, vision, patch := 768, 12, 11, 16
	if size == "large" {
		hidden, text, vision, patch = 1024, 24, 23, 14
	}
	c.HiddenSize, c.NumHeads, c.IntermediateSize = hidden, hidden/64, 4*hidden
	t.HiddenSize, t.NumHeads, t.IntermediateSize, t.NumLayers = hidden, hidden/64, 4*hidden, text
	v.HiddenSize, v.NumHeads, v.IntermediateSize, v.NumLayers = hidden, hidden/64, 4*hidden, vision
	v.PatchSize, v.ImageSize = patch, px
	c.Labels = make(vle.Labels, benchLabels)
	for i := range c.Labels {
		c.Labels[i] = fmt.Sprintf("answer %d", i)
	}
	return &c
}

// weightsFolder returns a model folder of that size at 224 px with the formula's
// weights, written when it is first asked for.
func (b *bench) weightsFolder(size string) (string, error) {
	dir := filepath.Join(b.opts.dir, size)
	if _, err := os.Stat(filepath.Join(dir, "model.safetensors")); err == nil {
		return dir, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	fmt.Fprintf(b.log, "writing the weights of the %s size to %s\n", size, dir)
	m, err := vle.NewVQA(benchConfig(size, 224))
	if err != nil {
		return "", err
	}
	if _, err := vle.Load(m, parity.NewFormula(m, ""), vle.LoadOptions{}); err != nil {
		return "", err
	}
	small, err := vle.Embedded() // its tokenizer will do
	if err != nil {
		return "", err
	}
	p := &vle.Processor{Tokenizer: small.Processor.Tokenizer, Images: imageproc.New(224)}
	return dir, vle.Save(dir, m, p, checkpoint.SaveOptions{})
}

// openBench opens a model of that size for pictures of px pixels, its weights
// mapped from the folder. What has another shape there (the position embedding)
// follows from the formula.
func (b *bench) openBench(size string, px int, opts vle.LoadOptions) (*vle.VQA, func(), error) {
	dir, err := b.weightsFolder(size)
	if err != nil {
		return nil, nil, err
	}
	m, err := vle.NewVQA(benchConfig(size, px))
	if err != nil {
		return nil, nil, err
	}
	store, err := checkpoint.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	if _, err := vle.Load(m, &fitted{parity.NewFormula(m, ""), store}, opts); err != nil {
		store.Close()
		return nil, nil, err
	}
	return m, func() { store.Close() }, nil
}

// fitted is a formula's weights, read from a store where that has them in the
// same shape.
type fitted struct {
	*parity.Formula
	store *checkpoint.Store
}

func (f *fitted) Float32(name string) ([]float32, error) {
	if slices.Equal(f.store.Shape(name), f.Shape(name)) {
		return f.store.Float32(name)
	}
	return f.Formula.Float32(name)
}

// benchTexts makes n questions of token ids whose lengths go from shortest to
// longest, as the formula's inputs have them: [CLS] … [SEP].
func benchTexts(n, shortest, longest int) [][]int {
	ids := make([][]int, n)
	u := benchUniform("input_ids", n*longest)
	for i := range ids {
		length := shortest
		if n > 1 {
			length += (longest - shortest) * i / (n - 1)
		}
		for j := range length {
			ids[i] = append(ids[i], int((u[i*longest+j]+0.5)*127000)+100)
		}
		ids[i][0], ids[i][length-1] = 1, 2
	}
	return ids
}

// padded is ids with 0 behind the shorter ones, and the mask.
func padded(ids [][]int) (full, mask [][]int) {
	longest := 0
	for _, t := range ids {
		longest = max(longest, len(t))
	}
	for _, t := range ids {
		row, on := make([]int, longest), make([]int, longest)
		copy(row, t)
		for i := range t {
			on[i] = 1
		}
		full, mask = append(full, row), append(mask, on)
	}
	return full, mask
}

// benchPixels are prepared pictures from the formula, 4u.
func benchPixels(pictures, px int) []float32 {
	u := benchUniform("pixel_values", pictures*3*px*px)
	out := make([]float32, len(u))
	for i, v := range u {
		out[i] = float32(4 * v)
	}
	return out
}
