//go:build amd64 && !noasm

package vec

import "github.com/klauspost/cpuid/v2"

var avx2 = routines{
	name: "avx2",
	add:  addAVX2, mul: mulAVX2, axpy: axpyAVX2, scale: scaleAVX2,
	sum: sumAVX2, dot: dotAVX2, max: maxAVX2, maxAbs: maxAbsAVX2,
	exp: expAVX2, sigmoid: sigmoidAVX2, tanh: tanhAVX2, gelu: geluAVX2, quick: quickGELUAVX2,
	expSum: expSumAVX2, softmaxGrad: softmaxGradAVX2,
	tanhGrad: tanhGradAVX2, geluGrad: geluGradAVX2, quickGrad: quickGELUGradAVX2,
	adam:      adamAVX2,
	layerNorm: layerNormAVX2, layerNormGrad: layerNormGradAVX2,
}

// avx512 is avx2 with the routines built on exp replaced: the rest waits for
// memory or fills the multipliers either way.
var avx512 = func() routines {
	m := avx2
	m.name = "avx512"
	m.exp, m.expSum = expAVX512, expSumAVX512
	m.gelu, m.geluGrad, m.quick = geluAVX512, geluGradAVX512, quickGELUAVX512
	return m
}()

// available asks the processor for what it can run, the fastest first; cpuid
// also checks that the operating system saves the wide registers.
func available() []*routines {
	var all []*routines
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512DQ, cpuid.AVX512VL) {
			all = append(all, &avx512)
		}
		all = append(all, &avx2)
	}
	return append(all, &portable)
}
