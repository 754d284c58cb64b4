package blas

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"govle/vle/blas/vec"
)

// Implementation is gonum's blas.Float32 with the routines that the models
// spend their time in replaced; the rest is gonum's own. Argument checks and
// their panics are gonum's too.
type Implementation struct{ gonum.Implementation }

var _ blas.Float32 = Implementation{}

// Sgemm computes C = alpha·op(A)·op(B) + beta·C, where op(X) is X or Xᵀ, op(A)
// is m×k, op(B) is k×n and C is m×n. With beta 0, C is not read.
func (impl Implementation) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	transA, transB := tA != blas.NoTrans, tB != blas.NoTrans
	rowsA, colsA, rowsB, colsB := m, k, k, n
	if transA {
		rowsA, colsA = k, m
	}
	if transB {
		rowsB, colsB = n, k
	}
	if !knownTranspose(tA) || !knownTranspose(tB) || m <= 0 || n <= 0 || k <= 0 ||
		lda < colsA || ldb < colsB || ldc < n ||
		len(a) < (rowsA-1)*lda+colsA || len(b) < (rowsB-1)*ldb+colsB || len(c) < (m-1)*ldc+n {
		// Nothing to multiply, or a mistake: gonum's answer, gonum's panic.
		impl.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	gemm(best.fit(n), transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// Sgemv computes y = alpha·op(A)·x + beta·y, A being m×n. With beta 0, y is not
// read. Negative increments walk backwards and are left to gonum.
func (impl Implementation) Sgemv(tA blas.Transpose, m, n int, alpha float32, a []float32, lda int, x []float32, incX int, beta float32, y []float32, incY int) {
	lenX, lenY := n, m
	if tA != blas.NoTrans {
		lenX, lenY = m, n
	}
	if !knownTranspose(tA) || m <= 0 || n <= 0 || alpha == 0 || incX <= 0 || incY <= 0 || lda < n ||
		len(a) < (m-1)*lda+n || len(x) < (lenX-1)*incX+1 || len(y) < (lenY-1)*incY+1 {
		impl.Implementation.Sgemv(tA, m, n, alpha, a, lda, x, incX, beta, y, incY)
		return
	}
	gemv(tA != blas.NoTrans, m, n, alpha, a, lda, x, incX, beta, y, incY)
}

// Sger computes A += alpha·x·yᵀ, A being m×n.
func (impl Implementation) Sger(m, n int, alpha float32, x []float32, incX int, y []float32, incY int, a []float32, lda int) {
	if m <= 0 || n <= 0 || alpha == 0 || incX <= 0 || incY != 1 || lda < n ||
		len(x) < (m-1)*incX+1 || len(y) < n || len(a) < (m-1)*lda+n {
		impl.Implementation.Sger(m, n, alpha, x, incX, y, incY, a, lda)
		return
	}
	for i := range m {
		vec.Axpy(a[i*lda:i*lda+n], alpha*x[i*incX], y[:n])
	}
}

// Saxpy computes y += alpha·x.
func (impl Implementation) Saxpy(n int, alpha float32, x []float32, incX int, y []float32, incY int) {
	if n <= 0 || incX != 1 || incY != 1 || len(x) < n || len(y) < n || alpha == 0 {
		impl.Implementation.Saxpy(n, alpha, x, incX, y, incY)
		return
	}
	vec.Axpy(y[:n], alpha, x[:n])
}

// Sdot is Σx·y.
func (impl Implementation) Sdot(n int, x []float32, incX int, y []float32, incY int) float32 {
	if n <= 0 || incX != 1 || incY != 1 || len(x) < n || len(y) < n {
		return impl.Implementation.Sdot(n, x, incX, y, incY)
	}
	return vec.Dot(x[:n], y[:n])
}

// Sscal computes x *= alpha; alpha 0 sets x to 0, NaN included, as gonum's does.
func (impl Implementation) Sscal(n int, alpha float32, x []float32, incX int) {
	if n <= 0 || incX != 1 || len(x) < n || alpha == 0 {
		impl.Implementation.Sscal(n, alpha, x, incX)
		return
	}
	vec.Scale(x[:n], alpha)
}

func knownTranspose(t blas.Transpose) bool {
	return t == blas.NoTrans || t == blas.Trans || t == blas.ConjTrans
}
