//go:build amd64 && !noasm

package blas

import "github.com/klauspost/cpuid/v2"

var vnni = int8Kernel{
	name: "vnni", mr: 12, nr: 32, rest: []int{8, 4, 2, 1}, group: 4, offset: 128,
	tiles: int8TilesVNNI, quantize: quantizeBytesAVX2, dequantize: dequantize32AVX2,
}

// avx2Int8 multiplies 16-bit numbers: the eight-bit multiply-add of AVX2
// saturates.
var avx2Int8 = int8Kernel{
	name: "avx2", mr: 6, nr: 16, rest: []int{3, 2, 1}, group: 2,
	tiles: int8TilesAVX2, quantize: quantizeWordsAVX2, dequantize: dequantize16AVX2,
}

func machineInt8Kernels() []*int8Kernel {
	var ks []*int8Kernel
	if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VL, cpuid.AVX512VNNI, cpuid.AVX2) {
		ks = append(ks, &vnni)
	}
	if cpuid.CPU.Supports(cpuid.AVX2) {
		ks = append(ks, &avx2Int8)
	}
	return ks
}

func int8TilesVNNI(rows, n, steps int, a *byte, rs int, b *int8, c *int32) {
	switch rows {
	case 12:
		int8x12x32VNNI(n, steps, a, rs, b, c)
	case 8:
		int8x8x32VNNI(n, steps, a, rs, b, c)
	case 4:
		int8x4x32VNNI(n, steps, a, rs, b, c)
	case 2:
		int8x2x32VNNI(n, steps, a, rs, b, c)
	case 1:
		int8x1x32VNNI(n, steps, a, rs, b, c)
	}
}

func int8TilesAVX2(rows, n, steps int, a *byte, rs int, b *int8, c *int32) {
	switch rows {
	case 6:
		int8x6x16AVX2(n, steps, a, rs, b, c)
	case 3:
		int8x3x16AVX2(n, steps, a, rs, b, c)
	case 2:
		int8x2x16AVX2(n, steps, a, rs, b, c)
	case 1:
		int8x1x16AVX2(n, steps, a, rs, b, c)
	}
}
