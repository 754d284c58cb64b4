package blas_test

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	vleblas "govle/vle/blas" // importing it registers it with blas32
)

func Example() {
	a := blas32.General{Rows: 2, Cols: 3, Stride: 3, Data: []float32{1, 2, 3, 4, 5, 6}}
	c := blas32.General{Rows: 2, Cols: 2, Stride: 2, Data: make([]float32, 4)}
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, a, a, 0, c) // a·aᵀ
	fmt.Println(c.Data)
	// Output: [14 32 32 77]
}

func ExamplePacked_Mul() {
	// A linear layer of 3 inputs and 2 outputs, as torch keeps its weights.
	w := vleblas.NewPacked([]float32{
		1, 0, 0,
		0, 1, 1,
	}, 2, 3)
	x := []float32{1, 2, 3, 4, 5, 6} // two rows
	y := make([]float32, 4)
	w.Mul(y, x, 2, &vleblas.Epilogue{Bias: []float32{10, 20}, Residual: []float32{0.5, 0.5, 0.5, 0.5}})
	fmt.Println(y)
	// Output: [11.5 25.5 14.5 31.5]
}

func ExampleAttention() {
	// One head of width 2; both keys are alike, so each query gets the mean of
	// the values.
	a := vleblas.Attention{
		Heads: 1, Dim: 2, Queries: 1, Keys: 2, Scale: 1,
		Q: []float32{1, 0}, LdQ: 2,
		K: []float32{3, 3, 3, 3}, LdK: 2,
		V: []float32{2, 4, 6, 8}, LdV: 2,
	}
	y := make([]float32, 2)
	a.Run(y, 2)
	fmt.Println(y)
	// Output: [4 6]
}
