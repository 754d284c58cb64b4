package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitInt8 writes the integer product: tiles by VNNI (four bytes a lane and
// step) and by AVX2 (two 16-bit numbers a lane and step), the quantisation of
// rows and the way back to floats.
func emitInt8(a *asm) {
	for _, mr := range []int{1, 2, 4, 8, 12} {
		a.int8TilesVNNI(mr)
	}
	for _, mr := range []int{1, 2, 3, 6} {
		a.int8TilesAVX2(mr)
	}
	a.quantize()
	a.dequantize(32)
	a.dequantize(16)
}

const int8Signature = "func(tiles, steps int, a *byte, rs int, b *int8, c *int32)"

// int8TilesVNNI emits tiles of mr×32: a holds unsigned bytes, rows rs bytes
// apart; b is a panel of 32 columns, four k steps of each column side by side.
func (a *asm) int8TilesVNNI(mr int) {
	name := fmt.Sprintf("int8x%dx32VNNI", mr)
	a.fn(name, int8Signature, fmt.Sprintf("%s computes tiles of %d×32 sums one below the other; a step is four numbers of k.", name, mr))
	bv := []reg.VecVirtual{a.ZMM(), a.ZMM()}
	x := []reg.VecVirtual{a.ZMM(), a.ZMM()}
	a.int8Tiles(mr, 64, func() reg.VecVirtual { return a.ZMM() },
		func(r reg.VecVirtual) { a.VPXORD(r, r, r) },
		func(b reg.GPVirtual) {
			for j, r := range bv {
				a.VMOVDQU32(operand.Mem{Base: b, Disp: 64 * j}, r)
			}
			a.ADDQ(operand.U32(128), b)
		},
		func(m operand.Mem, i int, acc []reg.VecVirtual) {
			a.VPBROADCASTD(m, x[i%2])
			for j, r := range acc {
				a.dpbusd(bv[j], x[i%2], r)
			}
		},
		func(r reg.VecVirtual, m operand.Mem) { a.VMOVDQU32(r, m) })
}

// dpbusd is VPDPBUSD: each lane of sum gains the products of its four bytes of
// w (signed) and x (unsigned). avo does not know the instruction; Go's assembler
// does.
func (a *asm) dpbusd(w, x, sum reg.VecVirtual) {
	a.Instruction(&ir.Instruction{
		Opcode: "VPDPBUSD", Operands: []operand.Op{w, x, sum},
		Inputs: []operand.Op{w, x, sum}, Outputs: []operand.Op{sum},
		ISA: []string{"AVX512VNNI"},
	})
}

// int8TilesAVX2 emits tiles of mr×16: a holds signed 16-bit numbers; b is a
// panel of 16 columns of bytes, two k steps of each column side by side.
func (a *asm) int8TilesAVX2(mr int) {
	name := fmt.Sprintf("int8x%dx16AVX2", mr)
	a.fn(name, int8Signature, fmt.Sprintf("%s computes tiles of %d×16 sums one below the other; a step is two numbers of k.", name, mr))
	bv := []reg.VecVirtual{a.YMM(), a.YMM()}
	x, t := a.YMM(), a.YMM()
	a.int8Tiles(mr, 32, func() reg.VecVirtual { return a.YMM() },
		func(r reg.VecVirtual) { a.VPXOR(r, r, r) },
		func(b reg.GPVirtual) {
			for j, r := range bv {
				a.VPMOVSXBW(operand.Mem{Base: b, Disp: 16 * j}, r)
			}
			a.ADDQ(operand.Imm(32), b)
		},
		func(m operand.Mem, i int, acc []reg.VecVirtual) {
			a.VPBROADCASTD(m, x)
			for j, r := range acc {
				a.VPMADDWD(bv[j], x, t)
				a.VPADDD(t, r, r)
			}
		},
		func(r reg.VecVirtual, m operand.Mem) { a.VMOVDQU(r, m) })
}

// int8Tiles is the loop that both share; w is the width of a register in bytes
// and a step reads four bytes of each row.
func (a *asm) int8Tiles(mr, w int, vec func() reg.VecVirtual, clear func(reg.VecVirtual), panel func(b reg.GPVirtual),
	row func(m operand.Mem, i int, acc []reg.VecVirtual), store func(reg.VecVirtual, operand.Mem)) {
	tiles, pa, rs, pc := a.arg("tiles"), a.arg("a"), a.arg("rs"), a.arg("c")
	bases := make([]reg.GPVirtual, (mr+2)/3)
	for i := range bases {
		bases[i] = a.GP64()
	}
	accs := make([][]reg.VecVirtual, mr)
	for i := range accs {
		accs[i] = []reg.VecVirtual{vec(), vec()}
	}
	a.Label("tile")
	a.MOVQ(pa, bases[0])
	for i := 1; i < len(bases); i++ {
		a.LEAQ(operand.Mem{Base: bases[i-1], Index: rs, Scale: 2}, bases[i])
		a.ADDQ(rs, bases[i])
	}
	for _, acc := range accs {
		clear(acc[0])
		clear(acc[1])
	}
	n, b := a.arg("steps"), a.arg("b")
	a.Label("loop")
	panel(b)
	for i := range mr {
		m := operand.Mem{Base: bases[i/3]}
		switch i % 3 {
		case 1:
			m.Index, m.Scale = rs, 1
		case 2:
			m.Index, m.Scale = rs, 2
		}
		row(m, i, accs[i])
		if i%3 == 2 || i == mr-1 {
			a.ADDQ(operand.Imm(4), bases[i/3])
		}
	}
	a.DECQ(n)
	a.JNZ(operand.LabelRef("loop"))
	for i, acc := range accs {
		store(acc[0], operand.Mem{Base: pc, Disp: 2 * w * i})
		store(acc[1], operand.Mem{Base: pc, Disp: 2*w*i + w})
	}
	a.ADDQ(operand.U32(uint32(2*w*mr)), pc)
	next := a.GP64()
	a.IMUL3Q(operand.U32(uint32(mr)), rs, next)
	a.ADDQ(next, pa)
	a.DECQ(tiles)
	a.JNZ(operand.LabelRef("tile"))
	a.VZEROUPPER()
	a.RET()
}

// quantize emits round(x·inverse) of 32 floats a block: as bytes with 128 added,
// and as 16-bit numbers. Rounding is to the nearest even.
func (a *asm) quantize() {
	bytesFirst := a.StaticGlobal("quantorder")
	a.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, v := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} { // undoes the packs' lanes
		a.AddDatum(4*i, operand.U32(v))
	}
	offset := a.StaticGlobal("quantoffset")
	a.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 8 {
		a.AddDatum(4*i, operand.U32(128))
	}
	start := func(name, doc string) (n, d, x reg.GPVirtual, inv reg.VecVirtual) {
		a.fn(name, "func(blocks int, dst *byte, x *float32, inverse float32)", doc)
		n, d, x, inv = a.arg("blocks"), a.arg("dst"), a.arg("x"), a.YMM()
		a.VBROADCASTSS(a.argMem("inverse"), inv)
		a.Label("loop")
		return
	}
	load := func(x reg.GPVirtual, inv reg.VecVirtual) []reg.VecVirtual {
		v := make([]reg.VecVirtual, 4)
		for i := range v {
			v[i] = a.YMM()
			a.VMULPS(operand.Mem{Base: x, Disp: 32 * i}, inv, v[i])
			a.VCVTPS2DQ(v[i], v[i])
		}
		a.ADDQ(operand.U32(128), x)
		return v
	}
	finish := func(n reg.GPVirtual) {
		a.DECQ(n)
		a.JNZ(operand.LabelRef("loop"))
		a.VZEROUPPER()
		a.RET()
	}

	n, d, x, inv := start("quantizeBytesAVX2", "quantizeBytesAVX2 writes blocks·32 bytes round(x·inverse) + 128.")
	v := load(x, inv)
	for _, r := range v {
		a.VPADDD(offset, r, r)
	}
	a.VPACKSSDW(v[1], v[0], v[0])
	a.VPACKSSDW(v[3], v[2], v[2])
	a.VPACKUSWB(v[2], v[0], v[0])
	order := a.YMM()
	a.VMOVDQU(bytesFirst, order)
	a.VPERMD(v[0], order, v[0])
	a.VMOVDQU(v[0], operand.Mem{Base: d})
	a.ADDQ(operand.Imm(32), d)
	finish(n)

	n, d, x, inv = start("quantizeWordsAVX2", "quantizeWordsAVX2 writes blocks·32 16-bit numbers round(x·inverse).")
	v = load(x, inv)
	for i := 0; i < 4; i += 2 {
		a.VPACKSSDW(v[i+1], v[i], v[i])
		a.VPERMQ(operand.Imm(0xD8), v[i], v[i])
		a.VMOVDQU(v[i], operand.Mem{Base: d, Disp: 16 * i})
	}
	a.ADDQ(operand.Imm(64), d)
	finish(n)
}

