package vec_test

import (
	"fmt"

	"govle/vle/blas/vec"
)

func ExampleSoftmax() {
	x := []float32{0, 0, -3.4e38} // the last is masked
	vec.Softmax(x, x)
	fmt.Println(x)
	// Output: [0.5 0.5 0]
}

func ExampleLayerNorm() {
	y := make([]float32, 2)
	mean, rstd := vec.LayerNorm(y, []float32{1, 3}, []float32{1, 1}, []float32{0, 0}, 0)
	fmt.Println(y, mean, rstd)
	// Output: [-1 1] 2 1
}
