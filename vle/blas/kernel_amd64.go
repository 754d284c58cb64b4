//go:build amd64 && !noasm

package blas

import "github.com/klauspost/cpuid/v2"

var avx2 = kernel{
	name: "avx2", mr: 6, nr: 16, depth: 384, rest: []int{5, 4, 3, 2, 1},
	tiles: tilesAVX2, transpose8: transpose8AVX2, strips: stripsAVX2, widen: widenAVX2,
	dots: dotsAVX2, dotRows: 3,
}

var avx512 = kernel{
	name: "avx512", mr: 12, nr: 32, depth: 688, rest: []int{8, 6, 4, 3, 2, 1}, narrow: &avx2,
	tiles: tilesAVX512, transpose8: transpose8AVX2, strips: stripsAVX2, widen: widenAVX2,
	dots: dotsAVX512, dotRows: 4,
}

// machineKernels asks the processor, and through it the operating system
// (cpuid reports AVX and AVX-512 only when XCR0 says that the registers are
// saved), for what it can run.
func machineKernels() []*kernel {
	var ks []*kernel
	if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512DQ, cpuid.AVX512BW, cpuid.AVX512VL, cpuid.AVX2, cpuid.FMA3) {
		ks = append(ks, &avx512)
	}
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		ks = append(ks, &avx2)
	}
	return ks
}

func tilesAVX2(rows, n, k int, a, b, c *float32, rs, cs, ldc, da, db, dc int, alpha float32, acc int) {
	switch rows {
	case 6:
		gemm6x16AVX2(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 5:
		gemm5x16AVX2(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 4:
		gemm4x16AVX2(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 3:
		gemm3x16AVX2(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 2:
		gemm2x16AVX2(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 1:
		gemm1x16AVX2(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	}
}

func tilesAVX512(rows, n, k int, a, b, c *float32, rs, cs, ldc, da, db, dc int, alpha float32, acc int) {
	switch rows {
	case 12:
		gemm12x32AVX512(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 8:
		gemm8x32AVX512(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 6:
		gemm6x32AVX512(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 4:
		gemm4x32AVX512(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 3:
		gemm3x32AVX512(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 2:
		gemm2x32AVX512(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 1:
		gemm1x32AVX512(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	}
}

func dotsAVX2(rows, groups, steps int, x *float32, ldx int, w *float32, ldw int, y *float32, ldy int, alpha float32, acc int) {
	switch rows {
	case 3:
		dots3x4AVX2(groups, steps, x, ldx, w, ldw, y, ldy, alpha, acc)
	case 2:
		dots2x4AVX2(groups, steps, x, ldx, w, ldw, y, ldy, alpha, acc)
	case 1:
		dots1x4AVX2(groups, steps, x, ldx, w, ldw, y, ldy, alpha, acc)
	}
}

func dotsAVX512(rows, groups, steps int, x *float32, ldx int, w *float32, ldw int, y *float32, ldy int, alpha float32, acc int) {
	switch rows {
	case 4:
		dots4x4AVX512(groups, steps, x, ldx, w, ldw, y, ldy, alpha, acc)
	case 3:
		dots3x4AVX512(groups, steps, x, ldx, w, ldw, y, ldy, alpha, acc)
	case 2:
		dots2x4AVX512(groups, steps, x, ldx, w, ldw, y, ldy, alpha, acc)
	case 1:
		dots1x4AVX512(groups, steps, x, ldx, w, ldw, y, ldy, alpha, acc)
	}
}

func stripsAVX2(w, rows, panels int, src *float32, ld int, dst *float32, dp int) {
	switch w {
	case 32:
		strips32AVX2(rows, panels, src, ld, dst, dp)
	case 16:
		strips16AVX2(rows, panels, src, ld, dst, dp)
	case 12:
		strips12AVX2(rows, panels, src, ld, dst, dp)
	case 6:
		strips6AVX2(rows, panels, src, ld, dst, dp)
	}
}
