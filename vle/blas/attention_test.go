package blas

import (
	"math"
	"sync"
	"testing"
)

// attentionReference is one output row of one head in float64; bias(j) is added
// to the score of key j.
func (a *Attention) reference(h, i int, bias func(j int) float64) (out []float64, p []float64) {
	p = make([]float64, a.Keys)
	top := math.Inf(-1)
	for j := range p {
		for d := range a.Dim {
			p[j] += float64(a.Q[i*a.LdQ+h*a.Dim+d]) * float64(a.K[j*a.LdK+h*a.Dim+d])
		}
		p[j] = p[j]*float64(a.Scale) + bias(j)
		top = max(top, p[j])
	}
	var z float64
	for j := range p {
		p[j] = math.Exp(p[j] - top)
		z += p[j]
	}
	out = make([]float64, a.Dim)
	for j := range p {
		p[j] /= z
		for d := range out {
			out[d] += p[j] * float64(a.V[j*a.LdV+h*a.Dim+d])
		}
	}
	return out, p
}

// TestAttention runs shapes with every kind of edge, with and without key bias
// and hooks, on every kernel, inside guards.
func TestAttention(t *testing.T) {
	r := newRand(t)
	defer func(k *kernel) { best = k }(best)
	for _, kn := range kernels {
		best = kn
		for _, s := range []struct{ heads, dim, queries, keys int }{
			{1, 1, 1, 1}, {2, 8, 5, 3}, {3, 64, 50, 50}, {2, 16, 1, 130}, {3, 64, 110, 40},
			{2, 33, 100, 130}, {1, 16, 100, 1024}, {2, 20, 70, 0}, {12, 16, 40, 40},
		} {
			w := s.heads * s.dim
			a := &Attention{Heads: s.heads, Dim: s.dim, Queries: s.queries, Keys: s.keys,
				LdQ: 3*w + 1, LdK: 2 * w, LdV: w + r.IntN(4), Scale: float32(1 / math.Sqrt(float64(s.dim)))}
			a.Q, a.K, a.V = normal(r, s.queries*a.LdQ), normal(r, s.keys*a.LdK), normal(r, s.keys*a.LdV)
			bias := func(h, i, j int) float64 { return 0 }
			if r.IntN(2) == 0 {
				a.KeyBias = normal(r, s.keys)
				for j := range a.KeyBias {
					if j%5 == 4 {
						a.KeyBias[j] = -math.MaxFloat32
					}
				}
				bias = func(h, i, j int) float64 { return float64(a.KeyBias[j]) }
			}
			var mu sync.Mutex
			seen := map[[2]int][]float32{}
			hooks := r.IntN(2) == 0
			if hooks {
				before := bias
				bias = func(h, i, j int) float64 { return before(h, i, j) + float64(h) - 0.01*float64((i*7+j*3)%50) }
				a.Scores = func(b ScoreBlock) {
					for i := range b.Rows {
						row := b.Data[i*b.Ld:][:b.Keys]
						for j := range row {
							row[j] += float32(b.Head) - 0.01*float32(((b.Row+i)*7+j*3)%50)
						}
					}
				}
				a.Probs = func(b ScoreBlock) {
					mu.Lock()
					defer mu.Unlock()
					for i := range b.Rows {
						row := b.Data[i*b.Ld:][:b.Keys]
						seen[[2]int{b.Head, b.Row + i}] = append([]float32(nil), row...)
						vecScaleTwo(row)
					}
				}
			}
			ldd := w + 3
			dst := make([]float32, s.queries*ldd+8)
			for i := range dst {
				dst[i] = guard
			}
			a.Run(dst[4:4+(s.queries-1)*ldd+w], ldd)
			for at, v := range dst {
				if i, j := (at-4)/ldd, (at-4)%ldd; (at < 4 || i >= s.queries || j >= w) && v != guard {
					t.Fatalf("%s %+v: wrote outside the result", kn.name, s)
				}
			}
			for h := range s.heads {
				for i := range s.queries {
					want, p := a.reference(h, i, func(j int) float64 { return bias(h, i, j) })
					for d, x := range want {
						if hooks {
							x *= 2 // what Probs did to the probabilities
						}
						if got := dst[4+i*ldd+h*s.dim+d]; !(math.Abs(float64(got)-x) < 1e-5) {
							t.Fatalf("%s %+v bias=%v hooks=%v: head %d row %d [%d] = %v, want %v", kn.name, s, a.KeyBias != nil, hooks, h, i, d, got, x)
						}
					}
					if !hooks || s.keys == 0 {
						continue
					}
					got := seen[[2]int{h, i}]
					if len(got) != s.keys {
						t.Fatalf("%s %+v: Probs was not given head %d row %d", kn.name, s, h, i)
					}
					for j, x := range p {
						if !(math.Abs(float64(got[j])-x) < 1e-5) {
							t.Fatalf("%s %+v: probability %v, want %v", kn.name, s, got[j], x)
						}
					}
				}
			}
		}
	}
}

func vecScaleTwo(x []float32) {
	for i := range x {
		x[i] *= 2
	}
}

func TestAttentionPanics(t *testing.T) {
	f := func(n int) []float32 { return make([]float32, n) }
	good := func() *Attention {
		return &Attention{Heads: 2, Dim: 4, Queries: 3, Keys: 5, Q: f(24), K: f(40), V: f(40), LdQ: 8, LdK: 8, LdV: 8}
	}
	good().Run(f(24), 8)
	for name, change := range map[string]func(a *Attention) int{
		"short Q":    func(a *Attention) int { a.Q = f(23); return 24 },
		"short K":    func(a *Attention) int { a.K = f(39); return 24 },
		"narrow V":   func(a *Attention) int { a.LdV = 7; return 24 },
		"short bias": func(a *Attention) int { a.KeyBias = f(4); return 24 },
		"short dst":  func(a *Attention) int { return 23 },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			a := good()
			n := change(a)
			a.Run(f(n), 8)
		}()
	}
}

// BenchmarkAttention is one layer's attention of the base model at 576 px,
// 224 px and for 40 text tokens, beside the same through plain products.
func BenchmarkAttention(b *testing.B) {
	r := newRand(b)
	for _, s := range []struct {
		name   string
		tokens int
	}{{"1297", 1297}, {"197", 197}, {"40", 40}} {
		const heads, dim = 12, 64
		const w = heads * dim
		n := s.tokens
		qkv, out := normal(r, n*3*w), make([]float32, n*w)
		a := &Attention{Heads: heads, Dim: dim, Queries: n, Keys: n, Q: qkv, K: qkv[w:], V: qkv[2*w:], LdQ: 3 * w, LdK: 3 * w, LdV: 3 * w, Scale: 0.125}
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			best9(b, 4*float64(n)*float64(n)*w, func() { a.Run(out, w) })
		})
	}
}
