package train_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"govle/vle"
	"govle/vle/train"
)

// questions are n questions about n/each pictures of the model's size, of the
// length of easy-VQA's.
func questions(c *vle.Config, n, each int) train.Examples {
	rng := rand.New(rand.NewPCG(1, 2))
	var out train.Examples
	var pixels []float32
	for i := range n {
		if i%each == 0 {
			pixels = make([]float32, 3*c.Vision.ImageSize*c.Vision.ImageSize)
			for k := range pixels {
				pixels[k] = float32(rng.NormFloat64())
			}
		}
		ids := make([]int, 8+rng.IntN(5))
		for k := range ids {
			ids[k] = 4 + rng.IntN(c.Text.VocabSize-4)
		}
		out = append(out, &train.Example{
			ID: fmt.Sprintf("question %d", i), Text: train.Text{IDs: ids}, Pixels: pixels,
			Labels: []int{rng.IntN(len(c.Labels))}, Scores: []float32{1},
		})
	}
	return out
}

// BenchmarkStep takes steps with the embedded model and one twice as wide.
func BenchmarkStep(b *testing.B) {
	small, err := vle.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct{ width, batch, shards, pictures int }{
		{64, 32, 8, 0}, {64, 64, 8, 0}, {64, 64, 4, 0}, {64, 64, 8, 10}, {64, 64, 4, 10}, {128, 64, 4, 10},
	} {
		b.Run(fmt.Sprintf("width=%d/batch=%d/shards=%d/pictures=%d", c.width, c.batch, c.shards, c.pictures), func(b *testing.B) {
			cfg := *small.Model.Config()
			cfg.HiddenSize, cfg.IntermediateSize = c.width, 4*c.width
			cfg.Text.HiddenSize, cfg.Text.IntermediateSize = c.width, 4*c.width
			cfg.Vision.HiddenSize, cfg.Vision.IntermediateSize = c.width, 4*c.width
			m, err := vle.NewVQA(&cfg)
			if err != nil {
				b.Fatal(err)
			}
			vle.Initialize(m, 1)
			o := quiet()
			o.Batch, o.Shards, o.Steps, o.Epochs = c.batch, c.shards, b.N+2, 0
			o.PerPicture = c.pictures
			warm, cancel := context.WithCancel(context.Background())
			o.ReportEvery = 1
			o.Report = func(s *train.Status) { // the first two steps make the buffers
				if s.Step.Step == 2 {
					cancel()
				}
			}
			tr := trainer(b, m, questions(&cfg, 2000, 10), o)
			tr.Fit(warm)
			b.ReportAllocs()
			b.ResetTimer()
			if err := tr.Fit(context.Background()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N*c.batch)/b.Elapsed().Seconds(), "examples/s")
		})
	}
}
