package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// elem512 writes the routines built on exp for AVX-512, where the scale by 2ⁿ is
// one instruction, constants are broadcast from memory and tails are masked. The
// arithmetic is that of elem.
type elem512 struct {
	*elem
	masks operand.Mem
}

func (e *elem) transcendental512() {
	w := &elem512{elem: e, masks: e.StaticGlobal("lanemasks")}
	e.DataAttributes(attr.RODATA | attr.NOPTR)
	for r := range 16 {
		e.AddDatum(2*r, operand.U16(1<<r-1))
	}
	w.emit()
}

// splat is v in all lanes of a register.
func (e *elem512) splat(v float32) reg.VecVirtual {
	r := e.ZMM()
	e.VBROADCASTSS(e.f(v), r)
	return r
}

// lanes16 reads and writes one vector, whole or under a mask.
type lanes16 struct {
	e *elem512
	k reg.OpmaskVirtual // nil when whole
}

func (l lanes16) load(p reg.GPVirtual) reg.VecVirtual {
	r := l.e.ZMM()
	if l.k == nil {
		l.e.VMOVUPS(operand.Mem{Base: p}, r)
	} else {
		l.e.VMOVUPS_Z(operand.Mem{Base: p}, l.k, r)
	}
	return r
}

func (l lanes16) store(v reg.VecVirtual, p reg.GPVirtual) {
	if l.k == nil {
		l.e.VMOVUPS(v, operand.Mem{Base: p})
	} else {
		l.e.VMOVUPS(v, l.k, operand.Mem{Base: p})
	}
}

// each16 runs body over n floats, 16 at a time, then over the masked rest.
func (e *elem512) each16(n reg.GPVirtual, ptrs []reg.GPVirtual, body func(l lanes16)) {
	e.SUBQ(operand.Imm(16), n)
	e.JL(operand.LabelRef("rest"))
	e.Label("loop")
	body(lanes16{e: e})
	for _, p := range ptrs {
		e.ADDQ(operand.Imm(64), p)
	}
	e.SUBQ(operand.Imm(16), n)
	e.JGE(operand.LabelRef("loop"))
	e.Label("rest")
	e.ADDQ(operand.Imm(16), n)
	e.JZ(operand.LabelRef("end"))
	table, k := e.GP64(), e.K()
	e.LEAQ(e.masks, table)
	e.KMOVW(operand.Mem{Base: table, Index: n, Scale: 2}, k)
	body(lanes16{e: e, k: k})
	e.Label("end")
}

func (e *elem512) expRegs16() expRegs { return expRegs{hi: e.splat(89), lo: e.splat(-104)} }

// exp16 replaces x by e^{x+low}, low being nil for none; see elem.exp.
func (e *elem512) exp16(r expRegs, x, low reg.VecVirtual) {
	e.VMINPS(x, r.hi, x)
	e.VMAXPS(x, r.lo, x)
	n, q, x2 := e.ZMM(), e.ZMM(), e.ZMM()
	e.VMULPS_BCST(e.f(1.44269504088896341), x, n)
	e.VRNDSCALEPS(operand.Imm(8), n, n)
	e.VFNMADD231PS_BCST(e.f(0.693359375), n, x)
	e.VFNMADD231PS_BCST(e.f(-2.12194440e-4), n, x)
	if low != nil {
		e.VADDPS(low, x, x)
	}
	e.VBROADCASTSS(e.f(1.9875691500e-4), q)
	for _, c := range []float32{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1} {
		e.VFMADD213PS_BCST(e.f(c), x, q)
	}
	e.VMULPS(x, x, x2)
	e.VFMADD213PS(x, x2, q)
	e.VADDPS_BCST(e.f(1), q, q)
	e.VSCALEFPS(n, q, x)
}

// gauss16 is elem.gauss.
func (e *elem512) gauss16(r expRegs, limit, x reg.VecVirtual) (u, ex, rat reg.VecVirtual) {
	u, ex = e.ZMM(), e.ZMM()
	low, mh, p, q := e.ZMM(), e.ZMM(), e.ZMM(), e.ZMM()
	e.VPANDD_BCST(e.bits(0x7fffffff), x, u)
	e.VMINPS(u, limit, u)
	e.VMULPS_BCST(e.f(-0.5), u, mh)
	e.VMULPS(u, mh, ex)
	e.VMOVAPS(ex, low)
	e.VFMSUB231PS(u, mh, low)
	e.exp16(r, ex, low)
	e.VBROADCASTSS(e.f(tailP[0]), p)
	e.VBROADCASTSS(e.f(tailQ[0]), q)
	for _, c := range tailQ[1:] {
		e.VFMADD213PS_BCST(e.f(c), u, q)
	}
	for _, c := range tailP[1:] {
		e.VFMADD213PS_BCST(e.f(c), u, p)
	}
	e.VDIVPS(q, p, p)
	return u, ex, p
}

