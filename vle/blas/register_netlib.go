//go:build netlib

package blas

import (
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/netlib/blas/netlib"
)

// With -tags netlib products through blas32 run on the C library that
// gonum.org/v1/netlib was linked with (CGO_LDFLAGS, for example -lopenblas).
// Packed products and Attention keep their own kernels.
func init() { blas32.Use(netlib.Implementation{}) }
