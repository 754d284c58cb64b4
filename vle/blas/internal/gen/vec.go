package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// elem is the generator of the elementwise routines: constants by value and
// loops over slices with a masked tail.
type elem struct {
	*asm
	consts map[uint32]operand.Mem
	mask   operand.Mem
	labels int
}

func emitVec(a *asm) {
	e := &elem{asm: a, consts: map[uint32]operand.Mem{}}
	// Eight ones then eight zeros: 32 bytes from offset 32-4r mask r lanes.
	e.mask = a.StaticGlobal("tailmask")
	a.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 16 {
		v := uint32(0)
		if i < 8 {
			v = math.MaxUint32
		}
		a.AddDatum(4*i, operand.U32(v))
	}
	e.simple()
	e.adam()
	e.reductions()
	e.transcendental()
	e.transcendental512()
	e.norm()
}

// f is eight copies of v in read-only memory.
func (e *elem) f(v float32) operand.Mem { return e.bits(math.Float32bits(v)) }

func (e *elem) bits(b uint32) operand.Mem {
	if m, ok := e.consts[b]; ok {
		return m
	}
	m := e.StaticGlobal(fmt.Sprintf("c%08x", b))
	e.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 8 {
		e.AddDatum(4*i, operand.U32(b))
	}
	e.consts[b] = m
	return m
}

// reg8 is eight copies of v in a register, to be set up outside a loop.
func (e *elem) reg8(v float32) reg.VecVirtual {
	r := e.YMM()
	e.VMOVUPS(e.f(v), r)
	return r
}

// broadcast is a float parameter in all lanes.
func (e *elem) broadcast(name string) reg.VecVirtual {
	r := e.YMM()
	e.VBROADCASTSS(e.argMem(name), r)
	return r
}

// slice loads the base of a slice parameter.
func (e *elem) slice(name string) reg.GPVirtual {
	return e.Load(e.Param(name).Base(), e.GP64()).(reg.GPVirtual)
}

// length loads the length of a slice parameter.
func (e *elem) length(name string) reg.GPVirtual {
	return e.Load(e.Param(name).Len(), e.GP64()).(reg.GPVirtual)
}

// lanes reads and writes one vector of each slice, whole or masked.
type lanes struct {
	e    *elem
	off  int
	mask reg.VecVirtual // nil when whole
}

func (l lanes) load(p reg.GPVirtual) reg.VecVirtual {
	r := l.e.YMM()
	if l.mask == nil {
		l.e.VMOVUPS(operand.Mem{Base: p, Disp: l.off}, r)
	} else {
		l.e.VMASKMOVPS(operand.Mem{Base: p, Disp: l.off}, l.mask, r)
	}
	return r
}

func (l lanes) store(v reg.VecVirtual, p reg.GPVirtual) {
	if l.mask == nil {
		l.e.VMOVUPS(v, operand.Mem{Base: p, Disp: l.off})
	} else {
		l.e.VMASKMOVPS(v, l.mask, operand.Mem{Base: p, Disp: l.off})
	}
}

// blank sets the lanes beyond the end to zero.
func (l lanes) blank(v reg.VecVirtual) {
	if l.mask != nil {
		l.e.VANDPS(l.mask, v, v)
	}
}

// each runs body over n floats: unroll vectors at a time, then one at a time,
// then the masked rest. Pointers end behind the last whole vector; n is used up.
func (e *elem) each(n reg.GPVirtual, unroll int, ptrs []reg.GPVirtual, body func(l lanes, u int)) {
	e.labels++
	id := e.labels
	label := func(s string) string { return fmt.Sprintf("%s%d", s, id) }
	loop := func(name, next string, vectors int) {
		e.CMPQ(n, operand.U32(uint32(8*vectors)))
		e.JL(operand.LabelRef(next))
		e.Label(name)
		for u := range vectors {
			body(lanes{e: e, off: 32 * u}, u)
		}
		for _, p := range ptrs {
			e.ADDQ(operand.U32(uint32(32*vectors)), p)
		}
		e.SUBQ(operand.U32(uint32(8*vectors)), n)
		e.CMPQ(n, operand.U32(uint32(8*vectors)))
		e.JGE(operand.LabelRef(name))
		e.Label(next)
	}
	if unroll > 1 {
		loop(label("wide"), label("narrow"), unroll)
	}
	loop(label("loop"), label("tail"), 1)
	e.TESTQ(n, n)
	e.JZ(operand.LabelRef(label("end")))
	table, mask := e.GP64(), e.YMM()
	e.LEAQ(e.mask.Offset(32), table)
	e.NEGQ(n)
	e.VMOVUPS(operand.Mem{Base: table, Index: n, Scale: 4}, mask)
	body(lanes{e: e, mask: mask}, 0)
	e.Label(label("end"))
}

