package jpeg

import "golang.org/x/sys/cpu"

var useAVX2 = cpu.X86.HasAVX2

// idctPairsAVX2 inverts pairs of neighbouring blocks; stride is the length of a row
// of samples.
//
//go:noescape
func idctPairsAVX2(dst *byte, stride int, coef *int16, quant *uint16, pairs int)

// verticalSumsAVX2 computes n sums, a multiple of 16.
//
//go:noescape
func verticalSumsAVX2(sums *uint16, near, far *byte, n int)

// triangleAVX2 makes 2n samples, n a multiple of 16, of the sums sums[1:n+1].
//
//go:noescape
func triangleAVX2(out *byte, sums *uint16, n int, left, right uint16)

// yccRowAVX2 converts n pixels, a multiple of 16.
//
//go:noescape
func yccRowAVX2(out, y, cb, cr *byte, n int)

// idctRow inverts a row of blocks, an even number; see idctRowGeneric.
func idctRow(dst []byte, coef []int16, quant *[64]uint16) {
	if !useAVX2 || len(coef) == 0 {
		idctRowGeneric(dst, coef, quant)
		return
	}
	if len(coef)%128 != 0 || len(dst) < len(coef) {
		panic("jpeg: blocks do not come in pairs")
	}
	idctPairsAVX2(&dst[0], len(dst)/8, &coef[0], &quant[0], len(coef)/128)
}

func verticalSums(sums []uint16, near, far []byte, n int) {
	// Rows of samples are padded to whole pairs of blocks, sums have slack.
	whole := (n + 15) &^ 15
	if !useAVX2 || len(sums) < whole || len(near) < whole || len(far) < whole {
		verticalSumsGeneric(sums, near, far, n)
		return
	}
	verticalSumsAVX2(&sums[0], &near[0], &far[0], whole)
}

func triangle(out []byte, sums []uint16, n int, left, right uint16) {
	whole := (n + 15) &^ 15
	if !useAVX2 || len(sums) < whole+2 || len(out) < 2*whole {
		triangleGeneric(out, sums, n, left, right)
		return
	}
	triangleAVX2(&out[0], &sums[0], whole, left, right)
}

func yccRow(out, y, cb, cr []byte, n int) {
	whole := n &^ 15
	if !useAVX2 || whole == 0 {
		yccRowGeneric(out, y, cb, cr, n)
		return
	}
	_, _, _, _ = out[3*whole-1], y[whole-1], cb[whole-1], cr[whole-1]
	yccRowAVX2(&out[0], &y[0], &cb[0], &cr[0], whole)
	yccRowGeneric(out[3*whole:], y[whole:], cb[whole:], cr[whole:], n-whole)
}
