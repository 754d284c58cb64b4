package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitGemm writes the matrix-product micro-kernels: for AVX2 the full 6×16 tile
// and every smaller row count, for AVX-512 the 12×32 tile and the row counts
// that any remainder can be made of.
func emitGemm(a *asm) {
	for mr := 1; mr <= 6; mr++ {
		a.gemmTiles(fmt.Sprintf("gemm%dx16AVX2", mr), mr, false)
	}
	for _, mr := range []int{1, 2, 3, 4, 6, 8, 12} {
		a.gemmTiles(fmt.Sprintf("gemm%dx32AVX512", mr), mr, true)
	}
	a.transpose8()
	for _, w := range []int{6, 12, 16, 32} {
		a.strips(w)
	}
	a.widen()
}

// widen emits bfloat16 → float32, which is a shift.
func (a *asm) widen() {
	a.fn("widenAVX2", "func(blocks int, dst *float32, src *uint16)", "widenAVX2 turns blocks·16 bfloat16 numbers into floats.")
	n, d, s := a.arg("blocks"), a.arg("dst"), a.arg("src")
	a.Label("loop")
	for i := range 2 {
		v := a.YMM()
		a.VPMOVZXWD(operand.Mem{Base: s, Disp: 16 * i}, v)
		a.VPSLLD(operand.Imm(16), v, v)
		a.VMOVDQU(v, operand.Mem{Base: d, Disp: 32 * i})
	}
	a.ADDQ(operand.Imm(32), s)
	a.ADDQ(operand.Imm(64), d)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("loop"))
	a.VZEROUPPER()
	a.RET()
}

// gemmTiles emits a loop over tiles, each C[mr×nr] = alpha·A·B (+ C), where A is
// read through strides and B is a packed panel (nr floats for each k).
// Two vectors wide: nr is 16 for ymm and 32 for zmm. All strides are in floats.
func (a *asm) gemmTiles(name string, mr int, zmm bool) {
	const vecs, unroll = 2, 4
	w := 32
	vec := a.YMM
	if zmm {
		w = 64
		vec = a.ZMM
	}
	a.fn(name, "func(tiles, k int, a, b, c *float32, rs, cs, ldc, da, db, dc int, alpha float32, acc int)",
		fmt.Sprintf("%s computes tiles of %d×%d; after each, a, b and c advance by da, db and dc.", name, mr, w/4*vecs))
	tiles := a.arg("tiles")
	a.TESTQ(tiles, tiles)
	a.JZ(operand.LabelRef("ret"))
	pa, pb, pc := a.arg("a"), a.arg("b"), a.arg("c")
	rs, cs, ldc := a.arg("rs"), a.arg("cs"), a.arg("ldc")
	for _, s := range []reg.GPVirtual{rs, cs, ldc} {
		a.SHLQ(operand.Imm(2), s)
	}
	// One base register for every three rows: base, base+rs, base+2·rs.
	bases := make([]reg.GPVirtual, (mr+2)/3)
	for i := range bases {
		bases[i] = a.GP64()
	}
	accs := make([][]reg.VecVirtual, mr)
	for i := range accs {
		for range vecs {
			accs[i] = append(accs[i], vec())
		}
	}
	bv := []reg.VecVirtual{vec(), vec()}
	av := []reg.VecVirtual{vec(), vec()}

	a.Label("tile")
	// Ask for C early: its lines arrive while the products run.
	cc := a.GP64()
	a.MOVQ(pc, cc)
	for i := range mr {
		a.PREFETCHT0(operand.Mem{Base: cc})
		a.PREFETCHT0(operand.Mem{Base: cc, Disp: vecs*w - 4})
		if zmm {
			a.PREFETCHT0(operand.Mem{Base: cc, Disp: w})
		}
		if i < mr-1 {
			a.ADDQ(ldc, cc)
		}
	}
	a.MOVQ(pa, bases[0])
	for i := 1; i < len(bases); i++ {
		a.LEAQ(operand.Mem{Base: bases[i-1], Index: rs, Scale: 2}, bases[i])
		a.ADDQ(rs, bases[i])
	}
	for i := range accs {
		for _, r := range accs[i] {
			if zmm {
				a.VPXORD(r, r, r)
			} else {
				a.VXORPS(r, r, r)
			}
		}
	}
	row := func(i int) operand.Mem {
		m := operand.Mem{Base: bases[i/3]}
		switch i % 3 {
		case 1:
			m.Index, m.Scale = rs, 1
		case 2:
			m.Index, m.Scale = rs, 2
		}
		return m
	}
	step := func(u int) {
		for j := range bv {
			a.VMOVUPS(operand.Mem{Base: pb, Disp: u*w*vecs + j*w}, bv[j])
		}
		for i := range mr {
			x := av[i%2]
			a.VBROADCASTSS(row(i), x)
			for j := range bv {
				a.VFMADD231PS(x, bv[j], accs[i][j])
			}
			if i%3 == 2 || i == mr-1 {
				a.ADDQ(cs, bases[i/3])
			}
		}
	}
	n := a.arg("k")
	a.SHRQ(operand.Imm(2), n) // unroll = 4
	a.JZ(operand.LabelRef("rest"))
	a.Label("loop")
	for u := range unroll {
		step(u)
	}
	a.ADDQ(operand.U32(uint32(unroll*w*vecs)), pb)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("loop"))
	a.Label("rest")
	a.Load(a.Param("k"), n)
	a.ANDQ(operand.Imm(unroll-1), n)
	a.JZ(operand.LabelRef("write"))
	a.Label("restloop")
	step(0)
	a.ADDQ(operand.U32(uint32(w*vecs)), pb)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("restloop"))

	a.Label("write")
	alpha := av[0]
	a.VBROADCASTSS(a.argMem("alpha"), alpha)
	a.MOVQ(pc, cc)
	a.CMPQ(a.argMem("acc"), operand.Imm(0))
	a.JE(operand.LabelRef("store"))
	for i := range mr {
		for j := range bv {
			a.VFMADD213PS(operand.Mem{Base: cc, Disp: j * w}, alpha, accs[i][j])
			a.VMOVUPS(accs[i][j], operand.Mem{Base: cc, Disp: j * w})
		}
		if i < mr-1 {
			a.ADDQ(ldc, cc)
		}
	}
	a.JMP(operand.LabelRef("next"))
	a.Label("store")
	for i := range mr {
		for j := range bv {
			a.VMULPS(alpha, accs[i][j], accs[i][j])
			a.VMOVUPS(accs[i][j], operand.Mem{Base: cc, Disp: j * w})
		}
		if i < mr-1 {
			a.ADDQ(ldc, cc)
		}
	}
	a.Label("next")
	for _, s := range []struct {
		arg string
		p   reg.GPVirtual
	}{{"da", pa}, {"db", pb}, {"dc", pc}} {
		d := a.arg(s.arg)
		a.LEAQ(operand.Mem{Base: s.p, Index: d, Scale: 4}, s.p)
	}
	a.DECQ(tiles)
	a.JNZ(operand.LabelRef("tile"))
	a.Label("ret")
	a.VZEROUPPER()
	a.RET()
}

