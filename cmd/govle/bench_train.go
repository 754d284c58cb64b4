package main

import (
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/nn"
	"govle/vle/parity"
	"govle/vle/train"
)

// trainBench times whole steps of fine-tuning: forward with dropout, loss,
// backward, AdamW over all parameters.
func trainBench() []benchCase {
	return []benchCase{
		{
			name: "train/base", about: "training step, base size, batch 2, 224 px, dropout, AdamW", target: 1.0, rival: "PyTorch",
			prepare: func(b *bench) ([]benchSide, error) {
				m, free, err := b.openBench("base", 224, vle.LoadOptions{Trainable: true})
				if err != nil {
					return nil, err
				}
				free() // trainable parameters are copies
				return b.trainSides(m, 2, b.opts.dir+"/base/model.safetensors")
			},
		},
		{
			name: "train/small", about: "training step, the embedded model's size, batch 32, 64 px, AdamW", target: 1.2, rival: "PyTorch",
			prepare: func(b *bench) ([]benchSide, error) {
				small, err := vle.Embedded()
				if err != nil {
					return nil, err
				}
				cfg := *small.Model.Config()
				m, err := vle.NewVQA(&cfg)
				if err != nil {
					return nil, err
				}
				if _, err := vle.Load(m, parity.NewFormula(m, ""), vle.LoadOptions{Trainable: true}); err != nil {
					return nil, err
				}
				return b.trainSides(m, 32, "")
			},
		},
	}
}

// trainSides sets up the same steps on both sides: n questions, each about a
// picture of its own, with a target each.
func (b *bench) trainSides(m *vle.VQA, n int, weights string) ([]benchSide, error) {
	cfg := m.Config()
	ids := benchTexts(n, 8, 17)
	for _, row := range ids {
		for j, id := range row {
			row[j] = id % cfg.Text.VocabSize
		}
	}
	full, mask := padded(ids)
	labels := len(cfg.Labels)
	targets := make([]float32, n*labels)
	rows := make([][]float32, n)
	for i := range rows {
		rows[i] = targets[i*labels : (i+1)*labels]
		rows[i][i%labels] = 1
	}
	batch := &vle.Batch{IDs: full, Mask: mask, Pixels: benchPixels(n, cfg.Vision.ImageSize)}
	params, err := train.Group(m, train.GroupOptions{LR: 1e-5, WeightDecay: 0.01})
	if err != nil {
		return nil, err
	}
	var held []*spago.Param // as params lists them
	byName := map[string]*spago.Param{}
	m.Visit(func(name string, _ []int, p **spago.Param) { byName[name] = *p })
	for _, p := range params {
		held = append(held, byName[p.Name])
	}
	grads := make([][]float32, len(held))
	seed := uint64(0)
	sides := []benchSide{timed("govle", func() error {
		seed++
		r := nn.NewGraphRun(true, seed)
		logits, err := m.Forward(r, batch)
		if err != nil {
			return err
		}
		if err := nn.Backward(nn.BinaryCrossEntropy(r, logits, targets, float32(labels)), 1); err != nil {
			return err
		}
		for i, p := range held {
			if grads[i] = nil; p.HasGrad() {
				grads[i] = nn.Floats(p.Grad())
			}
		}
		train.AdamW{}.Step(params, grads, 1)
		for _, p := range held {
			p.ZeroGrad()
		}
		return nil
	})}
	request := map[string]any{
		"kind": "model", "train": true, "config": cfg, "labels": labels, "weights": weights,
		"ids": full, "mask": mask, "pictures": n, "targets": rows, "sdpa": true, "fused": true,
	}
	return b.addPeer(sides, "torch-sdpa", "PyTorch (fused AdamW)", 0, request)
}