func (e *elem) end() {
	e.VZEROUPPER()
	e.RET()
}

func (e *elem) zero() reg.VecVirtual {
	r := e.YMM()
	e.VXORPS(r, r, r)
	return r
}

// fold reduces the eight lanes of x to its lowest.
func (e *elem) fold(op func(...operand.Op), x reg.VecVirtual) {
	t, xx := e.XMM(), x.(reg.Vec).AsX()
	e.VEXTRACTF128(operand.Imm(1), x, t)
	op(t, xx, xx)
	e.VMOVHLPS(xx, xx, t)
	op(t, xx, xx)
	e.VMOVSHDUP(xx, t)
	op(t, xx, xx)
}

// simple emits what is one or two instructions a vector.
func (e *elem) simple() {
	binary := func(name, doc string, body func(l lanes, d, x reg.GPVirtual)) {
		e.fn(name, "func(dst, x []float32)", doc)
		n, d, x := e.length("dst"), e.slice("dst"), e.slice("x")
		e.each(n, 4, []reg.GPVirtual{d, x}, func(l lanes, _ int) { body(l, d, x) })
		e.end()
	}
	binary("addAVX2", "addAVX2 is dst += x.", func(l lanes, d, x reg.GPVirtual) {
		v, w := l.load(d), l.load(x)
		e.VADDPS(w, v, v)
		l.store(v, d)
	})
	binary("mulAVX2", "mulAVX2 is dst *= x.", func(l lanes, d, x reg.GPVirtual) {
		v, w := l.load(d), l.load(x)
		e.VMULPS(w, v, v)
		l.store(v, d)
	})

	e.fn("axpyAVX2", "func(dst []float32, alpha float32, x []float32)", "axpyAVX2 is dst += alpha·x.")
	n, d, x, s := e.length("dst"), e.slice("dst"), e.slice("x"), e.broadcast("alpha")
	e.each(n, 4, []reg.GPVirtual{d, x}, func(l lanes, _ int) {
		v, w := l.load(d), l.load(x)
		e.VFMADD231PS(w, s, v)
		l.store(v, d)
	})
	e.end()

	e.fn("scaleAVX2", "func(dst []float32, alpha float32)", "scaleAVX2 is dst *= alpha.")
	n, d, s = e.length("dst"), e.slice("dst"), e.broadcast("alpha")
	e.each(n, 4, []reg.GPVirtual{d}, func(l lanes, _ int) {
		v := l.load(d)
		e.VMULPS(s, v, v)
		l.store(v, d)
	})
	e.end()

	e.fn("softmaxGradAVX2", "func(dx, p, dp []float32, dot float32)", "softmaxGradAVX2 is dx = p·(dp − dot).")
	n, d, x, s = e.length("dx"), e.slice("dx"), e.slice("p"), e.broadcast("dot")
	g := e.slice("dp")
	e.each(n, 2, []reg.GPVirtual{d, x, g}, func(l lanes, _ int) {
		v, w := l.load(g), l.load(x)
		e.VSUBPS(s, v, v)
		e.VMULPS(w, v, v)
		l.store(v, d)
	})
	e.end()

	e.fn("tanhGradAVX2", "func(dx, y, dy []float32)", "tanhGradAVX2 is dx = dy·(1 − y²).")
	n, d, x, g = e.length("dx"), e.slice("dx"), e.slice("y"), e.slice("dy")
	one := e.reg8(1)
	e.each(n, 2, []reg.GPVirtual{d, x, g}, func(l lanes, _ int) {
		y, v := l.load(x), l.load(g)
		t := e.YMM()
		e.VMOVAPS(one, t)
		e.VFNMADD231PS(y, y, t)
		e.VMULPS(t, v, v)
		l.store(v, d)
	})
	e.end()
}

