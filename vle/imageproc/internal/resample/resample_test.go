package resample

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

func noise(n int, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// reference resamples one pixel at a time straight from the definition, for every
// channel, the horizontal pass rounded to bytes first.
func reference(j Job) []byte {
	h := newAxis(j.Filter, j.SrcW, j.OutW, j.X0, j.X1)
	v := newAxis(j.Filter, j.SrcH, j.OutH, j.Y0, j.Y1)
	at := func(a *axis, i int, sample func(k int) byte) byte {
		if a.identity {
			return sample(int(a.first[i]))
		}
		sum := int32(rounding)
		for k := range int(a.count[i]) {
			sum += int32(sample(int(a.first[i])+k)) * a.coef[i*a.width+k]
		}
		return clip8(sum)
	}
	var out []byte
	for y := range j.Y1 - j.Y0 {
		for x := range j.X1 - j.X0 {
			for c := range j.Channels {
				out = append(out, at(&v, y, func(row int) byte {
					return at(&h, x, func(col int) byte { return j.Src[(row*j.SrcW+col)*j.Channels+c] })
				}))
			}
		}
	}
	return out
}

// TestRun compares the passes, vector code included, with the definition, for
// sizes that leave every kind of remainder.
func TestRun(t *testing.T) {
	sizes := [][4]int{ // source, result
		{1, 1, 5, 3}, {7, 5, 3, 9}, {33, 20, 16, 16}, {40, 31, 40, 17}, {40, 31, 17, 31},
		{64, 48, 30, 22}, {5, 90, 24, 24}, {100, 3, 9, 1}, {17, 17, 17, 17}, {2, 2, 50, 40},
	}
	for _, f := range []Filter{Lanczos, Bilinear, Bicubic, Box, Hamming} {
		for _, s := range sizes {
			for _, channels := range []int{1, 3, 4} {
				j := Job{Filter: f, Channels: channels, Src: noise(s[0]*s[1]*channels, uint64(s[0])),
					SrcW: s[0], SrcH: s[1], OutW: s[2], OutH: s[3], X1: s[2], Y1: s[3]}
				whole := Run(j)
				if !bytes.Equal(whole, reference(j)) {
					t.Fatalf("filter %d, %v, %d channels: differs from the definition", f, s, channels)
				}
				// A window must be cut out of the whole.
				j.X0, j.Y0 = s[2]/3, s[3]/4
				j.X1, j.Y1 = max(s[2]*2/3, j.X0+1), max(s[3]*3/4, j.Y0+1)
				var cut []byte
				for y := j.Y0; y < j.Y1; y++ {
					cut = append(cut, whole[(y*s[2]+j.X0)*channels:(y*s[2]+j.X1)*channels]...)
				}
				if !bytes.Equal(Run(j), cut) {
					t.Fatalf("filter %d, %v, %d channels: window [%d,%d)x[%d,%d) differs from the whole", f, s, channels, j.X0, j.X1, j.Y0, j.Y1)
				}
			}
		}
	}
}

// TestFlat: every filter keeps an even colour, whatever the sizes.
func TestFlat(t *testing.T) {
	for f := Nearest; f <= Hamming; f++ {
		for _, v := range []byte{0, 1, 127, 254, 255} {
			src := bytes.Repeat([]byte{v}, 3*23*31)
			out := Run(Job{Filter: f, Channels: 3, Src: src, SrcW: 23, SrcH: 31, OutW: 50, OutH: 7, X1: 50, Y1: 7})
			if !bytes.Equal(out, bytes.Repeat([]byte{v}, 3*50*7)) {
				t.Errorf("filter %d changes colour %d", f, v)
			}
		}
	}
}

func TestRunPanics(t *testing.T) {
	src := make([]byte, 3*4*4)
	for _, j := range []Job{
		{Channels: 3, Src: src, SrcW: 5, SrcH: 4, OutW: 2, OutH: 2, X1: 2, Y1: 2},
		{Channels: 3, Src: src, SrcW: 4, SrcH: 4, OutW: 2, OutH: 2, X1: 3, Y1: 2},
		{Channels: 3, Src: src, SrcW: 4, SrcH: 4, OutW: 2, OutH: 2, X1: 2},
	} {
		t.Run(fmt.Sprint(j.SrcW, j.X1, j.Y1), func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			Run(j)
		})
	}
}
