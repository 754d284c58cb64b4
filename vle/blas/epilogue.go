package blas

import (
	"fmt"

	"govle/vle/blas/vec"
)

// Activation is the function that an Epilogue ends with.
type Activation int

const (
	Identity  Activation = iota
	GELU                 // x·Φ(x), by erf, as torch's nn.GELU
	QuickGELU            // x·σ(1.702x), as CLIP
)

// Epilogue is what [Packed.Mul] does to each block of its result while that is
// still in cache: y = act(y + Bias) + Residual. The zero value does nothing.
type Epilogue struct {
	Bias []float32 // one value a column, or nil
	Act  Activation
	// Residual has the shape of the result, rows ResidualStride apart (0 means
	// the width of the result), or is nil. It must not overlap the result.
	Residual       []float32
	ResidualStride int
}

// check panics where a slice is too short for an m×n result.
func (e *Epilogue) check(m, n int) {
	if e.Bias != nil && len(e.Bias) < n {
		panic(fmt.Sprintf("blas: bias of %d for %d columns", len(e.Bias), n))
	}
	if e.Act < Identity || e.Act > QuickGELU {
		panic(fmt.Sprintf("blas: unknown activation %d", e.Act))
	}
	if e.Residual == nil {
		return
	}
	if ld := e.stride(n); ld < n || len(e.Residual) < (m-1)*ld+n {
		panic(fmt.Sprintf("blas: residual of %d floats, %d a row, for %d×%d", len(e.Residual), ld, m, n))
	}
}

func (e *Epilogue) stride(n int) int {
	if e.ResidualStride == 0 {
		return n
	}
	return e.ResidualStride
}

// apply finishes rows i0…i1 and columns j0…j1 of an n-column result.
func (e *Epilogue) apply(c []float32, ldc, n, i0, i1, j0, j1 int) {
	ld := e.stride(n)
	for i := i0; i < i1; i++ {
		row := c[i*ldc+j0 : i*ldc+j1]
		if e.Bias != nil {
			vec.Add(row, e.Bias[j0:j1])
		}
		switch e.Act {
		case GELU:
			vec.GELU(row, row)
		case QuickGELU:
			vec.QuickGELU(row, row)
		}
		if e.Residual != nil {
			vec.Add(row, e.Residual[i*ld+j0:i*ld+j1])
		}
	}
}

// Mul computes dst = x·p for the first rows rows of x, each p.Rows() wide, and
// finishes each block with ep (nil for none); for weights packed by [NewPacked]
// that is x·Wᵀ. dst rows are p.Cols() wide; what dst held is overwritten.
// It panics if a slice is too short. dst must not overlap x.
func (p *Packed) Mul(dst, x []float32, rows int, ep *Epilogue) {
	p.MulStrided(dst, p.n, x, p.k, rows, ep)
}

// MulStrided is Mul with rows of dst ldd floats apart and rows of x ldx apart.
func (p *Packed) MulStrided(dst []float32, ldd int, x []float32, ldx int, rows int, ep *Epilogue) {
	if rows <= 0 {
		return
	}
	checkMul(rows, p.k, p.n, len(dst), ldd, len(x), ldx)
	if ep != nil {
		ep.check(rows, p.n)
		if ep.Bias == nil && ep.Act == Identity && ep.Residual == nil {
			ep = nil
		}
	}
	p.mul(rows, operand{x, ldx, 1}, 1, false, dst, ldd, ep, int64(rows)*int64(p.k)*int64(p.n) > oneThread && idle() > 1)
}

// checkMul panics where a slice is too short for a product of rows×k by k×n.
func checkMul(rows, k, n, lenDst, ldd, lenX, ldx int) {
	if ldd < n || ldx < k || lenDst < (rows-1)*ldd+n || lenX < (rows-1)*ldx+k {
		panic(fmt.Sprintf("blas: Mul of %d×%d by %d×%d: %d floats in (%d a row), %d out (%d a row)",
			rows, k, k, n, lenX, ldx, lenDst, ldd))
	}
}
