package vec

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func newRand(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 2))
}

// implementations are the portable one and, where there is one, the machine's.
func implementations() []*routines {
	if machine == &portable {
		return []*routines{&portable}
	}
	return []*routines{machine, &portable}
}

// ulps is how many units in the last place of float32 got is from want.
func ulps(got float32, want float64) float64 {
	w := float32(want)
	switch {
	case math.IsNaN(want):
		if got != got {
			return 0
		}
		return math.Inf(1)
	case math.IsInf(float64(w), 0) || math.IsInf(float64(got), 0):
		if got == w {
			return 0
		}
		// One side of the overflow threshold: as far as the largest finite.
		if math.Abs(want) > math.MaxFloat32*(1-0x1p-22) && math.Abs(float64(got)) > math.MaxFloat32*(1-0x1p-22) && math.Signbit(want) == math.Signbit(float64(got)) {
			return 1
		}
		return math.Inf(1)
	}
	_, e := math.Frexp(want)
	unit := math.Ldexp(1, max(e-24, -149))
	return math.Abs(float64(got)-want) / unit
}

// sweep returns float32s dense around zero and over ±limit, and every special.
func sweep(r *rand.Rand, limit float64) []float32 {
	var x []float32
	const n = 1 << 18
	for i := range n {
		x = append(x, float32((float64(i)/n*2-1)*limit))
	}
	for range n / 2 { // every magnitude
		x = append(x, float32(math.Ldexp(r.Float64()*2-1, r.IntN(160)-149)))
	}
	inf := float32(math.Inf(1))
	return append(x, 0, float32(math.Copysign(0, -1)), inf, -inf, float32(math.NaN()),
		math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 0x1p-126, -0x1p-126,
		math.MaxFloat32, -math.MaxFloat32, 1, -1, 88.7, 88.72283, 88.72284, 88.73, 89.5, -87.3, -87.4, -103.9, -103.98, -104.1)
}

// TestAccuracy measures every elementwise function over its range and specials.
func TestAccuracy(t *testing.T) {
	r := newRand(t)
	for _, tc := range []struct {
		name  string
		f     func(*routines) func(dst, x []float32)
		want  func(float64) float64
		limit float64
		ulps  float64
		tail  float64 // below this x, tailUlps holds
	}{
		{"Exp", func(m *routines) func(dst, x []float32) { return m.exp }, math.Exp, 105, 2, -87.3},
		{"Sigmoid", func(m *routines) func(dst, x []float32) { return m.sigmoid }, sigmoid64, 105, 2, -17},
		{"Tanh", func(m *routines) func(dst, x []float32) { return m.tanh }, math.Tanh, 12, 2, math.Inf(-1)},
		{"GELU", func(m *routines) func(dst, x []float32) { return m.gelu }, gelu64, 16, 2, -1},
		{"QuickGELU", func(m *routines) func(dst, x []float32) { return m.quick }, func(x float64) float64 {
			return x * sigmoid64(quickFactor*x)
		}, 62, 2, -10},
	} {
		x := sweep(r, tc.limit)
		for _, m := range implementations() {
			y := make([]float32, len(x))
			tc.f(m)(y, x)
			var worst, worstTail float64
			var at, atTail float32
			for i, v := range x {
				u := ulps(y[i], tc.want(float64(v)))
				if float64(v) < tc.tail {
					if u > worstTail {
						worstTail, atTail = u, v
					}
				} else if u > worst {
					worst, at = u, v
				}
			}
			t.Logf("%-9s %-4s worst %.2f ulp at %v; below %v: %.2f at %v", tc.name, m.name, worst, at, tc.tail, worstTail, atTail)
			if !(worst <= tc.ulps) || !(worstTail <= 4) {
				t.Errorf("%s (%s): %.3g ulp at %v, want ≤ %v; tail %.3g at %v, want ≤ 4", tc.name, m.name, worst, at, tc.ulps, worstTail, atTail)
			}
		}
	}
}
