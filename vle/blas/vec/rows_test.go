package vec

import (
	"math"
	"testing"
	"time"
)

// TestSoftmax holds Softmax and its gradient, masks and extremes included.
func TestSoftmax(t *testing.T) {
	r := newRand(t)
	defer func(m *routines) { machine = m }(machine)
	for _, m := range available() {
		machine = m
		for _, n := range []int{1, 7, 8, 40, 197, 1297} {
			x, p, dp, dx := guarded(t, r, n), guarded(t, r, n), guarded(t, r, n), guarded(t, r, n)
			for i := range x {
				x[i] *= 30
				if i > 0 && i%3 == 0 {
					x[i] = -math.MaxFloat32 // a mask
				}
			}
			Softmax(p, x)
			SoftmaxGrad(dx, p, dp)
			top := float64(Max(x))
			var z, d float64
			for _, v := range x {
				z += math.Exp(float64(v) - top)
			}
			for i, v := range x {
				d += math.Exp(float64(v)-top) / z * float64(dp[i])
			}
			for i, v := range x {
				w := math.Exp(float64(v)-top) / z
				if !near(p[i], w, w*(1+math.Abs(float64(v)-top))) {
					t.Fatalf("%s n=%d: p[%d] = %v, want %v", m.name, n, i, p[i], w)
				}
				if i > 0 && i%3 == 0 && p[i] != 0 {
					t.Fatalf("%s: masked p[%d] = %v, want exactly 0", m.name, i, p[i])
				}
				if g := w * (float64(dp[i]) - d); !near(dx[i], g, w*(5+math.Abs(float64(v)-top))) {
					t.Fatalf("%s n=%d: dx[%d] = %v, want %v", m.name, n, i, dx[i], g)
				}
			}
		}
	}
}

// TestLayerNorm holds LayerNorm to float64 and its gradient to differences of
// the float64 function.
func TestLayerNorm(t *testing.T) {
	r := newRand(t)
	const eps = 1e-5
	forward := func(x, g, b []float32) (y []float64, mean, rstd float64) {
		var s, v float64
		for _, a := range x {
			s += float64(a)
		}
		mean = s / float64(len(x))
		for _, a := range x {
			v += (float64(a) - mean) * (float64(a) - mean)
		}
		rstd = 1 / math.Sqrt(v/float64(len(x))+eps)
		for i, a := range x {
			y = append(y, (float64(a)-mean)*rstd*float64(g[i])+float64(b[i]))
		}
		return y, mean, rstd
	}
	for _, m := range available() {
		for _, n := range []int{1, 2, 7, 8, 9, 64, 100, 768, 1001} {
			x, g, b, y := guarded(t, r, n), guarded(t, r, n), guarded(t, r, n), guarded(t, r, n)
			for i := range x {
				x[i] = x[i]*2 + 5 // an offset that a one-pass variance would feel
			}
			mean, rstd := m.layerNorm(y, x, g, b, eps)
			want, wm, wr := forward(x, g, b)
			if !near(mean, wm, 10) || !near(rstd, wr, 2*wr) {
				t.Fatalf("%s n=%d: mean %v rstd %v, want %v %v", m.name, n, mean, rstd, wm, wr)
			}
			for i := range y {
				if math.Abs(float64(y[i])-want[i]) > 1e-5*(1+math.Abs(want[i])) {
					t.Fatalf("%s n=%d: y[%d] = %v, want %v", m.name, n, i, y[i], want[i])
				}
			}
			if n == 1 {
				continue // rstd is 1/√eps: differences say nothing
			}
			dy, dx, dg, db := guarded(t, r, n), guarded(t, r, n), guarded(t, r, n), guarded(t, r, n)
			dg0, db0 := append([]float32(nil), dg...), append([]float32(nil), db...)
			m.layerNormGrad(dx, dy, x, g, mean, rstd, dg, db)
			var a, c float64
			hat := make([]float64, n)
			for i := range x {
				hat[i] = (float64(x[i]) - wm) * wr
				a += float64(dy[i]) * float64(g[i]) / float64(n)
				c += float64(dy[i]) * float64(g[i]) * hat[i] / float64(n)
			}
			for i := range x {
				w := wr * (float64(dy[i])*float64(g[i]) - a - hat[i]*c)
				if math.Abs(float64(dx[i])-w) > 2e-5*(1+math.Abs(w))*(1+wr) {
					t.Fatalf("%s n=%d: dx[%d] = %v, want %v", m.name, n, i, dx[i], w)
				}
				if !near(dg[i], float64(dg0[i])+float64(dy[i])*hat[i], 20) || !near(db[i], float64(db0[i])+float64(dy[i]), 5) {
					t.Fatalf("%s n=%d: dgamma, dbeta[%d] = %v, %v", m.name, n, i, dg[i], db[i])
				}
			}
		}
	}
}

