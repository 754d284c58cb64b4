package engine

import (
	"strconv"
	"testing"
	"time"
)

// product multiplies two n×n matrices as plain loops; productSource is product and
// productTime in a cell.
func product(n int, a, b, c []float64) {
	for i := 0; i < n; i++ {
		for k := 0; k < n; k++ {
			x := a[i*n+k]
			for j := 0; j < n; j++ {
				c[i*n+j] += x * b[k*n+j]
			}
		}
	}
}

func productTime() float64 {
	a, b, c := make([]float64, 256*256), make([]float64, 256*256), make([]float64, 256*256)
	best := time.Hour
	for range 40 {
		start := time.Now()
		product(256, a, b, c)
		best = min(best, time.Since(start))
	}
	return best.Seconds()
}

const productSource = `func product(n int, a, b, c []float64) {
	for i := 0; i < n; i++ {
		for k := 0; k < n; k++ {
			x := a[i*n+k]
			for j := 0; j < n; j++ {
				c[i*n+j] += x * b[k*n+j]
			}
		}
	}
}
func productTime() float64 {
	a, b, c := make([]float64, 256*256), make([]float64, 256*256), make([]float64, 256*256)
	best := time.Hour
	for range 40 {
		start := time.Now()
		product(256, a, b, c)
		best = min(best, time.Since(start))
	}
	return best.Seconds()
}
productTime()`

// topLevel is what topLevelSource does at the top level of a cell.
func topLevel() float64 {
	topN, topBest := 256, time.Hour
	topA, topB, topC := make([]float64, topN*topN), make([]float64, topN*topN), make([]float64, topN*topN)
	for range 40 {
		start := time.Now()
		for i := 0; i < topN; i++ {
			for k := 0; k < topN; k++ {
				x := topA[i*topN+k]
				for j := 0; j < topN; j++ {
					topC[i*topN+j] += x * topB[k*topN+j]
				}
			}
		}
		topBest = min(topBest, time.Since(start))
	}
	return topBest.Seconds()
}

const topLevelSource = `topN, topBest := 256, time.Hour
topA, topB, topC := make([]float64, topN*topN), make([]float64, topN*topN), make([]float64, topN*topN)
for range 40 {
	start := time.Now()
	for i := 0; i < topN; i++ {
		for k := 0; k < topN; k++ {
			x := topA[i*topN+k]
			for j := 0; j < topN; j++ {
				topC[i*topN+j] += x * topB[k*topN+j]
			}
		}
	}
	topBest = min(topBest, time.Since(start))
}
topBest.Seconds()`

// TestLoopsAreNative holds what plain loops cost in a cell, against a Go program, whose
// compiler knows in both cases that n is 256.
func TestLoopsAreNative(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	e, _ := shared(t)
	for _, source := range []struct {
		name, cell string
		program    func() float64
		limit      float64
	}{
		{"in a function", productSource, productTime, 1.1},
		{"at top level", topLevelSource, topLevel, 1.1},
	} {
		t.Run(source.name, func(t *testing.T) {
			// Other work on the machine disturbs single rounds: the best of all count.
			here, there := time.Hour.Seconds(), time.Hour.Seconds()
			for range 8 {
				here = min(here, source.program())
				cell, err := strconv.ParseFloat(text(do(t, e, source.cell)), 64)
				if err != nil {
					t.Fatal(err)
				}
				there = min(there, cell)
				if there/here <= source.limit {
					break
				}
			}
			t.Logf("a cell takes %.2f ms, a Go program %.2f ms: %.2f times", there*1e3, here*1e3, there/here)
			if there/here > source.limit {
				t.Errorf("plain loops take %.2f times what they take in a Go program", there/here)
			}
		})
	}
}
