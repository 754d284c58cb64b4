package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// expRegs holds the clamps of exp: they must be registers, because only the
// second source of MIN and MAX lets a NaN through.
type expRegs struct{ hi, lo reg.VecVirtual }

func (e *elem) expRegs() expRegs { return expRegs{hi: e.reg8(89), lo: e.reg8(-104)} }

// reduce splits x into n·ln2 + x with |x| ≤ ln2/2 and returns n (as a float) and
// the coefficients' sum q, where eˣ−1 = x + x²·q (Cephes, expf).
func (e *elem) reduce(x reg.VecVirtual) (n, q reg.VecVirtual) {
	n, q = e.YMM(), e.YMM()
	e.VMULPS(e.f(1.44269504088896341), x, n)
	e.VROUNDPS(operand.Imm(0), n, n)
	e.VFNMADD231PS(e.f(0.693359375), n, x)
	e.VFNMADD231PS(e.f(-2.12194440e-4), n, x)
	e.VMOVUPS(e.f(1.9875691500e-4), q)
	for _, c := range []float32{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1} {
		e.VFMADD213PS(e.f(c), x, q)
	}
	return n, q
}

// exp replaces x by eˣ over the whole range: gradual underflow below −87.3, zero
// below −104, +Inf above 88.72, NaN for NaN. The scale 2ⁿ is applied in two
// steps since 2ⁿ itself may be out of range.
func (e *elem) exp(r expRegs, x reg.VecVirtual) {
	e.VMINPS(x, r.hi, x)
	e.VMAXPS(x, r.lo, x)
	n, q := e.reduce(x)
	x2 := e.YMM()
	e.VMULPS(x, x, x2)
	e.VFMADD213PS(x, x2, q)
	e.VADDPS(e.f(1), q, q)
	half := e.YMM()
	e.VCVTPS2DQ(n, n)
	e.VPSRAD(operand.Imm(1), n, half)
	e.VPSUBD(half, n, n)
	for _, s := range []reg.VecVirtual{half, n} {
		e.VPSLLD(operand.Imm(23), s, s)
		e.VPADDD(e.f(1), s, s)
	}
	e.VMULPS(half, q, q)
	e.VMULPS(n, q, x)
}

// tailFit are coefficients, highest first, of R(u) = erfc(u/√2)·e^{u²/2}/2 as a
// polynomial in (u−3)/(u+3) over 0 ≤ u ≤ 14.5: a Remez fit of degree 9 in
// relative error, which is below 1e-8.
var tailFit = []float32{
	5.31619444e-05, 0.000115013645, -0.000339012884, -0.000983288162, 0.00290438742,
	0.00613194238, -0.0462132618, 0.123225041, -0.206402615, 0.121513948,
}

// gauss computes, for x, u = min(|x|, 14.5), E = e^{−u²/2} and Q = 1 − Φ(u), all
// with a small relative error: the rounding of u² is put back into E.
func (e *elem) gauss(r expRegs, limit, x reg.VecVirtual) (u, ex, q reg.VecVirtual) {
	u, ex, q = e.YMM(), e.YMM(), e.YMM()
	e.VANDPS(e.bits(0x7fffffff), x, u)
	e.VMINPS(u, limit, u)
	low := e.YMM()
	e.VMULPS(u, u, ex)
	e.VMOVAPS(ex, low)
	e.VFMSUB231PS(u, u, low) // u² = ex + low
	e.VMULPS(e.f(-0.5), ex, ex)
	e.VMULPS(e.f(0.5), low, low)
	e.exp(r, ex)
	e.VFNMADD213PS(ex, low, ex)
	w, den := e.YMM(), e.YMM()
	e.VSUBPS(e.f(3), u, w)
	e.VADDPS(e.f(3), u, den)
	e.VDIVPS(den, w, w)
	e.VMOVUPS(e.f(tailFit[0]), q)
	for _, c := range tailFit[1:] {
		e.VFMADD213PS(e.f(c), w, q)
	}
	e.VMULPS(ex, q, q)
	return u, ex, q
}

