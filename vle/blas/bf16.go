package blas

import (
	"math"
	"unsafe"
)

// NewPackedBF16 is [NewPacked] with the weights rounded to bfloat16 (eight bits
// of precision) and stored in half the memory. They are widened a panel at a time
// and multiplied as floats: inputs, sums and epilogue lose nothing.
func NewPackedBF16(w []float32, n, k int) *Packed {
	p := NewPacked(w, n, k)
	p.shrink()
	return p
}

// shrink turns packed floats into bfloat16.
func (p *Packed) shrink() {
	p.half = make([]uint16, (len(p.data)+15)/16*16)
	const block = 1 << 15
	Parallel((len(p.data)+block-1)/block, func(t int) {
		lo := t * block
		for i, v := range p.data[lo:min(len(p.data), lo+block)] {
			p.half[lo+i] = bfloat16(v)
		}
	})
	p.data = nil
}

// bfloat16 rounds to the nearest, ties to even; NaN stays NaN.
func bfloat16(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// floats returns a panel as floats, by way of wide where p is bfloat16.
func (p *Packed) floats(wide []float32, k0, kb, j int) []float32 {
	if p.half == nil {
		return p.panel(k0, kb, j)
	}
	off, size := p.at(k0, kb, j)
	blocks := size / 16
	if blocks > 0 {
		p.kn.widen(blocks, &wide[0], &p.half[off])
	}
	for i := blocks * 16; i < size; i++ {
		wide[i] = math.Float32frombits(uint32(p.half[off+i]) << 16)
	}
	return wide[:size]
}

func widenGo(blocks int, dst *float32, src *uint16) {
	d := unsafe.Slice(dst, blocks*16)
	for i, v := range unsafe.Slice(src, blocks*16) {
		d[i] = math.Float32frombits(uint32(v) << 16)
	}
}
