//go:build !race

package vle

import (
	"runtime"
	"testing"

	"govle/vle/nn"
)

// The race detector makes pools forget what they hold, so this test is left out
// under it.

// TestGarbage bounds what an inference run leaves for the garbage collector:
// matrices come from arenas, so that it is small change by layer (operators and
// shapes) and grows slower than the number of questions, tokens not counting.
func TestGarbage(t *testing.T) {
	p, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	m, c := p.Model, p.Model.Config()
	layers := c.Text.NumLayers + c.Vision.NumLayers + 2*c.NumLayers
	batch := func(items, tokens int) *Batch {
		b := &Batch{Pixels: make([]float32, items*c.Vision.NumChannels*c.Vision.ImageSize*c.Vision.ImageSize)}
		for range items {
			ids := make([]int, tokens)
			for i := range ids {
				ids[i] = 4 + i
			}
			b.IDs = append(b.IDs, ids)
		}
		return b
	}
	measure := func(b *Batch) (allocations float64, bytes int) {
		forward := func() {
			r := nn.NewRun()
			defer r.Close()
			if _, err := m.Forward(r, b); err != nil {
				t.Fatal(err)
			}
		}
		allocations = testing.AllocsPerRun(5, forward)
		var before, after runtime.MemStats
		runtime.GC()
		forward() // what the collector took from the pools
		const runs = 5
		runtime.ReadMemStats(&before)
		for range runs {
			forward()
		}
		runtime.ReadMemStats(&after)
		return allocations, int(after.TotalAlloc-before.TotalAlloc) / runs
	}
	one, oneBytes := measure(batch(1, 12))
	t.Logf("one question: %.0f allocations and %d bytes in %d layers", one, oneBytes, layers)
	if one > float64(100*layers) || oneBytes > layers<<13 {
		t.Errorf("one question: %.0f allocations and %d bytes, want at most 100 and 8 KiB for each of %d layers", one, oneBytes, layers)
	}
	many, manyBytes := measure(batch(8, 48))
	t.Logf("eight longer ones: %.0f allocations and %d bytes", many, manyBytes)
	if many > 4*one || manyBytes > 8*oneBytes {
		t.Errorf("eight times the questions of four times the tokens: %.0f allocations and %d bytes, after %.0f and %d", many, manyBytes, one, oneBytes)
	}
}
