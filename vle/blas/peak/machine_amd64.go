//go:build amd64 && !noasm

package peak

import "github.com/klauspost/cpuid/v2"

func machine() []loop {
	var l []loop
	if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512VL) {
		l = append(l, loop{"avx512", 12 * 16 * 2, fmaAVX512})
	}
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		l = append(l, loop{"avx2", 12 * 8 * 2, fmaAVX2})
	}
	if l == nil {
		l = append(l, loop{"go", 16, fmaGo})
	}
	return l
}
