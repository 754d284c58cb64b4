package blas

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/nlpodyssey/spago/mat"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"govle/vle/blas/peak"
)

// modelShapes are the products of the base model at 576 px (1,297 tokens) and of
// 40 text tokens, and a square one; B is transposed where it is a weight or K.
var modelShapes = []struct {
	name           string
	m, k, n        int
	transB, transA bool
}{
	{"1297x768x768", 1297, 768, 768, true, false},
	{"1297x3072x768", 1297, 3072, 768, true, false},
	{"40x768x768", 40, 768, 768, true, false},
	{"QK1297x64x1297", 1297, 64, 1297, true, false},
	{"PV1297x1297x64", 1297, 1297, 64, false, false},
	{"2048x2048x2048", 2048, 2048, 2048, false, false},
	{"dW768x1297x768", 768, 1297, 768, false, true},
	{"dX1297x768x768", 1297, 768, 768, false, false},
	{"197x768x3072", 197, 768, 3072, true, false},
	{"197x1024x1024", 197, 1024, 1024, true, false},
	{"40x64x40", 40, 64, 40, true, false},
	{"16x64x64", 16, 64, 64, true, false},
	{"1x768x3072", 1, 768, 3072, true, false},
	{"4x768x768", 4, 768, 768, true, false},
}

// BenchmarkSgemm reports GFLOP/s of each kernel of this machine, packing
// included and with weights packed ahead, next to gonum's and spago's own.
// Set GOMAXPROCS or -cpu for the number of threads.
func BenchmarkSgemm(b *testing.B) {
	r := newRand(b)
	for _, s := range modelShapes {
		x, w := normal(r, s.m*s.k), normal(r, s.k*s.n)
		c := make([]float32, s.m*s.n)
		a, tA := operand{x, s.k, 1}, blas.NoTrans
		if s.transA {
			a, tA = operand{x, 1, s.m}, blas.Trans
		}
		ldb, tB := s.n, blas.NoTrans
		if s.transB {
			ldb, tB = s.k, blas.Trans
		}
		measure := func(name string, f func()) {
			b.Run(fmt.Sprintf("%s/%s", s.name, name), func(b *testing.B) {
				best9(b, 2*float64(s.m)*float64(s.k)*float64(s.n), f)
			})
		}
		for _, kn := range kernels {
			measure(kn.name, func() {
				gemm(kn.fit(s.n), s.transA, s.transB, s.m, s.n, s.k, 1, x, a.cs*a.rs, w, ldb, 0, c, s.n)
			})
			p := newPacked(kn.fit(s.n), s.k, s.n, nil)
			p.pack(s.transB, w, ldb, true)
			h := newPacked(kn.fit(s.n), s.k, s.n, nil)
			h.pack(s.transB, w, ldb, true)
			h.shrink()
			measure(kn.name+"-bf16", func() { h.mul(s.m, a, 1, false, c, s.n, nil, runtime.GOMAXPROCS(0) > 1) })
			measure(kn.name+"-packed", func() { p.mul(s.m, a, 1, false, c, s.n, nil, runtime.GOMAXPROCS(0) > 1) })
		}
		if otherSgemm != nil { // -tags netlib
			g := gemmCase{transA: s.transA, transB: s.transB, m: s.m, n: s.n, k: s.k, lda: a.cs * a.rs, ldb: ldb, ldc: s.n, alpha: 1, a: x, b: w}
			measure("netlib", func() { otherSgemm(g, c) })
		}
		measure("gonum", func() {
			gonum.Implementation{}.Sgemm(tA, tB, s.m, s.n, s.k, 1, x, a.cs*a.rs, w, ldb, 0, c, s.n)
		})
		measure("spago", func() {
			mx := mat.NewDense[float32](mat.WithShape(s.m, s.k), mat.WithBacking(x))
			mw := mat.NewDense[float32](mat.WithShape(s.k, s.n), mat.WithBacking(w))
			mx.Mul(mw)
		})
	}
}

// best9 times f and reports 10⁹ operations a second over all runs and in the
// best one, which other load on the machine touches least.
func best9(b *testing.B, operations float64, f func()) {
	f()
	least := time.Duration(1 << 62)
	b.ResetTimer()
	for b.Loop() {
		start := time.Now()
		f()
		least = min(least, time.Since(start))
	}
	b.ReportMetric(operations*float64(b.N)/b.Elapsed().Seconds()/1e9, "G/s")
	b.ReportMetric(operations/least.Seconds()/1e9, "best-G/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkPeak is what the figures above are a share of: multiply-adds on
// registers, on one thread.
func BenchmarkPeak(b *testing.B) {
	best := 0.0
	for b.Loop() {
		rate, _ := peak.FMA(1)
		best = max(best, rate)
	}
	b.ReportMetric(best, "best-G/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkColdWeights goes through more weights than the caches hold, as a
// model does: through Sgemm, as they are, and packed ahead.
func BenchmarkColdWeights(b *testing.B) {
	r := newRand(b)
	const layers = 12
	for _, s := range []struct{ rows, n, k int }{{17, 768, 768}, {17, 3072, 768}, {197, 3072, 768}, {197, 768, 3072}, {577, 3072, 768}} {
		w := make([][]float32, layers)
		packed := make([]*Packed, layers)
		for i := range w {
			w[i] = normal(r, s.n*s.k)
			packed[i] = NewPacked(w[i], s.n, s.k)
		}
		x, c := normal(r, s.rows*s.k), make([]float32, s.rows*s.n)
		measure := func(name string, f func(i int)) {
			b.Run(fmt.Sprintf("%dx%dx%d/%s", s.rows, s.n, s.k, name), func(b *testing.B) {
				best9(b, 2*layers*float64(s.rows)*float64(s.n)*float64(s.k), func() {
					for i := range layers {
						f(i)
					}
				})
			})
		}
		measure("Sgemm", func(i int) {
			gemm(best.fit(s.n), false, true, s.rows, s.n, s.k, 1, x, s.k, w[i], s.k, 0, c, s.n)
		})
		measure("as they are", func(i int) { MulWeights(c, x, s.rows, w[i], s.n, s.k, nil) })
		measure("packed", func(i int) { packed[i].Mul(c, x, s.rows, nil) })
	}
}
