package main

import (
	"fmt"
	"hash/fnv"
	"slices"

	"govle/vle"
	"govle/vle/nn"
)

// benchUniform gives the formula's numbers u in [−½, ½) for an input.
func benchUniform(name string, n int) []float64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	s := h.Sum64()
	u := make([]float64, n)
	for i := range u {
		s += 0x9E3779B97F4A7C15
		z := s
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		u[i] = float64(z>>40)*0x1p-24 - 0.5
	}
	return u
}

// modelBench times the whole model on one question and one picture, and on many
// questions about one picture.
func modelBench() []benchCase {
	var cases []benchCase
	for _, s := range []struct {
		size   string
		px     int
		target float64
		modes  sidesOf
	}{
		{"base", 224, 1.3, allModes}, {"base", 336, 1.3, floats}, {"base", 384, 1.3, floats}, {"base", 576, 1.6, floats},
		{"large", 224, 1.3, floats}, {"large", 336, 1.3, floats},
	} {
		cases = append(cases, benchCase{
			name: fmt.Sprintf("forward/%s/%d", s.size, s.px), about: "one question about one picture, all of the model",
			target: s.target, rival: "^PyTorch$",
			prepare: func(b *bench) ([]benchSide, error) {
				return b.modelSides(s.size, s.px, benchTexts(1, 17, 17), s.modes)
			},
		})
	}
	return append(cases,
		benchCase{
			name: "forward/int8/224", about: "one question about one picture, all of the base model, weights in 8 bits on both sides",
			target: 1.2, rival: "int8",
			prepare: func(b *bench) ([]benchSide, error) {
				return b.modelSides("base", 224, benchTexts(1, 17, 17), eightBits)
			},
		},
		benchCase{
			name: "questions/base/224", about: "64 questions about one picture, which is encoded once",
			target: 1.5, rival: "^PyTorch$",
			prepare: func(b *bench) ([]benchSide, error) {
				return b.modelSides("base", 224, benchTexts(64, 8, 20), plain)
			},
		})
}

// sidesOf says which sides a case of the whole model has.
type sidesOf int

const (
	floats    sidesOf = iota // float32 only
	plain                    // and PyTorch's only as transformers has it
	allModes                 // PyTorch's faster ways too, and our rounded weights
	eightBits                // int8 only
)

// modelSides sets the same work up on both sides: the texts about one picture.
// Of PyTorch's sides the one with fused attention is our addition: transformers
// 4.27 has none.
func (b *bench) modelSides(size string, px int, ids [][]int, modes sidesOf) ([]benchSide, error) {
	pixels := benchPixels(1, px)
	own := func(name string, pack *vle.PackOptions) (benchSide, error) {
		m, free, err := b.openBench(size, px, vle.LoadOptions{})
		if err != nil {
			return benchSide{}, err
		}
		if pack != nil {
			vle.PackWith(m, *pack)
		}
		var logits []float32
		s := timed(name, func() error {
			logits = logits[:0]
			if len(ids) == 1 {
				return forwardOnce(m, &vle.Batch{IDs: ids, Pixels: pixels}, &logits)
			}
			return forwardMany(m, ids, pixels, &logits)
		})
		s.close = free
		if err := s.countAllocations(); err != nil {
			return s, err
		}
		s.result = func() ([]float64, error) {
			_, err := s.time(1)
			return float64s(logits), err
		}
		if pack == nil || pack.Precision == nn.Float32 {
			s.tolerance = 1e-4
		}
		return s, nil
	}
	var sides []benchSide
	for _, way := range []struct {
		name string
		pack *vle.PackOptions
		in   []sidesOf
	}{
		{"govle, weights packed", &vle.PackOptions{}, []sidesOf{floats, plain, allModes}},
		{"govle, weights mapped", nil, []sidesOf{floats, plain, allModes}},
		{"govle bfloat16", &vle.PackOptions{Precision: nn.BFloat16}, []sidesOf{allModes}},
		{"govle int8", &vle.PackOptions{Precision: nn.Int8}, []sidesOf{allModes, eightBits}},
	} {
		if !slices.Contains(way.in, modes) {
			continue
		}
		s, err := own(way.name, way.pack)
		if err != nil {
			return sides, err
		}
		sides = append(sides, s)
	}
	full, mask := padded(ids)
	request := func(extra map[string]any) map[string]any {
		r := map[string]any{
			"kind": "model", "config": benchConfig(size, px), "labels": benchLabels, "ids": full, "mask": mask, "batch": 16,
			"weights": b.opts.dir + "/" + size + "/model.safetensors",
		}
		for k, v := range extra {
			r[k] = v
		}
		return r
	}
	for _, mode := range []struct {
		peer, name string
		tolerance  float64
		extra      map[string]any
		in         []sidesOf
	}{
		{"torch", "PyTorch", 1e-4, nil, []sidesOf{floats, plain, allModes}},
		{"torch-sdpa", "PyTorch, fused attention", 1e-4, map[string]any{"sdpa": true}, []sidesOf{floats, allModes}},
		{"torch-bf16", "PyTorch bf16", 0, map[string]any{"dtype": "bf16", "sdpa": true}, []sidesOf{allModes}},
		{"torch-int8", "PyTorch dynamic int8", 0, map[string]any{"dtype": "int8", "sdpa": true}, []sidesOf{allModes, eightBits}},
	} {
		if !slices.Contains(mode.in, modes) {
			continue
		}
		var err error
		if sides, err = b.addPeer(sides, mode.peer, mode.name, mode.tolerance, request(mode.extra)); err != nil {
			return sides, err
		}
	}
	return sides, nil
}

// forwardMany encodes the picture once and appends the logits of all questions
// about it, shortest first, in batches.
func forwardMany(m *vle.VQA, ids [][]int, pixels []float32, logits *[]float32) error {
	f, err := m.Body.EncodeImages(pixels)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ids, 32) {
		b := &vle.Batch{IDs: part, ImageFeatures: f, Images: make([]int, len(part))}
		if err := forwardOnce(m, b, logits); err != nil {
			return err
		}
	}
	return nil
}

// forwardOnce appends the logits of a batch.
func forwardOnce(m *vle.VQA, batch *vle.Batch, logits *[]float32) error {
	r := nn.NewRun()
	defer r.Close()
	y, err := m.Forward(r, batch)
	if err != nil {
		return err
	}
	*logits = append(*logits, nn.Floats(y)...)
	return nil
}

func float64s(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
