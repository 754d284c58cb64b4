package blas

import (
	"math"
	"testing"
)

// quantize8 is the specification of one row's integers.
func quantize8(x []float32) (q []int32, scale float32) {
	var top float32
	for _, v := range x {
		top = max(top, float32(math.Abs(float64(v))))
	}
	q = make([]int32, len(x))
	if top == 0 {
		return q, 0
	}
	for i, v := range x {
		q[i] = int32(math.RoundToEven(float64(v * (127 / top))))
	}
	return q, top / 127
}

// TestQuantizedMul: every kernel gives exactly the specified integers' product,
// whatever the shape, inside guards.
func TestQuantizedMul(t *testing.T) {
	r := newRand(t)
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	for _, kn := range int8Kernels {
		for it := range rounds {
			m, n, k := someSize(r), someSize(r), someSize(r)
			if it == 0 {
				m, n, k = 130, 100, 1024
			}
			ldx, ldd := k+r.IntN(3), n+r.IntN(3)
			x, w := normal(r, (m-1)*ldx+k), normal(r, n*k)
			if it%5 == 1 { // everything at the ends of the range: what saturates shows
				for i := range x {
					x[i] = float32(math.Copysign(1, float64(x[i])))
				}
				for i := range w {
					w[i] = float32(math.Copysign(2, float64(w[i])))
				}
				for i := range min(k, len(x)) {
					x[i] = 1
				}
				for i := range k {
					w[i] = 2
				}
			}
			clear(x[(m-1)*ldx:]) // a row of zeros
			p := quantizePacked(kn, w, n, k)
			dst := make([]float32, m*ldd+8)
			for i := range dst {
				dst[i] = guard
			}
			p.MulStrided(dst[4:4+(m-1)*ldd+n], ldd, x, ldx, m, nil)
			qw, sw := make([][]int32, n), make([]float32, n)
			for j := range n {
				qw[j], sw[j] = quantize8(w[j*k : (j+1)*k])
			}
			for at, v := range dst {
				i, j := (at-4)/ldd, (at-4)%ldd
				if at < 4 || i >= m || j >= n {
					if v != guard {
						t.Fatalf("%s: wrote outside the result at row %d, column %d", kn.name, i, j)
					}
					continue
				}
				if at%7 != 0 && it == 0 {
					continue
				}
				qx, sx := quantize8(x[i*ldx : i*ldx+k])
				var s int32
				for c, a := range qx {
					s += a * qw[j][c]
				}
				if want := float32(s) * sw[j] * sx; v != want {
					t.Fatalf("%s: m=%d n=%d k=%d: [%d,%d] = %v, want exactly %v", kn.name, m, n, k, i, j, v, want)
				}
			}
		}
	}
}

// TestQuantizedAccuracy: on normal data the result is within 1.5 % of the true
// product's size, and the epilogue is applied.
func TestQuantizedAccuracy(t *testing.T) {
	r := newRand(t)
	const m, n, k = 40, 96, 768
	x, w, bias := normal(r, m*k), normal(r, n*k), normal(r, n)
	got := make([]float32, m*n)
	NewQuantizedPacked(w, n, k).Mul(got, x, m, &Epilogue{Bias: bias})
	want := make([]float32, m*n)
	NewPacked(w, n, k).Mul(want, x, m, &Epilogue{Bias: bias})
	var d, s float64
	for i, v := range want {
		d += float64(got[i]-v) * float64(got[i]-v)
		s += float64(v) * float64(v)
	}
	if e := math.Sqrt(d / s); e > 0.015 || d == 0 {
		t.Errorf("relative error %.4f, want ≤ 0.015 and not 0", e)
	} else {
		t.Logf("relative error %.4f", e)
	}
}

// TestQuantizedNaN: NaN and Inf of an input row make that row NaN and no other.
func TestQuantizedNaN(t *testing.T) {
	r := newRand(t)
	const m, n, k = 5, 40, 70
	for _, bad := range []float64{math.NaN(), math.Inf(-1)} {
		x := normal(r, m*k)
		x[2*k+69] = float32(bad)
		got := make([]float32, m*n)
		NewQuantizedPacked(normal(r, n*k), n, k).Mul(got, x, m, nil)
		for i, v := range got {
			if (i/n == 2) != (v != v) {
				t.Fatalf("%v in row 2: [%d,%d] = %v", bad, i/n, i%n, v)
			}
		}
	}
}

// BenchmarkQuantized is the eight-bit product beside the packed float one, in
// 10⁹ operations (multiply and add counted as two) a second.
func BenchmarkQuantized(b *testing.B) {
	r := newRand(b)
	for _, s := range modelShapes[:3] {
		x, w, c := normal(r, s.m*s.k), normal(r, s.k*s.n), make([]float32, s.m*s.n)
		bench := func(name string, f func()) {
			b.Run(s.name+"/"+name, func(b *testing.B) { best9(b, 2*float64(s.m)*float64(s.k)*float64(s.n), f) })
		}
		for _, kn := range int8Kernels[:max(1, len(int8Kernels)-1)] {
			p := quantizePacked(kn, w, s.n, s.k)
			bench(kn.name, func() { p.Mul(c, x, s.m, nil) })
		}
		p := NewPacked(w, s.n, s.k)
		bench("float", func() { p.Mul(c, x, s.m, nil) })
	}
}
