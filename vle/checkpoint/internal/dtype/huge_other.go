//go:build !linux

package dtype

func adviseHuge([]float32) {}
