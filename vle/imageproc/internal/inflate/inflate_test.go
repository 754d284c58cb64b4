package inflate

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

func compress(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// samples are data of many kinds: empty, repeating, random, text, sloping, with
// long and short codes.
func samples() map[string][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 70_000)
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	slope := make([]byte, 100_000)
	for i := range slope {
		slope[i] = byte(i/300 + rng.IntN(3))
	}
	skewed := make([]byte, 200_000) // code lengths up to the limit
	for i := range skewed {
		v := 0
		for v < 200 && rng.IntN(2) == 0 {
			v++
		}
		skewed[i] = byte(v)
	}
	var far []byte
	far = append(far, random[:32_000]...)
	far = append(append(far, far...), far...)
	return map[string][]byte{
		"empty": nil, "one": {7}, "zeros": make([]byte, 300_000), "random": random, "slope": slope, "skewed": skewed,
		"text": bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog; "), 2000),
		"far":  far, "pairs": bytes.Repeat([]byte{1, 2}, 5000), "triples": bytes.Repeat([]byte{1, 2, 3}, 5000),
	}
}

func TestZlib(t *testing.T) {
	for name, data := range samples() {
		for _, level := range []int{zlib.NoCompression, zlib.BestSpeed, zlib.DefaultCompression, zlib.BestCompression, zlib.HuffmanOnly} {
			t.Run(fmt.Sprintf("%s,level=%d", name, level), func(t *testing.T) {
				src := compress(t, data, level)
				dst := make([]byte, len(data))
				n, err := Zlib(dst, src)
				if err != nil || n != len(data) || !bytes.Equal(dst, data) {
					t.Fatalf("%d of %d bytes, error %v", n, len(data), err)
				}
				// A larger buffer gets what there is, a smaller one what fits.
				large := make([]byte, len(data)+100)
				if n, err := Zlib(large, src); err != nil || n != len(data) || !bytes.Equal(large[:n], data) {
					t.Errorf("larger buffer: %d bytes, error %v", n, err)
				}
				small := make([]byte, len(data)/2)
				if n, err := Zlib(small, src); err != nil || n != len(small) || !bytes.Equal(small, data[:n]) {
					t.Errorf("smaller buffer: %d of %d bytes, error %v", n, len(small), err)
				}
				for _, cut := range []int{0, 1, 2, 3, len(src) / 3, len(src) - 5, len(src) - 1} {
					if _, err := Zlib(dst, src[:max(cut, 0)]); !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("cut to %d of %d bytes: error %v", cut, len(src), err)
					}
				}
				damaged := bytes.Clone(src)
				damaged[len(damaged)-1] ^= 1
				if _, err := Zlib(dst, damaged); err == nil {
					t.Error("a wrong checksum: no error")
				}
			})
		}
	}
}

// FuzzZlib compares with the standard library.
func FuzzZlib(f *testing.F) {
	for _, data := range samples() {
		data = data[:min(len(data), 3000)]
		f.Add(compress(f, data, zlib.DefaultCompression))
		f.Add(compress(f, data, zlib.HuffmanOnly))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		const most = 1 << 18
		var want []byte
		r, wantErr := zlib.NewReader(bytes.NewReader(src))
		if wantErr == nil {
			want, wantErr = io.ReadAll(io.LimitReader(r, most))
		}
		dst := make([]byte, most)
		n, err := Zlib(dst, src)
		if len(want) == most {
			return // more than fits
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error %v, the standard library's %v", err, wantErr)
		}
		if err == nil && !bytes.Equal(dst[:n], want) {
			t.Fatalf("%d bytes differ from the standard library's %d", n, len(want))
		}
	})
}

func BenchmarkZlib(b *testing.B) {
	for name, data := range samples() {
		src := compress(b, data, zlib.DefaultCompression)
		dst := make([]byte, len(data))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := Zlib(dst, src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
