//go:build netlib

package blas

import (
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/netlib/blas/netlib"
)

func TestRegistered(t *testing.T) {
	if _, ok := blas32.Implementation().(netlib.Implementation); !ok {
		t.Errorf("blas32 runs on %T, want netlib's with -tags netlib", blas32.Implementation())
	}
	r := newRand(t)
	for range 50 {
		g := randomCase(r, someSize(r), someSize(r), someSize(r))
		if err := g.check(otherSgemm); err != nil {
			t.Fatalf("netlib: %v: %v", g, err)
		}
	}
}

// otherSgemm is the linked library's.
var otherSgemm = func(g gemmCase, c []float32) {
	tr := map[bool]blas.Transpose{false: blas.NoTrans, true: blas.Trans}
	blas32.Implementation().Sgemm(tr[g.transA], tr[g.transB], g.m, g.n, g.k, g.alpha, g.a, g.lda, g.b, g.ldb, g.beta, c, g.ldc)
}