// TestAdamW runs three steps on every length against float64.
func TestAdamW(t *testing.T) {
	r := newRand(t)
	const b1, b2, eps, step, decay = 0.9, 0.98, 1e-6, 1e-2, 1e-3
	defer func(m *routines) { machine = m }(machine)
	for _, impl := range available() {
		machine = impl
		for _, n := range []int{0, 1, 7, 8, 9, 31, 32, 33, 100} {
			p, g, m, v := guarded(t, r, n), guarded(t, r, n), guarded(t, r, n), guarded(t, r, n)
			p64, m64, v64 := make([]float64, n), make([]float64, n), make([]float64, n)
			clear(m)
			clear(v)
			for i := range p {
				p64[i] = float64(p[i])
			}
			for range 3 {
				for i := range g {
					g[i] = float32(r.NormFloat64())
					x := float64(g[i])
					m64[i] = b1*m64[i] + (1-b1)*x
					v64[i] = b2*v64[i] + (1-b2)*x*x
					p64[i] = (p64[i] - step*m64[i]/(math.Sqrt(v64[i])+eps)) * (1 - decay)
				}
				AdamW(p, g, m, v, b1, b2, eps, step, decay)
			}
			for i := range p {
				if !near(p[i], p64[i], 1+math.Abs(p64[i])) || !near(m[i], m64[i], 1) || !near(v[i], v64[i], 1) {
					t.Fatalf("%s of %d: [%d] p %v m %v v %v, want %v %v %v", impl.name, n, i, p[i], m[i], v[i], p64[i], m64[i], v64[i])
				}
			}
		}
	}
}

// TestLengths: slices of different lengths are a mistake that must not reach
// the assembly.
func TestLengths(t *testing.T) {
	a, b := make([]float32, 8), make([]float32, 9)
	for name, f := range map[string]func(){
		"Add": func() { Add(a, b) }, "Mul": func() { Mul(b, a) }, "Axpy": func() { Axpy(a, 1, b) },
		"Dot": func() { Dot(a, b) }, "Exp": func() { Exp(a, b) }, "Sigmoid": func() { Sigmoid(a, b) },
		"Tanh": func() { Tanh(a, b) }, "TanhGrad": func() { TanhGrad(a, a, b) }, "GELU": func() { GELU(a, b) },
		"GELUGrad": func() { GELUGrad(a, b, a) }, "QuickGELU": func() { QuickGELU(a, b) },
		"QuickGELUGrad": func() { QuickGELUGrad(b, a, a) }, "ExpSum": func() { ExpSum(a, b, 0) },
		"Softmax": func() { Softmax(a, b) }, "SoftmaxGrad": func() { SoftmaxGrad(a, a, b) },
		"AdamW":         func() { AdamW(a, a, a, b, 0, 0, 0, 0, 0) },
		"LayerNorm":     func() { LayerNorm(a, a, a, b, 1) },
		"LayerNormGrad": func() { LayerNormGrad(a, a, a, a, 0, 1, a, b) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s took slices of different lengths", name)
				}
			}()
			f()
		}()
	}
}

func BenchmarkVec(b *testing.B) {
	r := newRand(b)
	x, y, z := make([]float32, 3072), make([]float32, 3072), make([]float32, 3072)
	for i := range x {
		x[i], y[i] = float32(r.NormFloat64()), 1
	}
	for _, m := range available() {
		for _, bm := range []struct {
			name string
			f    func()
		}{
			{"exp", func() { m.exp(z, x) }},
			{"gelu", func() { m.gelu(z, x) }},
			{"geluGrad", func() { m.geluGrad(z, x, y) }},
			{"quick", func() { m.quick(z, x) }},
			{"tanh", func() { m.tanh(z, x) }},
			{"expSum", func() { m.expSum(z, x, 1) }},
			{"layerNorm", func() { m.layerNorm(z, x, y, y, 1e-5) }},
			{"layerNormGrad", func() { m.layerNormGrad(z, x, x, y, 0, 1, y, y) }},
			{"adamW", func() { m.adam(z, x, z, y, 0.9, 0.98, 1e-6, 1e-3, 1) }},
			{"add", func() { m.add(z, x) }},
			{"dot", func() { m.dot(z, x) }},
		} {
			b.Run(bm.name+"/"+m.name, func(b *testing.B) {
				// The best of many short runs is what other load touches least.
				best := time.Duration(1 << 62)
				for b.Loop() {
					start := time.Now()
					for range 8 {
						bm.f()
					}
					best = min(best, time.Since(start))
				}
				b.ReportMetric(float64(best.Nanoseconds())/8/float64(len(x)), "best-ns/element")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
