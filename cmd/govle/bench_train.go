package main

import (
	"math"

	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/blas"
	"govle/vle/blas/vec"
	"govle/vle/nn"
	"govle/vle/parity"
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
	opt := newBenchAdamW(m)
	seed := uint64(0)
	sides := []benchSide{timed("govle", func() error {
		seed++
		r := nn.NewGraphRun(true, seed)
		logits, err := m.Forward(r, batch)
		if err != nil {
			return err
		}
		if err := ag.Backward(nn.BinaryCrossEntropy(r, logits, targets, float32(labels))); err != nil {
			return err
		}
		opt.step()
		return nil
	})}
	request := map[string]any{
		"kind": "model", "train": true, "config": cfg, "labels": labels, "weights": weights,
		"ids": full, "mask": mask, "pictures": n, "targets": rows, "sdpa": true, "fused": true,
	}
	return b.addPeer(sides, "torch-sdpa", "PyTorch (fused AdamW)", 0, request)
}

// benchAdamW keeps the optimiser's moments of every parameter.
type benchAdamW struct {
	params []*spago.Param
	m, v   [][]float32
	t      int
}

func newBenchAdamW(model vle.Parameterized) *benchAdamW {
	o := &benchAdamW{}
	model.Visit(func(_ string, _ []int, p **spago.Param) {
		n := (*p).Size()
		o.params = append(o.params, *p)
		o.m, o.v = append(o.m, make([]float32, n)), append(o.v, make([]float32, n))
	})
	return o
}

// step moves the parameters by their gradients and forgets those.
func (o *benchAdamW) step() {
	const lr, beta1, beta2, eps, decay = 1e-5, 0.9, 0.98, 1e-8, 0.01
	const chunk = 1 << 16
	o.t++
	scale := math.Sqrt(1 - math.Pow(beta2, float64(o.t)))
	rate := float32(lr * scale / (1 - math.Pow(beta1, float64(o.t))))
	for i, p := range o.params {
		grad := p.Grad()
		if grad == nil {
			continue
		}
		x, g := nn.Floats(p), mat.Data[float32](grad.(mat.Matrix))
		blas.Parallel((len(x)+chunk-1)/chunk, func(k int) {
			lo, hi := k*chunk, min((k+1)*chunk, len(x))
			vec.AdamW(x[lo:hi], g[lo:hi], o.m[i][lo:hi], o.v[i][lo:hi], beta1, beta2, float32(eps*scale), rate, lr*decay)
		})
		p.ZeroGrad()
	}
}
