// Package blas implements gonum's [blas.Float32] for the machine it runs on.
//
// Importing it is enough: its init hands [Implementation] to blas32.Use, so
// that blas32.Gemm and friends run on AVX2/FMA or AVX-512 micro-kernels where
// the processor and the operating system have them, on NEON on arm64, and on
// portable Go elsewhere. Built with -tags netlib it registers gonum.org/v1/netlib
// (OpenBLAS) instead; -tags noasm leaves the assembly out.
//
// Weights that are used again and again are packed once with [NewPacked];
// [Packed.Mul] then runs the product with bias, activation and residual fused.
// [NewPackedBF16] stores them in half the memory, [NewQuantizedPacked] computes in
// eight bits.
// [Attention] is softmax(scale·Q·Kᵀ + bias)·V without the score matrix.
// Elementwise routines live in package vec below this one.
//
// All matrices are row-major; "ld" is the distance between rows in floats.
// Work is shared over at most GOMAXPROCS goroutines (see [Parallel]); every
// function may be called from several goroutines at once.
//
// The assembly is written by internal/gen: change it there, then run
// go generate ./vle/blas. A test holds the committed files to the generator.
package blas

//go:generate go run govle/vle/blas/internal/gen .
