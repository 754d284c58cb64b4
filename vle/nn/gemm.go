package nn

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	_ "govle/vle/blas" // registers itself as gonum's float32 BLAS
)

// gemm computes c = alpha·op(a)·op(b) + beta·c, op(a) m×k, op(b) k×n, row
// by row with the strides lda, ldb, ldc, on whatever BLAS is registered.
func gemm(ta, tb blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	blas32.Implementation().Sgemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

const (
	plain      = blas.NoTrans
	transposed = blas.Trans
)
