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
// Below zero GELU and QuickGELU are products of small factors: their bound there
// is wider, in units of their own tiny results (a framework's x·(1+erf)/2 loses
// all digits there).
func TestAccuracy(t *testing.T) {
	r := newRand(t)
	for _, tc := range []struct {
		name                 string
		f                    func(*routines) func(dst, x []float32)
		want                 func(float64) float64
		limit, ulps, negUlps float64
	}{
		{"Exp", func(m *routines) func(dst, x []float32) { return m.exp }, math.Exp, 105, 1.5, 1.5},
		{"Sigmoid", func(m *routines) func(dst, x []float32) { return m.sigmoid }, sigmoid64, 105, 2, 2.5},
		{"Tanh", func(m *routines) func(dst, x []float32) { return m.tanh }, math.Tanh, 12, 2, 2},
		{"GELU", func(m *routines) func(dst, x []float32) { return m.gelu }, gelu64, 16, 2, 8},
		{"QuickGELU", func(m *routines) func(dst, x []float32) { return m.quick }, func(x float64) float64 {
			return x * sigmoid64(quickFactor*x)
		}, 62, 2, 3},
	} {
		x := sweep(r, tc.limit)
		for _, m := range available() {
			y := make([]float32, len(x))
			tc.f(m)(y, x)
			var worst, worstNeg float64
			var at, atNeg float32
			for i, v := range x {
				want := tc.want(float64(v))
				u := ulps(y[i], want)
				if math.Abs(want) < 0x1p-110 && math.Abs(float64(y[i])-want) < 64*math.SmallestNonzeroFloat32 {
					u = min(u, 1) // a factor was denormal
				}
				if v < 0 {
					if u > worstNeg {
						worstNeg, atNeg = u, v
					}
				} else if u > worst {
					worst, at = u, v
				}
			}
			t.Logf("%-9s %-4s %.2f ulp at %v, below zero %.2f at %v", tc.name, m.name, worst, at, worstNeg, atNeg)
			if !(worst <= tc.ulps) || !(worstNeg <= tc.negUlps) {
				t.Errorf("%s (%s): %.3g ulp at %v, want ≤ %v; below zero %.3g at %v, want ≤ %v", tc.name, m.name, worst, at, tc.ulps, worstNeg, atNeg, tc.negUlps)
			}
		}
	}
}

// TestGrad compares the gradients with float64 derivatives; near a zero of the
// derivative only the absolute error is meaningful.
func TestGrad(t *testing.T) {
	r := newRand(t)
	for _, tc := range []struct {
		name string
		f    func(*routines) func(dx, x, dy []float32)
		want func(float64) float64
	}{
		{"GELUGrad", func(m *routines) func(dx, x, dy []float32) { return m.geluGrad }, geluGrad64},
		{"QuickGELUGrad", func(m *routines) func(dx, x, dy []float32) { return m.quickGrad }, quickGrad64},
		{"TanhGrad", func(m *routines) func(dx, x, dy []float32) { return m.tanhGrad }, func(y float64) float64 { return 1 - y*y }},
	} {
		n := 1<<16 + 5
		x, dy, dx := make([]float32, n), make([]float32, n), make([]float32, n)
		for i := range x {
			x[i] = float32((float64(i)/float64(n)*2 - 1) * 20)
			if tc.name == "TanhGrad" {
				x[i] /= 20
			}
			dy[i] = float32(r.NormFloat64())
		}
		for _, m := range available() {
			tc.f(m)(dx, x, dy)
			worst := 0.0
			for i, v := range x {
				worst = max(worst, math.Abs(float64(dx[i])-float64(dy[i])*tc.want(float64(v)))/math.Abs(float64(dy[i])))
			}
			t.Logf("%s %s: worst %.3g", tc.name, m.name, worst)
			if !(worst < 3e-7) {
				t.Errorf("%s (%s): off by %.3g × dy", tc.name, m.name, worst)
			}
		}
	}
}

// guarded returns n normal floats with guards on both sides, and a check that
// they are still there.
func guarded(t *testing.T, r *rand.Rand, n int) []float32 {
	const mark = float32(-9.87e21)
	all := make([]float32, n+32)
	for i := range all {
		all[i] = mark
	}
	x := all[16 : 16+n : 16+n]
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	t.Cleanup(func() {
		for i, v := range all {
			if (i < 16 || i >= 16+n) && v != mark {
				t.Errorf("length %d: wrote outside at %d", n, i-16)
			}
		}
	})
	return x
}

func near(got float32, want, size float64) bool {
	return math.Abs(float64(got)-want) <= 2e-6*(size+1e-30)
}

