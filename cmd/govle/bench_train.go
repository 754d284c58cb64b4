package main

import (
	"context"
	"errors"
	"fmt"

	"govle/vle"
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
	rows := make([][]float32, n)
	for i := range rows {
		rows[i] = make([]float32, labels)
		rows[i][i%labels] = 1
	}
	pixels := benchPixels(n, cfg.Vision.ImageSize)
	var data train.Examples
	for i := range n {
		data = append(data, &train.Example{
			ID: fmt.Sprint(i), Text: train.Text{IDs: ids[i]}, Pixels: pixels[i*len(pixels)/n : (i+1)*len(pixels)/n],
			Labels: []int{i % labels}, Scores: []float32{1},
		})
	}
	var stop context.CancelFunc
	t, err := train.New(m, data, train.Options{
		Objective: train.VQA{}, Groups: train.GroupOptions{LR: 1e-5, WeightDecay: 0.01}, Schedule: train.Schedule{Kind: train.Constant},
		Batch: n, Shards: min(n/2, 4), Steps: 1 << 30,
		ReportEvery: 1, Report: func(*train.Status) { stop() },
	})
	if err != nil {
		return nil, err
	}
	sides := []benchSide{timed("govle", func() error { // a step, for Fit stops when it was reported
		var ctx context.Context
		ctx, stop = context.WithCancel(context.Background())
		defer stop()
		if err := t.Fit(ctx); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})}
	request := map[string]any{
		"kind": "model", "train": true, "config": cfg, "labels": labels, "weights": weights,
		"ids": full, "mask": mask, "pictures": n, "targets": rows, "sdpa": true, "fused": true,
	}
	return b.addPeer(sides, "torch-sdpa", "PyTorch (fused AdamW)", 0, request)
}