// adam emits the optimiser's step on one run of parameters.
func (e *elem) adam() {
	e.fn("adamAVX2", "func(p, g, m, v []float32, beta1, beta2, eps, step, keep float32)",
		"adamAVX2 updates m and v by g and sets p to (p − step·m/(√v + eps))·keep.")
	n, p, g, m, v := e.length("p"), e.slice("p"), e.slice("g"), e.slice("m"), e.slice("v")
	b1, b2, eps := e.broadcast("beta1"), e.broadcast("beta2"), e.broadcast("eps")
	step, keep := e.broadcast("step"), e.broadcast("keep")
	c1, c2 := e.reg8(1), e.reg8(1)
	e.VSUBPS(b1, c1, c1)
	e.VSUBPS(b2, c2, c2)
	e.each(n, 1, []reg.GPVirtual{p, g, m, v}, func(l lanes, _ int) {
		gv, mv, vv, pv := l.load(g), l.load(m), l.load(v), l.load(p)
		t := e.YMM()
		e.VMULPS(c1, gv, t)
		e.VFMADD213PS(t, b1, mv) // beta1·m + (1−beta1)·g
		l.store(mv, m)
		e.VMULPS(gv, gv, gv)
		e.VMULPS(c2, gv, gv)
		e.VFMADD213PS(gv, b2, vv) // beta2·v + (1−beta2)·g²
		l.store(vv, v)
		e.VSQRTPS(vv, vv)
		e.VADDPS(eps, vv, vv)
		e.VMULPS(step, mv, mv)
		e.VDIVPS(vv, mv, mv)
		e.VSUBPS(mv, pv, pv)
		e.VMULPS(keep, pv, pv)
		l.store(pv, p)
	})
	e.end()
}

// reductions emits sums and maxima, four partial results wide.
func (e *elem) reductions() {
	sums := func(k int) (s []reg.VecVirtual) {
		for range k {
			s = append(s, e.zero())
		}
		return s
	}
	total := func(s []reg.VecVirtual) reg.VecVirtual {
		e.VADDPS(s[1], s[0], s[0])
		e.VADDPS(s[3], s[2], s[2])
		e.VADDPS(s[2], s[0], s[0])
		e.fold(e.VADDPS, s[0])
		return s[0]
	}
	e.fn("sumAVX2", "func(x []float32) float32", "sumAVX2 is Σx.")
	n, x, s := e.length("x"), e.slice("x"), sums(4)
	e.each(n, 4, []reg.GPVirtual{x}, func(l lanes, u int) { e.VADDPS(l.load(x), s[u], s[u]) })
	e.Store(total(s).(reg.Vec).AsX(), e.ReturnIndex(0))
	e.end()

	e.fn("dotAVX2", "func(x, y []float32) float32", "dotAVX2 is Σx·y.")
	n, x, s = e.length("x"), e.slice("x"), sums(4)
	y := e.slice("y")
	e.each(n, 4, []reg.GPVirtual{x, y}, func(l lanes, u int) {
		v, w := l.load(x), l.load(y)
		e.VFMADD231PS(v, w, s[u])
	})
	e.Store(total(s).(reg.Vec).AsX(), e.ReturnIndex(0))
	e.end()

	e.fn("maxAbsAVX2", "func(x []float32) float32", "maxAbsAVX2 is the largest |x|, NaN if there is one, 0 of nothing.")
	n, x = e.length("x"), e.slice("x")
	top := e.zero()
	sign := e.YMM()
	e.VMOVUPS(e.bits(0x7fffffff), sign)
	e.each(n, 2, []reg.GPVirtual{x}, func(l lanes, _ int) {
		v := l.load(x)
		e.VANDPS(sign, v, v)
		e.VPMAXUD(v, top, top) // as integers: NaN is above Inf, Inf above all numbers
	})
	e.fold(e.VPMAXUD, top)
	e.Store(top.(reg.Vec).AsX(), e.ReturnIndex(0))
	e.end()

	e.fn("maxAVX2", "func(x []float32) float32", "maxAVX2 is the largest of x, −Inf of nothing; NaN may be passed over.")
	n, x = e.length("x"), e.slice("x")
	lowest := e.reg8(float32(math.Inf(-1)))
	m := []reg.VecVirtual{e.YMM(), e.YMM(), e.YMM(), e.YMM()}
	for _, r := range m {
		e.VMOVAPS(lowest, r)
	}
	e.each(n, 4, []reg.GPVirtual{x}, func(l lanes, u int) {
		v := l.load(x)
		if l.mask != nil {
			e.VBLENDVPS(l.mask, v, lowest, v)
		}
		e.VMAXPS(v, m[u], m[u])
	})
	e.VMAXPS(m[1], m[0], m[0])
	e.VMAXPS(m[3], m[2], m[2])
	e.VMAXPS(m[2], m[0], m[0])
	e.fold(e.VMAXPS, m[0])
	e.Store(m[0].(reg.Vec).AsX(), e.ReturnIndex(0))
	e.end()
}