// transpose8 emits the 8×8 block transpose that packing a transposed B needs.
func (a *asm) transpose8() {
	a.fn("transpose8AVX2", "func(blocks int, src *float32, ld int, dst *float32, dstride int)",
		"transpose8AVX2 reads 8 rows (ld floats apart) of 8·blocks floats and writes column p to dst[p·dstride:][:8].")
	n, s, ld, d, ds := a.arg("blocks"), a.arg("src"), a.arg("ld"), a.arg("dst"), a.arg("dstride")
	a.SHLQ(operand.Imm(2), ld)
	a.SHLQ(operand.Imm(2), ds)
	s4, ld3 := a.GP64(), a.GP64()
	a.LEAQ(operand.Mem{Base: s, Index: ld, Scale: 4}, s4)
	a.LEAQ(operand.Mem{Base: ld, Index: ld, Scale: 2}, ld3)
	a.TESTQ(n, n)
	a.JZ(operand.LabelRef("end"))
	a.Label("loop")
	r := make([]reg.VecVirtual, 8)
	for i := range r {
		r[i] = a.YMM()
		m := operand.Mem{Base: s}
		if i >= 4 {
			m.Base = s4
		}
		switch i & 3 {
		case 1:
			m.Index, m.Scale = ld, 1
		case 2:
			m.Index, m.Scale = ld, 2
		case 3:
			m.Index, m.Scale = ld3, 1
		}
		a.VMOVUPS(m, r[i])
	}
	t := make([]reg.VecVirtual, 8)
	for i := 0; i < 8; i += 2 {
		t[i], t[i+1] = a.YMM(), a.YMM()
		a.VUNPCKLPS(r[i+1], r[i], t[i])
		a.VUNPCKHPS(r[i+1], r[i], t[i+1])
	}
	q := make([]reg.VecVirtual, 8)
	for g := 0; g < 8; g += 4 {
		for j := range 4 {
			q[g+j] = a.YMM()
		}
		a.VSHUFPS(operand.Imm(0x44), t[g+2], t[g], q[g])
		a.VSHUFPS(operand.Imm(0xEE), t[g+2], t[g], q[g+1])
		a.VSHUFPS(operand.Imm(0x44), t[g+3], t[g+1], q[g+2])
		a.VSHUFPS(operand.Imm(0xEE), t[g+3], t[g+1], q[g+3])
	}
	for _, half := range []uint64{0x20, 0x31} {
		for j := range 4 {
			o := a.YMM()
			a.VPERM2F128(operand.Imm(half), q[4+j], q[j], o)
			a.VMOVUPS(o, operand.Mem{Base: d})
			a.ADDQ(ds, d)
		}
	}
	a.ADDQ(operand.Imm(32), s)
	a.ADDQ(operand.Imm(32), s4)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("loop"))
	a.Label("end")
	a.VZEROUPPER()
	a.RET()
}
