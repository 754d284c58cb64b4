package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/nlpodyssey/spago/mat"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/gonum"

	vleblas "govle/vle/blas"
)

// gemmShape is a product of op(A) m×k and op(B) k×n.
type gemmShape struct {
	name     string
	m, k, n  int
	ta, tb   bool
	constant bool // B is a weight
}

// gemmShapes are products of the base model at 576 px (1,297 tokens) and of 40
// text tokens, forward and backward, and a square one. Weights and keys are
// transposed; those that are a layer's weights can be packed ahead.
var gemmShapes = []gemmShape{
	{"1297x768x768", 1297, 768, 768, false, true, true},
	{"1297x3072x768", 1297, 3072, 768, false, true, true},
	{"197x768x3072", 197, 768, 3072, false, true, true},
	{"40x768x768", 40, 768, 768, false, true, true},
	{"1297x64x1297-QK", 1297, 64, 1297, false, true, false},
	{"1297x1297x64-PV", 1297, 1297, 64, false, false, false},
	{"768x1297x768-dW", 768, 1297, 768, true, false, false},
	{"2048x2048x2048", 2048, 2048, 2048, false, false, false},
}

func gemmBench() []benchCase {
	var cases []benchCase
	for _, threads := range []int{0, 1} {
		group := "sgemm"
		if threads == 1 {
			group = "sgemm-1"
		}
		for _, s := range gemmShapes {
			cases = append(cases, benchCase{
				name: group + "/" + s.name, about: "float32 matrix product M×K×N, operations a second", threads: threads,
				work: 2 * float64(s.m) * float64(s.k) * float64(s.n), target: 0.95, rival: "OpenBLAS|PyTorch",
				prepare: func(b *bench) ([]benchSide, error) { return b.gemmSides(s) },
			})
		}
	}
	return append(cases, int8Bench()...)
}

func (b *bench) gemmSides(s gemmShape) ([]benchSide, error) {
	r := rand.New(rand.NewPCG(1, 2))
	x, w, c := normal(r, s.m*s.k), normal(r, s.k*s.n), make([]float32, s.m*s.n)
	lda, ldb, tA, tB := s.k, s.n, blas.NoTrans, blas.NoTrans
	if s.ta {
		lda, tA = s.m, blas.Trans
	}
	if s.tb {
		ldb, tB = s.k, blas.Trans
	}
	var sides []benchSide
	multiply := func(name string, f func()) {
		sides = append(sides, timed(name, func() error { f(); return nil }))
	}
	own := blas32.Implementation()
	if s.constant {
		p := vleblas.NewPacked(w, s.n, s.k)
		multiply("govle, weights packed", func() { p.Mul(c, x, s.m, &vleblas.Epilogue{}) })
		multiply("govle, weights as they lie", func() { vleblas.MulWeights(c, x, s.m, w, s.n, s.k, nil) })
	}
	name := "govle"
	if s.constant {
		name = "govle, through gonum's blas32"
	}
	multiply(name, func() { own.Sgemm(tA, tB, s.m, s.n, s.k, 1, x, lda, w, ldb, 0, c, s.n) })
	for _, lib := range []struct{ lib, name string }{{"openblas", "OpenBLAS (numpy)"}, {"torch", "PyTorch"}} {
		if b.noPeer != nil {
			break
		}
		side, err := b.peerSide("gemm-"+lib.lib, lib.name, map[string]any{
			"kind": "gemm", "lib": lib.lib, "m": s.m, "k": s.k, "n": s.n, "ta": s.ta, "tb": s.tb,
		})
		if err != nil {
			return sides, err
		}
		side.close = nil // used again by the next shape
		sides = append(sides, side)
	}
	multiply("gonum", func() { gonum.Implementation{}.Sgemm(tA, tB, s.m, s.n, s.k, 1, x, lda, w, ldb, 0, c, s.n) })
	mx := mat.NewDense[float32](mat.WithShape(s.m, s.k), mat.WithBacking(x))
	mw := mat.NewDense[float32](mat.WithShape(s.k, s.n), mat.WithBacking(w))
	multiply("spago", func() { mx.Mul(mw) })
	return sides, nil
}

// int8Bench times linear layers in eight bits beside PyTorch's dynamic ones.
func int8Bench() []benchCase {
	var cases []benchCase
	for _, s := range []struct{ m, k, n int }{{197, 768, 3072}, {1297, 768, 768}, {40, 768, 768}} {
		cases = append(cases, benchCase{
			name: fmt.Sprintf("int8/%dx%dx%d", s.m, s.k, s.n), about: "linear layer in 8 bits, dynamic quantisation, operations a second",
			work: 2 * float64(s.m) * float64(s.k) * float64(s.n), eight: true, target: 1.2, rival: "PyTorch",
			prepare: func(b *bench) ([]benchSide, error) {
				r := rand.New(rand.NewPCG(1, 2))
				x, w, c := normal(r, s.m*s.k), normal(r, s.k*s.n), make([]float32, s.m*s.n)
				q := vleblas.NewQuantizedPacked(w, s.n, s.k)
				sides := []benchSide{timed("govle int8", func() error { q.Mul(c, x, s.m, &vleblas.Epilogue{}); return nil })}
				return b.addPeer(sides, "gemm-torch", "PyTorch dynamic int8", 0, map[string]any{"kind": "int8linear", "m": s.m, "k": s.k, "n": s.n})
			},
		})
	}
	return cases
}

// addPeer adds a PyTorch side where there is one.
func (b *bench) addPeer(sides []benchSide, peer, name string, tolerance float64, request map[string]any) ([]benchSide, error) {
	if b.noPeer != nil {
		return sides, nil
	}
	side, err := b.peerSide(peer, name, request)
	if err != nil {
		return sides, err
	}
	side.tolerance = tolerance
	return append(sides, side), nil
}

func normal(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}