// gelu is x·Φ(x) = max(x, 0) − u·Q(u).
func (e *elem) gelu(r expRegs, limit, zero, x reg.VecVirtual) reg.VecVirtual {
	u, _, q := e.gauss(r, limit, x)
	y := e.YMM()
	e.VMAXPS(x, zero, y)
	e.VFNMADD231PS(u, q, y)
	return y
}

// onePlusExp replaces x by 1 + e^{−s·x}, s = 1.702 or 1, with the rounding of s·x
// put back.
func (e *elem) onePlusExp(r expRegs, s float32, x reg.VecVirtual) {
	if s == 1 {
		e.VXORPS(e.bits(0x80000000), x, x)
		e.exp(r, x)
		e.VADDPS(e.f(1), x, x)
		return
	}
	z, low, c := e.YMM(), e.YMM(), e.YMM()
	e.VMOVUPS(e.f(-s), c)
	e.VMULPS(c, x, z)
	e.VMOVAPS(z, low)
	e.VFMSUB231PS(c, x, low) // −s·x = z + low
	// Beyond exp's range low means nothing and may be infinite.
	e.VMINPS(e.f(1e-4), low, low)
	e.VMAXPS(e.f(-1e-4), low, low)
	e.exp(r, z)
	e.VADDPS(e.f(1), low, low)
	e.VMULPS(low, z, x)
	e.VADDPS(e.f(1), x, x)
}

