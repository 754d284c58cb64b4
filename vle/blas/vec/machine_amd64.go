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

// fastest asks the processor; cpuid also checks that the operating system saves
// the wide registers.
func fastest() *routines {
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		return &avx2
	}
	return &portable
}
