//go:build !amd64 || noasm

package blas

// machineKernels is empty: products run on the portable kernel.
func machineKernels() []*kernel { return nil }
