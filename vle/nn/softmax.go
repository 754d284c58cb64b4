package nn

import (
	"math"

	"govle/vle/blas/vec"
)

// Softmax overwrites each row of cols elements of x by its softmax.
func Softmax(x []float32, cols int) {
	for i := 0; i < len(x); i += cols {
		vec.Softmax(x[i:i+cols], x[i:i+cols])
	}
}

// softmaxKeys is the softmax of x over the elements whose key is kept; the
// others become exactly 0. Some key must be kept.
func softmaxKeys(x, keep []float32) {
	for i, k := range keep {
		if k == 0 {
			x[i] = -math.MaxFloat32
		}
	}
	vec.Softmax(x, x)
	for i, k := range keep {
		if k == 0 {
			x[i] = 0
		}
	}
}

// softmaxBackward turns dp, the gradient of the probabilities p, into the
// gradient of the scores, row by row.
func softmaxBackward(dp, p []float32, cols int) {
	for i := 0; i < len(p); i += cols {
		vec.SoftmaxGrad(dp[i:i+cols], p[i:i+cols], dp[i:i+cols])
	}
}
