package blas

import (
	"fmt"
	"testing"
)

// TestFewRows holds products of a few rows with weights as they lie, which run on
// dot products, to float64: every number of rows, columns that are no multiple of
// four, with and without helpers, and through both of their callers.
func TestFewRows(t *testing.T) {
	r := newRand(t)
	for _, kn := range kernels {
		for m := 2; m <= fewRows+1; m++ {
			for _, size := range []struct{ n, k int }{{3, 16}, {4, 48}, {70, 400}, {131, 1536}, {301, 1024}} {
				g := randomCase(r, m, size.n, size.k)
				g.transA, g.transB, g.lda, g.ldb = false, true, size.k+m%3, size.k+m%2
				g.a, g.b = normal(r, m*g.lda), normal(r, size.n*g.ldb)
				if err := g.check(func(g gemmCase, c []float32) {
					gemm(kn, false, true, g.m, g.n, g.k, g.alpha, g.a, g.lda, g.b, g.ldb, g.beta, c, g.ldc)
				}); err != nil {
					t.Fatalf("%s: %v: %v", kn.name, g, err)
				}
				if g.ldb = size.k; m%2 == 1 {
					continue
				}
				g.alpha, g.beta = 1, 0
				if err := g.check(func(g gemmCase, c []float32) {
					mulWeights(kn, c, g.ldc, g.a, g.lda, g.m, g.b, g.n, g.k, nil)
				}); err != nil {
					t.Fatalf("%s, weights as they lie: %v: %v", kn.name, g, err)
				}
			}
		}
	}
}

// BenchmarkFewRows is a linear layer of base size on a few rows with its weights
// as they lie, laid out on the way and laid out ahead.
func BenchmarkFewRows(b *testing.B) {
	const n, k = 3072, 768
	r := newRand(b)
	w := normal(r, n*k)
	p := NewPacked(w, n, k)
	panels := *best
	panels.dots = nil
	for _, m := range []int{2, 4, 8} {
		x, dst := normal(r, m*k), make([]float32, m*n)
		for name, f := range map[string]func(){
			"dots":   func() { MulWeights(dst, x, m, w, n, k, nil) },
			"panels": func() { mulWeights(&panels, dst, n, x, k, m, w, n, k, nil) },
			"packed": func() { p.Mul(dst, x, m, nil) },
		} {
			b.Run(fmt.Sprintf("%d/%s", m, name), func(b *testing.B) { best9(b, 2*float64(m*n*k), f) })
		}
	}
}