// dequantize emits the way back for tiles of nr columns.
func (a *asm) dequantize(nr int) {
	name := fmt.Sprintf("dequantize%dAVX2", nr)
	a.fn(name, "func(rows int, acc *int32, zero *int32, columns, scales *float32, dst *float32, ldd int)",
		fmt.Sprintf("%s writes (acc − zero)·columns·scale for rows of %d sums.", name, nr))
	n, acc, dst, ldd := a.arg("rows"), a.arg("acc"), a.arg("dst"), a.arg("ldd")
	zero, columns, scales := a.arg("zero"), a.arg("columns"), a.arg("scales")
	a.SHLQ(operand.Imm(2), ldd)
	z, c := make([]reg.VecVirtual, nr/8), make([]reg.VecVirtual, nr/8)
	for i := range z {
		z[i], c[i] = a.YMM(), a.YMM()
		a.VMOVDQU(operand.Mem{Base: zero, Disp: 32 * i}, z[i])
		a.VMOVUPS(operand.Mem{Base: columns, Disp: 32 * i}, c[i])
	}
	s, v := a.YMM(), a.YMM()
	a.Label("loop")
	a.VBROADCASTSS(operand.Mem{Base: scales}, s)
	for i := range z {
		a.VMOVDQU(operand.Mem{Base: acc, Disp: 32 * i}, v)
		a.VPSUBD(z[i], v, v)
		a.VCVTDQ2PS(v, v)
		a.VMULPS(c[i], v, v)
		a.VMULPS(s, v, v)
		a.VMOVUPS(v, operand.Mem{Base: dst, Disp: 32 * i})
	}
	a.ADDQ(operand.U32(uint32(4*nr)), acc)
	a.ADDQ(operand.Imm(4), scales)
	a.ADDQ(ldd, dst)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("loop"))
	a.VZEROUPPER()
	a.RET()
}
