package jpeg

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestVectorCode compares the vector code with the portable code.
func TestVectorCode(t *testing.T) {
	if !useAVX2 {
		t.Skip("this machine has no AVX2")
	}
	rng := rand.New(rand.NewPCG(3, 4))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	t.Run("inverse DCT", func(t *testing.T) {
		for round := range 2000 {
			var quant [64]uint16
			coef := make([]int16, 4*64)
			// From mild to absurd: broken files must wrap the same way.
			limit := int32(1) << (2 + round%14)
			for i := range quant {
				quant[i] = uint16(1 + rng.Int32N(min(limit, 255)))
			}
			for range rng.IntN(len(coef)) {
				coef[rng.IntN(len(coef))] = int16(rng.Int32N(2*limit) - limit)
			}
			want, got := make([]byte, len(coef)), make([]byte, len(coef))
			idctRowGeneric(want, coef, &quant)
			idctRow(got, coef, &quant)
			if !bytes.Equal(got, want) {
				t.Fatalf("coefficients below %d: differs", limit)
			}
		}
	})
	t.Run("upsampling", func(t *testing.T) {
		for n := 1; n < 80; n++ {
			near, far := random(128), random(128)
			want, got := make([]uint16, 160), make([]uint16, 160)
			verticalSumsGeneric(want, near, far, n)
			verticalSums(got, near, far, n)
			if !slices.Equal(got[:n], want[:n]) {
				t.Fatalf("%d vertical sums differ", n)
			}
			wantRow, gotRow := make([]byte, 2*n), make([]byte, 2*n+slack)
			triangleGeneric(wantRow, want, n, 8, 7)
			triangle(gotRow, want, n, 8, 7)
			if !bytes.Equal(gotRow[:2*n], wantRow) {
				t.Fatalf("triangle of %d samples differs", n)
			}
		}
	})
	t.Run("colours", func(t *testing.T) {
		// Every pair of chroma values, with a luma that moves along.
		n := 65536 + 5
		y, cb, cr := make([]byte, n), make([]byte, n), make([]byte, n)
		for i := range n {
			y[i], cb[i], cr[i] = byte(i*7+i>>8), byte(i), byte(i>>8)
		}
		want, got := make([]byte, 3*n), make([]byte, 3*n)
		yccRowGeneric(want, y, cb, cr, n)
		yccRow(got, y, cb, cr, n)
		if !bytes.Equal(got, want) {
			t.Fatal("differ")
		}
	})
}
