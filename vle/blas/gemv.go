package blas

import "govle/vle/blas/vec"

// gemv is y = alpha·op(A)·x + beta·y with A stored m×n and op the transpose
// where trans is set, on checked arguments, m, n > 0, alpha ≠ 0, increments
// positive. With beta 0, y is not read.
func gemv(trans bool, m, n int, alpha float32, a []float32, lda int, x []float32, incX int, beta float32, y []float32, incY int) {
	lenX, lenY := n, m
	if trans {
		lenX, lenY = m, n
	}
	if incX != 1 {
		buf := getScratch(lenX)
		defer putScratch(buf)
		for i := range *buf {
			(*buf)[i] = x[i*incX]
		}
		x = *buf
	}
	x = x[:lenX]
	par := int64(m)*int64(n) > oneThread && idle() > 1
	if !trans {
		rows := max(1, (1<<14)/n) // a task reads at least 64 KiB
		if !par {
			gemvRows(0, m, n, alpha, a, lda, x, beta, y, incY)
			return
		}
		Parallel((m+rows-1)/rows, func(t int) {
			gemvRows(t*rows, min(m, (t+1)*rows), n, alpha, a, lda, x, beta, y, incY)
		})
		return
	}
	if incY == 1 {
		gemvColumns(par, m, n, alpha, a, lda, x, beta, y[:n])
		return
	}
	buf := getScratch(lenY)
	defer putScratch(buf)
	sum := *buf
	gemvColumns(par, m, n, alpha, a, lda, x, 0, sum)
	for i, v := range sum {
		if beta != 0 {
			v += beta * y[i*incY]
		}
		y[i*incY] = v
	}
}

// gemvRows computes elements i0…i1 of y, each a row of A times x.
func gemvRows(i0, i1, n int, alpha float32, a []float32, lda int, x []float32, beta float32, y []float32, incY int) {
	for i := i0; i < i1; i++ {
		v := alpha * vec.Dot(a[i*lda:i*lda+n], x)
		if beta != 0 {
			v += beta * y[i*incY]
		}
		y[i*incY] = v
	}
}

// gemvColumns is y = alpha·Aᵀ·x + beta·y, a strip of columns at a time so that
// its part of y stays in the level-1 cache while rows of A pass by.
func gemvColumns(par bool, m, n int, alpha float32, a []float32, lda int, x []float32, beta float32, y []float32) {
	const strip = 1024
	do := func(t int) {
		j0, j1 := t*strip, min(n, (t+1)*strip)
		part := y[j0:j1]
		switch beta {
		case 1:
		case 0:
			clear(part)
		default:
			vec.Scale(part, beta)
		}
		for i, v := range x {
			vec.Axpy(part, alpha*v, a[i*lda+j0:i*lda+j1])
		}
	}
	run(par && n > strip, (n+strip-1)/strip, do)
}