// transcendental emits the routines built on exp.
func (e *elem) transcendental() {
	unary := func(name, doc string, setup func() func(v reg.VecVirtual) reg.VecVirtual) {
		e.fn(name, "func(dst, x []float32)", doc)
		n, d, x := e.length("dst"), e.slice("dst"), e.slice("x")
		f := setup()
		e.each(n, 1, []reg.GPVirtual{d, x}, func(l lanes, _ int) { l.store(f(l.load(x)), d) })
		e.end()
	}
	unary("expAVX2", "expAVX2 is dst = eˣ.", func() func(reg.VecVirtual) reg.VecVirtual {
		r := e.expRegs()
		return func(v reg.VecVirtual) reg.VecVirtual { e.exp(r, v); return v }
	})
	unary("sigmoidAVX2", "sigmoidAVX2 is dst = 1/(1 + e⁻ˣ).", func() func(reg.VecVirtual) reg.VecVirtual {
		r, one := e.expRegs(), e.reg8(1)
		return func(v reg.VecVirtual) reg.VecVirtual {
			e.onePlusExp(r, 1, v)
			e.VDIVPS(v, one, v)
			return v
		}
	})
	unary("tanhAVX2", "tanhAVX2 is dst = tanh x.", func() func(reg.VecVirtual) reg.VecVirtual {
		limit := e.reg8(10)
		return func(v reg.VecVirtual) reg.VecVirtual { return e.tanh(limit, v) }
	})
	unary("geluAVX2", "geluAVX2 is dst = x·Φ(x).", func() func(reg.VecVirtual) reg.VecVirtual {
		r, limit, zero := e.expRegs(), e.reg8(14.5), e.zero()
		return func(v reg.VecVirtual) reg.VecVirtual { return e.gelu(r, limit, zero, v) }
	})
	unary("quickGELUAVX2", "quickGELUAVX2 is dst = x·σ(1.702x).", func() func(reg.VecVirtual) reg.VecVirtual {
		r := e.expRegs()
		return func(v reg.VecVirtual) reg.VecVirtual {
			t := e.YMM()
			e.VMOVAPS(v, t)
			e.onePlusExp(r, 1.702, t)
			e.VDIVPS(t, v, v)
			return v
		}
	})

	e.fn("expSumAVX2", "func(dst, x []float32, sub float32) float32", "expSumAVX2 is dst = e^{x−sub} and its sum.")
	n, d, x, sub := e.length("dst"), e.slice("dst"), e.slice("x"), e.broadcast("sub")
	r, sum := e.expRegs(), e.zero()
	e.each(n, 1, []reg.GPVirtual{d, x}, func(l lanes, _ int) {
		v := l.load(x)
		e.VSUBPS(sub, v, v)
		e.exp(r, v)
		l.store(v, d)
		l.blank(v)
		e.VADDPS(v, sum, sum)
	})
	e.fold(e.VADDPS, sum)
	e.Store(sum.(reg.Vec).AsX(), e.ReturnIndex(0))
	e.end()

	e.fn("geluGradAVX2", "func(dx, x, dy []float32)", "geluGradAVX2 is dx = dy·(Φ(x) + x·φ(x)).")
	n, d, x = e.length("dx"), e.slice("dx"), e.slice("x")
	dy := e.slice("dy")
	r, limit := e.expRegs(), e.reg8(14.5)
	e.each(n, 1, []reg.GPVirtual{d, x, dy}, func(l lanes, _ int) {
		v := l.load(x)
		u, ex, q := e.gauss(r, limit, v)
		up := e.YMM()
		e.VMOVUPS(e.f(1), up)
		e.VSUBPS(q, up, up)
		e.VBLENDVPS(v, q, up, up) // Φ(x): Q where x is negative
		e.VANDPS(e.bits(0x80000000), v, v)
		e.VORPS(u, v, v) // x within ±14.5
		e.VMULPS(e.f(0.3989422804014327), ex, ex)
		e.VFMADD231PS(ex, v, up)
		g := l.load(dy)
		e.VMULPS(g, up, up)
		l.store(up, d)
	})
	e.end()

	e.fn("quickGELUGradAVX2", "func(dx, x, dy []float32)", "quickGELUGradAVX2 is dx = dy·s·(1 + 1.702x·(1−s)), s = σ(1.702x).")
	n, d, x, dy = e.length("dx"), e.slice("dx"), e.slice("x"), e.slice("dy")
	r = e.expRegs()
	one := e.reg8(1)
	e.each(n, 1, []reg.GPVirtual{d, x, dy}, func(l lanes, _ int) {
		v := l.load(x)
		s := e.YMM()
		e.VMOVAPS(v, s)
		e.onePlusExp(r, 1.702, s)
		e.VDIVPS(s, one, s)
		t := e.YMM()
		e.VSUBPS(s, one, t)
		e.VMULPS(e.f(1.702), v, v)
		e.VFMADD213PS(one, t, v)
		e.VMULPS(s, v, v)
		g := l.load(dy)
		e.VMULPS(g, v, v)
		l.store(v, d)
	})
	e.end()
}

// tanh is t/(t+2) with t = e^{2|x|} − 1, under the sign of x.
func (e *elem) tanh(limit, x reg.VecVirtual) reg.VecVirtual {
	t, sign := e.YMM(), e.YMM()
	e.VANDPS(e.bits(0x80000000), x, sign)
	e.VANDPS(e.bits(0x7fffffff), x, t)
	e.VMINPS(t, limit, t)
	e.VADDPS(t, t, t)
	n, q := e.reduce(t)
	t2 := e.YMM()
	e.VMULPS(t, t, t2)
	e.VFMADD213PS(t, t2, q) // q = e^t − 1
	e.VCVTPS2DQ(n, n)
	e.VPSLLD(operand.Imm(23), n, n)
	e.VPADDD(e.f(1), n, n) // 2ⁿ
	m := e.YMM()
	e.VSUBPS(e.f(1), n, m)
	e.VFMADD213PS(m, n, q) // 2ⁿ·q + (2ⁿ − 1)
	e.VADDPS(e.f(2), q, m)
	e.VDIVPS(m, q, q)
	e.VORPS(sign, q, q)
	return q
}
