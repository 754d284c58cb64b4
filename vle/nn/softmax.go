package nn

import "math"

// Softmax overwrites each row of cols elements of x by its softmax.
func Softmax(x []float32, cols int) {
	for i := 0; i < len(x); i += cols {
		softmaxRow(x[i : i+cols])
	}
}

func softmaxRow(x []float32) {
	if len(x) == 0 {
		return
	}
	m := x[0]
	for _, v := range x[1:] {
		m = max(m, v)
	}
	var s float32
	for i, v := range x {
		e := exp32(v - m)
		x[i] = e
		s += e
	}
	s = 1 / s
	for i := range x {
		x[i] *= s
	}
}

// softmaxKeys is softmaxRow over the elements whose key is kept; the others
// become exactly 0. Without any kept key the whole row becomes 0.
func softmaxKeys(x, keep []float32) {
	m := float32(math.Inf(-1))
	for i, v := range x {
		if keep[i] != 0 {
			m = max(m, v)
		}
	}
	var s float32
	for i, v := range x {
		if keep[i] == 0 {
			x[i] = 0
			continue
		}
		e := exp32(v - m)
		x[i] = e
		s += e
	}
	if s == 0 {
		return
	}
	s = 1 / s
	for i := range x {
		x[i] *= s
	}
}

// softmaxBackward turns dp, the gradient of the probabilities p, into the
// gradient of the scores, row by row: p·(dp − Σ p·dp).
func softmaxBackward(dp, p []float32, cols int) {
	for i := 0; i < len(p); i += cols {
		a, b := dp[i:i+cols], p[i:i+cols]
		var s float32
		for j, v := range b {
			s += v * a[j]
		}
		for j, v := range b {
			a[j] = v * (a[j] - s)
		}
	}
}
