//go:build !noasm

package blas

// neon needs no check: every arm64 processor that Go runs on has the vector
// instructions.
var neon = kernel{
	name: "neon", mr: 6, nr: 16, depth: 384, rest: []int{5, 4, 3, 2, 1},
	tiles: tilesNEON, transpose8: transpose8Go, strips: stripsGo, widen: widenGo,
}

func machineKernels() []*kernel { return []*kernel{&neon} }

// machineInt8Kernels is empty: eight-bit products run on the portable kernel.
func machineInt8Kernels() []*int8Kernel { return nil }

func tilesNEON(rows, n, k int, a, b, c *float32, rs, cs, ldc, da, db, dc int, alpha float32, acc int) {
	switch rows {
	case 6:
		gemm6x16NEON(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 5:
		gemm5x16NEON(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 4:
		gemm4x16NEON(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 3:
		gemm3x16NEON(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 2:
		gemm2x16NEON(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	case 1:
		gemm1x16NEON(n, k, a, b, c, rs, cs, ldc, da, db, dc, alpha, acc)
	}
}
