package main

import (
	"fmt"

	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/nn"
	"govle/vle/parity"
)

// layerBench times single layers of the base size: the image encoder's, the text
// encoder's and the fusion's image side, which reads 40 rows of text.
func layerBench() []benchCase {
	var cases []benchCase
	for _, s := range []struct {
		module string
		tokens int
	}{{"image", 197}, {"image", 577}, {"image", 1297}, {"text", 40}, {"text", 300}, {"fusion", 197}} {
		for _, backward := range []bool{false, true} {
			name, about := "forward", fmt.Sprintf("one %s layer on %d tokens, forward", s.module, s.tokens)
			if backward {
				name, about = "backward", about+" and backward"
			}
			cases = append(cases, benchCase{
				name: fmt.Sprintf("layer/%s/%d/%s", s.module, s.tokens, name), about: about,
				prepare: func(b *bench) ([]benchSide, error) { return b.layerSides(s.module, s.tokens, backward) },
			})
		}
	}
	return cases
}

func (b *bench) layerSides(module string, tokens int, backward bool) ([]benchSide, error) {
	cfg := benchConfig("base", 224)
	cfg.Vision.NumLayers, cfg.Text.NumLayers, cfg.NumLayers, cfg.Text.VocabSize = 1, 1, 1, 8
	m, err := vle.NewModel(cfg)
	if err != nil {
		return nil, err
	}
	if _, err := vle.Load(m, parity.NewFormula(m, ""), vle.LoadOptions{Trainable: backward}); err != nil {
		return nil, err
	}
	// The distances are the encoder's, not the layer's.
	m.Text.Relative.W.SetRequiresGrad(false)
	m.Text.RelativeNorm.W.SetRequiresGrad(false)
	m.Text.RelativeNorm.B.SetRequiresGrad(false)

	h := cfg.HiddenSize
	rows := func(name string, n int) []float32 {
		x := make([]float32, n*h)
		for i, u := range benchUniform(name, len(x)) {
			x[i] = float32(4 * u)
		}
		return x
	}
	data, gradient, text := rows("hidden", tokens), rows("gradient", tokens), nn.Dense(40, h, rows("text", 40))
	block := func(r *nn.Run, x mat.Tensor) mat.Tensor {
		switch module {
		case "image":
			return m.ImageBlock(r, 0, x)
		case "text":
			return m.TextBlock(r, 0, x)
		}
		return m.FusionBlock(r, 0, x, text)
	}
	last := make([]float32, tokens*h)
	run := func() error {
		r := nn.NewRun()
		defer r.Close()
		copy(last, nn.Floats(block(r, nn.Dense(tokens, h, data))))
		return nil
	}
	if backward {
		run = func() error {
			x := nn.Dense(tokens, h, data)
			x.SetRequiresGrad(true)
			y := block(nn.NewGraphRun(false, 0), x)
			y.AccGrad(nn.Dense(tokens, h, gradient))
			if err := ag.Backward(y); err != nil {
				return err
			}
			copy(last, nn.Floats(x.Grad()))
			m.Visit(func(_ string, _ []int, p **spago.Param) { (*p).ZeroGrad() })
			return nil
		}
	}
	own := timed("govle", run)
	own.result = func() ([]float64, error) {
		err := run()
		return float64s(last[:4096]), err
	}
	request := func(sdpa bool) map[string]any {
		return map[string]any{"kind": "layer", "module": module, "config": cfg, "tokens": tokens, "backward": backward, "sdpa": sdpa}
	}
	// The fusion's attention is fused in PyTorch too.
	sides, err := b.addPeer([]benchSide{own}, "torch", "PyTorch", 1e-3, request(false))
	if err != nil || module != "image" {
		return sides, err
	}
	return b.addPeer(sides, "torch-sdpa", "PyTorch, fused attention", 1e-3, request(true))
}