// TestRows runs every routine on every small length, so that each tail is taken,
// against float64, inside guards.
func TestRows(t *testing.T) {
	r := newRand(t)
	for _, m := range available() {
		for _, n := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 23, 31, 32, 33, 40, 63, 64, 65, 70, 100, 768, 1297} {
			x, y, z := guarded(t, r, n), guarded(t, r, n), guarded(t, r, n)
			x0, y0 := append([]float32(nil), x...), append([]float32(nil), y...)
			fail := func(op string, i int, got float32, want float64) {
				t.Helper()
				t.Errorf("%s (%s) of %d: [%d] = %v, want %v", op, m.name, n, i, got, want)
			}
			var sum, abs, dot, dabs, top float64
			top = math.Inf(-1)
			for i, v := range x {
				sum += float64(v)
				abs += math.Abs(float64(v))
				dot += float64(v) * float64(y[i])
				dabs += math.Abs(float64(v) * float64(y[i]))
				top = max(top, float64(v))
			}
			if got := m.sum(x); !near(got, sum, abs) {
				fail("sum", 0, got, sum)
			}
			if got := m.dot(x, y); !near(got, dot, dabs) {
				fail("dot", 0, got, dot)
			}
			if got := m.max(x); float64(got) != top {
				fail("max", 0, got, top)
			}
			var size float64
			for _, v := range x {
				size = max(size, math.Abs(float64(v)))
			}
			if got := m.maxAbs(x); float64(got) != size {
				fail("maxAbs", 0, got, size)
			}
			if n > 0 {
				i := r.IntN(n)
				v := x[i]
				x[i] = float32(math.NaN())
				if got := m.maxAbs(x); got == got {
					fail("maxAbs with a NaN", i, got, math.NaN())
				}
				x[i] = v
			}
			check := func(op string, got []float32, want func(i int) float64) {
				t.Helper()
				for i, v := range got {
					if w := want(i); !near(v, w, math.Abs(w)+1) {
						fail(op, i, v, w)
						return
					}
				}
			}
			copy(z, y)
			m.add(z, x)
			check("add", z, func(i int) float64 { return float64(y[i]) + float64(x[i]) })
			copy(z, y)
			m.mul(z, x)
			check("mul", z, func(i int) float64 { return float64(y[i]) * float64(x[i]) })
			copy(z, y)
			m.axpy(z, -1.5, x)
			check("axpy", z, func(i int) float64 { return float64(y[i]) - 1.5*float64(x[i]) })
			copy(z, y)
			m.scale(z, 3)
			check("scale", z, func(i int) float64 { return 3 * float64(y[i]) })
			m.gelu(z, x)
			check("gelu", z, func(i int) float64 { return gelu64(float64(x[i])) })
			m.quick(z, x)
			check("quick", z, func(i int) float64 { return float64(x[i]) * sigmoid64(quickFactor*float64(x[i])) })
			m.tanh(z, x)
			check("tanh", z, func(i int) float64 { return math.Tanh(float64(x[i])) })
			m.sigmoid(z, x)
			check("sigmoid", z, func(i int) float64 { return sigmoid64(float64(x[i])) })
			m.exp(z, x)
			check("exp", z, func(i int) float64 { return math.Exp(float64(x[i])) })
			copy(z, x)
			m.exp(z, z) // in place
			check("exp in place", z, func(i int) float64 { return math.Exp(float64(x[i])) })
			var es float64
			for _, v := range x {
				es += math.Exp(float64(v) - 0.5)
			}
			if got := m.expSum(z, x, 0.5); !near(got, es, es) {
				fail("expSum", 0, got, es)
			}
			check("expSum", z, func(i int) float64 { return math.Exp(float64(x[i]) - 0.5) })
			m.softmaxGrad(z, x, y, 0.25)
			check("softmaxGrad", z, func(i int) float64 { return float64(x[i]) * (float64(y[i]) - 0.25) })
			m.tanhGrad(z, x, y)
			check("tanhGrad", z, func(i int) float64 { return float64(y[i]) * (1 - float64(x[i])*float64(x[i])) })
			m.geluGrad(z, x, y)
			check("geluGrad", z, func(i int) float64 { return float64(y[i]) * geluGrad64(float64(x[i])) })
			m.quickGrad(z, x, y)
			check("quickGrad", z, func(i int) float64 { return float64(y[i]) * quickGrad64(float64(x[i])) })
			for i := range n {
				if x[i] != x0[i] || y[i] != y0[i] {
					t.Fatalf("%s, length %d: an input was modified", m.name, n)
				}
			}
		}
	}
}
