package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// expRegs holds the clamps of exp: they must be registers, because only the
// second source of MIN and MAX lets a NaN through.
type expRegs struct{ hi, lo reg.VecVirtual }

func (e *elem) expRegs() expRegs { return expRegs{hi: e.reg8(89), lo: e.reg8(-104)} }

// reduce splits x + low (low may be nil: 0) into n·ln2 + x with |x| ≤ ln2/2 and
// returns n (as a float) and q, where eˣ−1 = x + x²·q (Cephes, expf).
func (e *elem) reduce(x, low reg.VecVirtual) (n, q reg.VecVirtual) {
	n, q = e.YMM(), e.YMM()
	e.VMULPS(e.f(1.44269504088896341), x, n)
	e.VROUNDPS(operand.Imm(0), n, n)
	e.VFNMADD231PS(e.f(0.693359375), n, x)
	e.VFNMADD231PS(e.f(-2.12194440e-4), n, x)
	if low != nil {
		e.VADDPS(low, x, x)
	}
	e.VMOVUPS(e.f(1.9875691500e-4), q)
	for _, c := range []float32{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1} {
		e.VFMADD213PS(e.f(c), x, q)
	}
	return n, q
}

// exp replaces x by e^{x+low} over the whole range: gradual underflow below
// −87.3, zero below −104, +Inf above 88.72, NaN for NaN. The scale 2ⁿ is applied
// in two steps since 2ⁿ itself may be out of range. low is what x lost in
// rounding, or nil.
func (e *elem) exp(r expRegs, x, low reg.VecVirtual) {
	e.VMINPS(x, r.hi, x)
	e.VMAXPS(x, r.lo, x)
	n, q := e.reduce(x, low)
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

// tailP and tailQ are the coefficients, highest first, of a rational fit of
// R(u) = erfc(u/√2)·e^{u²/2}/2 over 0 ≤ u ≤ 14.5 in relative error, which is below
// 1e-8 (a weighted least-squares fit of our own). All are positive, so that
// neither sum cancels.
var (
	tailP = []float32{0.004116906186, 0.04063744633, 0.1832478672, 0.4383123889, 0.5000000029}
	tailQ = []float32{0.01031943383, 0.1018694134, 0.469504136, 1.202556436, 1.674509757, 1}
)

// gauss computes, for x, u = min(|x|, 14.5), E = e^{−u²/2} and R(u), so that
// 1 − Φ(u) = E·R, all with a small relative error.
func (e *elem) gauss(r expRegs, limit, x reg.VecVirtual) (u, ex, rat reg.VecVirtual) {
	u, ex = e.YMM(), e.YMM()
	e.VANDPS(e.bits(0x7fffffff), x, u)
	e.VMINPS(u, limit, u)
	low, mh := e.YMM(), e.YMM()
	e.VMULPS(e.f(-0.5), u, mh)
	e.VMULPS(u, mh, ex)
	e.VMOVAPS(ex, low)
	e.VFMSUB231PS(u, mh, low) // −u²/2 = ex + low
	e.exp(r, ex, low)
	p, q := e.YMM(), e.YMM()
	e.VMOVUPS(e.f(tailP[0]), p)
	e.VMOVUPS(e.f(tailQ[0]), q)
	for _, c := range tailQ[1:] {
		e.VFMADD213PS(e.f(c), u, q)
	}
	for _, c := range tailP[1:] {
		e.VFMADD213PS(e.f(c), u, p)
	}
	e.VDIVPS(q, p, p)
	return u, ex, p
}

// coreFit are the coefficients, highest first, of (Φ(x) − ½)/x in x² over
// |x| ≤ 0.75, a Chebyshev fit of our own with an error below 1e-9.
var coreFit = []float32{0.000102967399, -0.001181315832, 0.009972360016, -0.06649029623, 0.3989422795}

// gelu is x·Φ(x): max(x, 0) − u·R(u)·E, and near zero, where Φ is close to ½ and
// its distance from it counts, x·(½ + x·core(x²)).
func (e *elem) gelu(r expRegs, limit, zero, x reg.VecVirtual) reg.VecVirtual {
	u, ex, rat := e.gauss(r, limit, x)
	y := e.YMM()
	e.VMAXPS(x, zero, y)
	e.VMULPS(u, rat, rat) // before E, which may be close to underflow
	e.VFNMADD231PS(ex, rat, y)

	c, x2, near := e.YMM(), e.YMM(), e.YMM()
	e.VMULPS(u, u, x2)
	e.VMOVUPS(e.f(coreFit[0]), c)
	for _, k := range coreFit[1:] {
		e.VFMADD213PS(e.f(k), x2, c)
	}
	e.VFMADD213PS(e.f(0.5), x, c)
	e.VMULPS(x, c, c)
	e.VCMPPS(operand.Imm(0x11), e.f(0.75), u, near) // u < 0.75
	e.VBLENDVPS(near, c, y, y)
	return y
}

// logistic returns t = e^{−|s·x|} and 1 + t, of which σ and 1 − σ are quotients
// without overflow or cancellation.
func (e *elem) logistic(r expRegs, one reg.VecVirtual, s float32, x reg.VecVirtual) (t, den reg.VecVirtual) {
	t = e.YMM()
	e.VORPS(e.bits(0x80000000), x, t) // −|x|
	var low reg.VecVirtual
	if s != 1 {
		c, z := e.YMM(), e.YMM()
		low = e.YMM()
		e.VMOVUPS(e.f(s), c)
		e.VMULPS(c, t, z)
		e.VMOVAPS(z, low)
		e.VFMSUB231PS(c, t, low) // −|s·x| = z + low
		// Far out low means nothing and may not be finite.
		e.VMINPS(e.f(1e-4), low, low)
		e.VMAXPS(e.f(-1e-4), low, low)
		t = z
	}
	e.exp(r, t, low)
	den = e.YMM()
	e.VADDPS(one, t, den)
	return t, den
}

// sigmoid returns num·σ(s·x), num being 1 where nil: num/(1 + t) for x ≥ 0 and
// num·t/(1 + t) below.
func (e *elem) sigmoid(r expRegs, one reg.VecVirtual, s float32, x, num reg.VecVirtual) reg.VecVirtual {
	t, den := e.logistic(r, one, s, x)
	up := e.YMM()
	e.VBLENDVPS(x, t, one, up)
	if num != nil {
		e.VMULPS(num, up, up)
	}
	e.VDIVPS(den, up, up)
	return up
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
		return func(v reg.VecVirtual) reg.VecVirtual { e.exp(r, v, nil); return v }
	})
	unary("sigmoidAVX2", "sigmoidAVX2 is dst = 1/(1 + e⁻ˣ).", func() func(reg.VecVirtual) reg.VecVirtual {
		r, one := e.expRegs(), e.reg8(1)
		return func(v reg.VecVirtual) reg.VecVirtual { return e.sigmoid(r, one, 1, v, nil) }
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
		r, one := e.expRegs(), e.reg8(1)
		return func(v reg.VecVirtual) reg.VecVirtual { return e.sigmoid(r, one, 1.702, v, v) }
	})

	e.fn("expSumAVX2", "func(dst, x []float32, sub float32) float32", "expSumAVX2 is dst = e^{x−sub} and its sum.")
	n, d, x, sub := e.length("dst"), e.slice("dst"), e.slice("x"), e.broadcast("sub")
	r, sum := e.expRegs(), e.zero()
	e.each(n, 1, []reg.GPVirtual{d, x}, func(l lanes, _ int) {
		v := l.load(x)
		e.VSUBPS(sub, v, v)
		e.exp(r, v, nil)
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
		e.VMULPS(ex, q, q) // Q = 1 − Φ(u)
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
		t, den := e.logistic(r, one, 1.702, v)
		e.VDIVPS(den, one, den) // 1/(1+t)
		e.VMULPS(den, t, t)     // t/(1+t): these two are σ and 1−σ, either way round
		s := e.YMM()
		e.VBLENDVPS(v, t, den, s)
		e.VMULPS(den, t, t)
		e.VMULPS(e.f(1.702), v, v)
		e.VFMADD213PS(s, t, v) // σ + 1.702x·σ(1−σ)
		g := l.load(dy)
		e.VMULPS(g, v, v)
		l.store(v, d)
	})
	e.end()
}

// tanh is t/(t+2) with t = e^{2|x|} − 1, under the sign of x, and for |x| < 0.625
// an odd polynomial (Cephes, tanhf).
func (e *elem) tanh(limit, x reg.VecVirtual) reg.VecVirtual {
	u, t := e.YMM(), e.YMM()
	e.VANDPS(e.bits(0x7fffffff), x, u)
	e.VMINPS(u, limit, t)
	e.VADDPS(t, t, t)
	n, q := e.reduce(t, nil)
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
	sign := e.YMM()
	e.VANDPS(e.bits(0x80000000), x, sign)
	e.VORPS(sign, q, q)

	p, x2, near := e.YMM(), e.YMM(), e.YMM()
	e.VMULPS(x, x, x2)
	e.VMOVUPS(e.f(-5.70498872745e-3), p)
	for _, c := range []float32{2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1} {
		e.VFMADD213PS(e.f(c), x2, p)
	}
	e.VMULPS(x2, p, p)
	e.VFMADD213PS(x, x, p)                           // x·(x²·p) + x
	e.VCMPPS(operand.Imm(0x11), e.f(0.625), u, near) // u < 0.625
	e.VBLENDVPS(near, p, q, q)
	return q
}
