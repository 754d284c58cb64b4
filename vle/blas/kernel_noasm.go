//go:build (!amd64 && !arm64) || noasm

package blas

// machineKernels is empty: products run on the portable kernel.
func machineKernels() []*kernel { return nil }

func machineInt8Kernels() []*int8Kernel { return nil }
