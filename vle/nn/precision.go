package nn

import (
	"fmt"

	"govle/vle/blas"
)

// Precision says how a packed linear layer keeps its weights. Sums, biases and
// activations are float32 with each.
type Precision int

const (
	// Float32 keeps the weights as they are.
	Float32 Precision = iota
	// BFloat16 rounds them to eight bits of precision, in half the memory.
	BFloat16
	// Int8 rounds them to 255 steps an output, in a quarter of the memory, and
	// rounds the inputs likewise, row by row, when they come.
	Int8
)

var precisionNames = [...]string{Float32: "float32", BFloat16: "bfloat16", Int8: "int8"}

// String returns the name that [ParsePrecision] reads.
func (p Precision) String() string {
	if p < 0 || int(p) >= len(precisionNames) {
		return fmt.Sprintf("Precision(%d)", int(p))
	}
	return precisionNames[p]
}

// ParsePrecision returns the precision of that name: float32 or f32, bfloat16 or
// bf16, int8.
func ParsePrecision(name string) (Precision, error) {
	switch name {
	case "f32":
		return Float32, nil
	case "bf16":
		return BFloat16, nil
	}
	for p, n := range precisionNames {
		if n == name {
			return Precision(p), nil
		}
	}
	return 0, fmt.Errorf("unknown precision %q (known: f32, bf16, int8)", name)
}

// weights are a linear layer's weights laid out for the product.
type weights interface {
	Mul(dst, x []float32, rows int, ep *blas.Epilogue)
}

var (
	_ weights = (*blas.Packed)(nil)
	_ weights = (*blas.QuantizedPacked)(nil)
)

// Pack lays a copy of W out for the matrix product, once, so that inference runs
// need not do it at every call, and do not read W any more. Graph runs go on
// using W. After W was changed Pack must be called again; it must not be called
// while the layer is in use.
func (l *Linear) Pack(p Precision) {
	w := Floats(l.W)
	switch p {
	case BFloat16:
		l.packed = blas.NewPackedBF16(w, l.out, l.in)
	case Int8:
		l.packed = blas.NewQuantizedPacked(w, l.out, l.in)
	default:
		l.packed = blas.NewPacked(w, l.out, l.in)
	}
}
