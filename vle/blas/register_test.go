//go:build !netlib

package blas

import (
	"testing"

	"gonum.org/v1/gonum/blas/blas32"
)

func TestRegistered(t *testing.T) {
	if _, ok := blas32.Implementation().(Implementation); !ok {
		t.Errorf("blas32 runs on %T after importing this package", blas32.Implementation())
	}
}

// otherSgemm is nil: nothing but this package is linked in.
var otherSgemm func(g gemmCase, c []float32)
