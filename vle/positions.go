package vle

import (
	"fmt"
	"math"

	"govle/vle/nn"
)

// ResizeImages makes the model take pictures of size pixels a side by extending
// the position embedding, as the reference does for fine-tuning: the class
// token's row is kept, the patches' are interpolated bicubically. It must not be
// called while the model is in use.
func (m *Model) ResizeImages(size int) error {
	v := &m.Vision.cfg
	if size < v.PatchSize || size > 1<<13 {
		return fmt.Errorf("vle: image size %d is outside %d (one patch) to %d", size, v.PatchSize, 1<<13)
	}
	from, to := v.Grid(), size/v.PatchSize
	p := m.Vision.Positions
	data := ExtendPositions(nn.Floats(p), from, to)
	m.Vision.Positions = newParam([]int{to*to + 1, v.HiddenSize}, data, p.RequiresGrad())
	v.ImageSize = size
	m.cfg.Vision.ImageSize = size
	return nil
}

// ExtendPositions interpolates position embeddings [1+from² × width] to
// [1+to² × width]: bicubic with a = −0.75, pixel centres aligned as torch does
// with align_corners=False, the first row (the class token's) kept.
func ExtendPositions(table []float32, from, to int) []float32 {
	width := len(table) / (from*from + 1)
	out := make([]float32, (to*to+1)*width)
	copy(out, table[:width])
	if from == to {
		copy(out, table)
		return out
	}
	taps := cubicTaps(from, to)
	cell := func(i, j int) []float32 { return table[(1+i*from+j)*width:][:width] }
	for i, ti := range taps {
		for j, tj := range taps {
			dst := out[(1+i*to+j)*width:][:width]
			for a, wi := range ti.weight {
				for b, wj := range tj.weight {
					w := wi * wj
					for k, x := range cell(ti.at[a], tj.at[b]) {
						dst[k] += w * x
					}
				}
			}
		}
	}
	return out
}

// tap says which four source positions make a target one, and with what weight.
type tap struct {
	at     [4]int
	weight [4]float32
}

func cubicTaps(from, to int) []tap {
	const a = -0.75
	near := func(x float64) float64 { return ((a+2)*x-(a+3))*x*x + 1 }
	far := func(x float64) float64 { return ((a*x-5*a)*x+8*a)*x - 4*a }
	taps := make([]tap, to)
	scale := float64(from) / float64(to)
	for i := range taps {
		pos := scale*(float64(i)+0.5) - 0.5
		first := math.Floor(pos)
		f := pos - first
		for k, w := range []float64{far(f + 1), near(f), near(1 - f), far(2 - f)} {
			taps[i].at[k] = min(max(int(first)-1+k, 0), from-1)
			taps[i].weight[k] = float32(w)
		}
	}
	return taps
}
