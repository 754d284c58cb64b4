package dtype

import (
	"math"
	"testing"
)

// Every half must survive the round trip, and every value between two halves
// must go to the nearer one.
func TestHalfRoundTrip(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		f := F16ToFloat(h)
		if got := F16FromFloat(f); got != h && !(f != f && got&0x7e00 == 0x7e00) {
			t.Fatalf("half %#04x is %g and comes back as %#04x", h, f, got)
		}
		if h&0x7fff >= 0x7bff || f != f {
			continue
		}
		next := F16ToFloat(h + 1)
		mid := float32((float64(f) + float64(next)) / 2)
		want := h
		if h&1 == 1 {
			want = h + 1
		}
		if got := F16FromFloat(mid); got != want {
			t.Fatalf("tie %g between %#04x and the next goes to %#04x, want %#04x", mid, h, got, want)
		}
		if got := F16FromFloat(math.Nextafter32(mid, next)); got != h+1 {
			t.Fatalf("just beyond the tie %g goes to %#04x, want %#04x", mid, got, h+1)
		}
	}
}

func TestHalfKnownValues(t *testing.T) {
	for _, c := range []struct {
		bits uint16
		want float64
	}{
		{0x3c00, 1}, {0xc000, -2}, {0x7bff, 65504}, {0x0001, math.Ldexp(1, -24)},
		{0x03ff, 1023 * math.Ldexp(1, -24)}, {0x0400, math.Ldexp(1, -14)}, {0x3555, 0.333251953125},
		{0x7c00, math.Inf(1)}, {0xfc00, math.Inf(-1)},
	} {
		if got := float64(F16ToFloat(c.bits)); got != c.want {
			t.Errorf("half %#04x = %g, want %g", c.bits, got, c.want)
		}
	}
	if F16FromFloat(65519) != 0x7bff || F16FromFloat(65520) != 0x7c00 {
		t.Error("overflow to infinity does not start at 65520")
	}
}

func TestBF16(t *testing.T) {
	for _, c := range []struct {
		in   uint32
		want uint16
	}{
		{0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81},
		{0x7f7fffff, 0x7f80}, {0x7f800000, 0x7f80}, {0x7f800001, 0x7fc0}, {0x80000000, 0x8000},
	} {
		if got := BF16FromFloat(math.Float32frombits(c.in)); got != c.want {
			t.Errorf("bfloat16 of %#08x = %#04x, want %#04x", c.in, got, c.want)
		}
	}
}

func TestFloatsEachType(t *testing.T) {
	for _, c := range []struct {
		d    DType
		src  []byte
		want []float32
	}{
		{F64, []byte{0, 0, 0, 0, 0, 0, 0xf8, 0xbf}, []float32{-1.5}},
		{F32, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}, []float32{1, -2}},
		{F16, []byte{0, 0x3c, 0, 0xc0}, []float32{1, -2}},
		{BF16, []byte{0x80, 0x3f, 0, 0xc0}, []float32{1, -2}},
		{I64, []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []float32{-2}},
		{U64, []byte{0, 0, 0, 0, 0, 0, 0, 0x80}, []float32{1 << 63}},
		{I32, []byte{0xfe, 0xff, 0xff, 0xff}, []float32{-2}},
		{U32, []byte{0, 0, 0, 0x80}, []float32{1 << 31}},
		{I16, []byte{0xfe, 0xff}, []float32{-2}},
		{U16, []byte{0xfe, 0xff}, []float32{65534}},
		{I8, []byte{0xfe, 2}, []float32{-2, 2}},
		{U8, []byte{0xfe, 2}, []float32{254, 2}},
		{Bool, []byte{0, 1, 7}, []float32{0, 1, 1}},
	} {
		got := make([]float32, len(c.want))
		Floats(got, c.d, c.src)
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: element %d = %g, want %g", c.d, i, got[i], c.want[i])
			}
		}
	}
}

// A large input is split over goroutines; no element may be lost at the seams.
func TestFloatsLarge(t *testing.T) {
	n := 2*convertChunk + 17
	src := make([]byte, 2*n)
	for i := range n {
		src[2*i], src[2*i+1] = byte(i), byte(i>>8)
	}
	dst := make([]float32, n)
	Floats(dst, U16, src)
	for i, v := range dst {
		if v != float32(i&0xffff) {
			t.Fatalf("element %d = %g, want %d", i, v, i&0xffff)
		}
	}
}

func BenchmarkFloats(b *testing.B) {
	src := make([]byte, 8<<20)
	dst := make([]float32, 4<<20)
	for _, d := range []DType{F16, BF16} {
		b.Run(string(d), func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				Floats(dst, d, src)
			}
		})
	}
}
