package blas

import (
	"math"
	"testing"
)

// TestPackedMul holds the products with packed weights and with weights as they
// are, with every epilogue, on every kernel, to float64.
func TestPackedMul(t *testing.T) {
	r := newRand(t)
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	for _, kn := range kernels {
		for it := range rounds {
			m, n, k := someSize(r), someSize(r), someSize(r)
			switch it {
			case 0, 1:
				m, n, k = 130, 70, 400 // helpers, several blocks
			case 2:
				m, n, k = 250, 300, 1024 // groups of panels, rows spread
			}
			ldx, ldd, ldr := k+r.IntN(3), n+r.IntN(3), n+r.IntN(3)
			x, w := normal(r, (m-1)*ldx+k), normal(r, n*k)
			ep := &Epilogue{Act: Activation(r.IntN(3))}
			if r.IntN(4) > 0 {
				ep.Bias = normal(r, n)
			}
			if r.IntN(2) > 0 {
				ep.Residual, ep.ResidualStride = normal(r, m*ldr), ldr
			}
			p := newPacked(kn, k, n, nil)
			p.pack(true, w, k, true)
			weights := r.IntN(3)
			if weights == 0 {
				p.shrink()
				for i, v := range w {
					w[i] = math.Float32frombits(uint32(bfloat16(v)) << 16)
				}
			}
			dst := make([]float32, m*ldd+8)
			for i := range dst {
				dst[i] = guard
			}
			if weights == 1 || it == 0 || it == 2 {
				mulWeights(kn, dst[4:4+(m-1)*ldd+n], ldd, x, ldx, m, w, n, k, ep)
			} else {
				p.MulStrided(dst[4:4+(m-1)*ldd+n], ldd, x, ldx, m, ep)
			}
			for at, v := range dst {
				i, j := (at-4)/ldd, (at-4)%ldd
				if at < 4 || i >= m || j >= n {
					if v != guard {
						t.Fatalf("%s: wrote outside the result at row %d, column %d", kn.name, i, j)
					}
					continue
				}
				var s, size float64
				for q := range k {
					d := float64(x[i*ldx+q]) * float64(w[j*k+q])
					s += d
					size += math.Abs(d)
				}
				if ep.Bias != nil {
					s += float64(ep.Bias[j])
				}
				switch ep.Act {
				case GELU:
					s *= 0.5 * math.Erfc(-s/math.Sqrt2)
				case QuickGELU:
					s /= 1 + math.Exp(-1.702*s)
				}
				if ep.Residual != nil {
					s += float64(ep.Residual[i*ldr+j])
				}
				if d := math.Abs(float64(v) - s); !(d <= 1e-6*(size+math.Abs(s)+1)) {
					t.Fatalf("%s: m=%d n=%d k=%d act=%d bias=%v residual=%v bf16=%v: [%d,%d] = %v, want %v",
						kn.name, m, n, k, ep.Act, ep.Bias != nil, ep.Residual != nil, p.half != nil, i, j, v, s)
				}
			}
		}
	}
}

// TestPackedPanics: a shape mistake must not reach the kernels.
func TestPackedPanics(t *testing.T) {
	p := NewPacked(make([]float32, 40*30), 40, 30)
	f := func(n int) []float32 { return make([]float32, n) }
	for name, call := range map[string]func(){
		"short weights":    func() { NewPacked(f(40*30-1), 40, 30) },
		"no outputs":       func() { NewPacked(nil, 0, 30) },
		"short w":          func() { MulWeights(f(80), f(60), 2, f(40*30-1), 40, 30, nil) },
		"short x as is":    func() { MulWeights(f(80), f(59), 2, f(40*30), 40, 30, nil) },
		"short x":          func() { p.Mul(f(80), f(59), 2, nil) },
		"short dst":        func() { p.Mul(f(79), f(60), 2, nil) },
		"narrow stride":    func() { p.MulStrided(f(80), 39, f(60), 30, 2, nil) },
		"short bias":       func() { p.Mul(f(80), f(60), 2, &Epilogue{Bias: f(39)}) },
		"short residual":   func() { p.Mul(f(80), f(60), 2, &Epilogue{Residual: f(79)}) },
		"no such function": func() { p.Mul(f(80), f(60), 2, &Epilogue{Act: 3}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
	p.Mul(nil, nil, 0, nil) // nothing to do is no mistake
}

// TestBFloat16: rounding is to the nearest, ties to even, and what is not a
// number stays so.
func TestBFloat16(t *testing.T) {
	for _, tc := range []struct {
		in, want uint32
	}{
		{0x3f800000, 0x3f80}, {0x3f807fff, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f808001, 0x3f81},
		{0x3f818000, 0x3f82}, {0xbf818000, 0xbf82}, {0x00000001, 0}, {0x80000000, 0x8000},
		{0x7f800000, 0x7f80}, {0x7f7fffff, 0x7f80}, {0x7f800001, 0x7fc0}, {0xffffffff, 0xffff},
	} {
		if got := bfloat16(math.Float32frombits(tc.in)); uint32(got) != tc.want {
			t.Errorf("bfloat16(%08x) = %04x, want %04x", tc.in, got, tc.want)
		}
	}
}
