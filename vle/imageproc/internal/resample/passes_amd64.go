package resample

import "golang.org/x/sys/cpu"

var useAVX2 = cpu.X86.HasAVX2

// The vector code multiplies 16-bit numbers, so each coefficient is split:
// coefficient = high·2^splitBits + low, 0 <= low < 2^splitBits. Both sums are exact
// and so is their combination.
const splitBits = 12

// overread is how far beyond its last pixel a row may be read.
const overread = 32

// horizontalRow3AVX2 filters one row of RGB pixels into n pixels; it writes one
// byte too many. offset holds the byte offset of each pixel's first source pixel;
// coef, for each pixel, groups times four high and four low halves.
//
//go:noescape
func horizontalRow3AVX2(dst, src *byte, offset *int32, coef *int16, n, groups int)

// verticalRowAVX2 filters n columns, a multiple of 16, of taps rows that are stride
// bytes apart; coef holds for each two rows two high and two low halves.
//
//go:noescape
func verticalRowAVX2(dst, src *byte, stride int, coef *int16, taps, n int)

func split(c int32) (high, low int16) {
	return int16(c >> splitBits), int16(c & (1<<splitBits - 1))
}

// horizontalPass filters every row of src, a picture of srcW pixels, into rows of
// len(a.first) pixels.
func horizontalPass(dst, src []byte, a *axis, srcW, channels int) {
	if !useAVX2 || channels != 3 {
		horizontalPassGeneric(dst, src, a, srcW, channels)
		return
	}
	w := len(a.first)
	groups := (a.width + 3) / 4
	offset := make([]int32, w)
	coef := make([]int16, 8*groups*w)
	for x := range w {
		offset[x] = 3 * a.first[x]
		for k, c := range a.coef[x*a.width:][:a.count[x]] {
			at := 8 * (groups*x + k/4)
			coef[at+k%4], coef[at+4+k%4] = split(c)
		}
	}
	rowBytes := 3 * srcW
	rows := len(src) / rowBytes
	scratch := make([]byte, rowBytes+12*groups+overread)
	last := make([]byte, 3*w+1)
	for y := range rows {
		in := src[y*rowBytes:]
		if len(in) < len(scratch) { // near the end: reading on would leave src
			copy(scratch, in[:rowBytes])
			in = scratch
		}
		out := dst[3*w*y:]
		if y == rows-1 {
			horizontalRow3AVX2(&last[0], &in[0], &offset[0], &coef[0], w, groups)
			copy(out, last[:3*w])
			continue
		}
		horizontalRow3AVX2(&out[0], &in[0], &offset[0], &coef[0], w, groups)
	}
}

// verticalPass filters the columns of src, whose first row is row rowLo of the
// picture, into len(a.first) rows of rowBytes bytes.
func verticalPass(dst, src []byte, a *axis, rowLo, rowBytes int) {
	whole := rowBytes &^ 15
	if !useAVX2 || whole == 0 {
		verticalPassGeneric(dst, src, a, rowLo, rowBytes, 0)
		return
	}
	coef := make([]int16, 2*(a.width+1))
	for y := range a.first {
		taps := int(a.count[y])
		clear(coef)
		for k, c := range a.coef[y*a.width:][:taps] {
			at := 4*(k/2) + k%2
			coef[at], coef[at+2] = split(c)
		}
		top := (int(a.first[y]) - rowLo) * rowBytes
		_ = src[top+taps*rowBytes-1]
		verticalRowAVX2(&dst[y*rowBytes], &src[top], rowBytes, &coef[0], taps, whole)
	}
	if whole < rowBytes {
		verticalPassGeneric(dst, src, a, rowLo, rowBytes, whole)
	}
}