// emit writes the functions.
func (e *elem512) emit() {
	e.fn("expAVX512", "func(dst, x []float32)", "expAVX512 is dst = eˣ.")
	n, d, x := e.length("dst"), e.slice("dst"), e.slice("x")
	r := e.expRegs16()
	e.each16(n, []reg.GPVirtual{d, x}, func(l lanes16) {
		v := l.load(x)
		e.exp16(r, v, nil)
		l.store(v, d)
	})
	e.end()

	e.fn("expSumAVX512", "func(dst, x []float32, sub float32) float32", "expSumAVX512 is dst = e^{x−sub} and its sum.")
	n, d, x = e.length("dst"), e.slice("dst"), e.slice("x")
	sub, sum := e.ZMM(), e.ZMM()
	e.VBROADCASTSS(e.argMem("sub"), sub)
	e.VPXORD(sum, sum, sum)
	r = e.expRegs16()
	e.each16(n, []reg.GPVirtual{d, x}, func(l lanes16) {
		v := l.load(x)
		e.VSUBPS(sub, v, v)
		e.exp16(r, v, nil)
		l.store(v, d)
		if l.k != nil {
			e.VMOVAPS_Z(v, l.k, v)
		}
		e.VADDPS(v, sum, sum)
	})
	half := e.YMM()
	e.VEXTRACTF64X4(operand.Imm(1), sum, half)
	low := sum.(reg.Vec).AsY()
	e.VADDPS(half, low, low)
	t, total := e.XMM(), sum.(reg.Vec).AsX()
	e.VEXTRACTF128(operand.Imm(1), low, t)
	e.VADDPS(t, total, total)
	e.VMOVHLPS(total, total, t)
	e.VADDPS(t, total, total)
	e.VMOVSHDUP(total, t)
	e.VADDPS(t, total, total)
	e.Store(total, e.ReturnIndex(0))
	e.end()

	e.fn("geluAVX512", "func(dst, x []float32)", "geluAVX512 is dst = x·Φ(x).")
	n, d, x = e.length("dst"), e.slice("dst"), e.slice("x")
	r = e.expRegs16()
	limit, zero := e.splat(14.5), e.ZMM()
	e.VPXORD(zero, zero, zero)
	e.each16(n, []reg.GPVirtual{d, x}, func(l lanes16) {
		v := l.load(x)
		u, ex, rat := e.gauss16(r, limit, v)
		y, c, u2, near := e.ZMM(), e.ZMM(), e.ZMM(), e.K()
		e.VMAXPS(v, zero, y)
		e.VMULPS(u, rat, rat)
		e.VFNMADD231PS(ex, rat, y)
		e.VMULPS(u, u, u2)
		e.VBROADCASTSS(e.f(coreFit[0]), c)
		for _, k := range coreFit[1:] {
			e.VFMADD213PS_BCST(e.f(k), u2, c)
		}
		e.VFMADD213PS_BCST(e.f(0.5), v, c)
		e.VCMPPS_BCST(operand.Imm(0x11), e.f(0.75), u, near)
		e.VMULPS(v, c, near, y)
		l.store(y, d)
	})
	e.end()

	e.fn("geluGradAVX512", "func(dx, x, dy []float32)", "geluGradAVX512 is dx = dy·(Φ(x) + x·φ(x)).")
	n, d, x = e.length("dx"), e.slice("dx"), e.slice("x")
	dy := e.slice("dy")
	r = e.expRegs16()
	limit = e.splat(14.5)
	one := e.splat(1)
	e.each16(n, []reg.GPVirtual{d, x, dy}, func(l lanes16) {
		v := l.load(x)
		u, ex, q := e.gauss16(r, limit, v)
		e.VMULPS(ex, q, q)
		up, below := e.ZMM(), e.K()
		e.VSUBPS(q, one, up)
		e.VPMOVD2M(v, below)
		e.VMOVAPS(q, below, up)
		e.VPANDD_BCST(e.bits(0x80000000), v, v)
		e.VPORD(u, v, v)
		e.VMULPS_BCST(e.f(0.3989422804014327), ex, ex)
		e.VFMADD231PS(ex, v, up)
		g := l.load(dy)
		e.VMULPS(g, up, up)
		l.store(up, d)
	})
	e.end()

	e.fn("quickGELUAVX512", "func(dst, x []float32)", "quickGELUAVX512 is dst = x·σ(1.702x).")
	n, d, x = e.length("dst"), e.slice("dst"), e.slice("x")
	r = e.expRegs16()
	one = e.splat(1)
	s, top, bottom := e.splat(1.702), e.splat(1e-4), e.splat(-1e-4)
	e.each16(n, []reg.GPVirtual{d, x}, func(l lanes16) {
		v := l.load(x)
		t, z, lo, den, below := e.ZMM(), e.ZMM(), e.ZMM(), e.ZMM(), e.K()
		e.VPORD_BCST(e.bits(0x80000000), v, t)
		e.VMULPS(s, t, z)
		e.VMOVAPS(z, lo)
		e.VFMSUB231PS(s, t, lo)
		e.VMINPS(top, lo, lo) // a constant where lo is NaN
		e.VMAXPS(bottom, lo, lo)
		e.exp16(r, z, lo)
		e.VADDPS(one, z, den)
		e.VPMOVD2M(v, below)
		e.VMULPS(z, v, below, v)
		e.VDIVPS(den, v, v)
		l.store(v, d)
	})
	e.end()
}
