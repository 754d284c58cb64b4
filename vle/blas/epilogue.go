package blas

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
	// the width of the result), or is nil. It may be the result's own memory
	// only if a separate slice of it is not needed: Mul overwrites the result.
	Residual       []float32
	ResidualStride int
}

func (e *Epilogue) apply(c []float32, ldc, i0, i1, j0, j1 int) {}
