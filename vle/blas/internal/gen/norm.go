package main

import "github.com/mmcloughlin/avo/reg"

// spread copies the lowest lane to all.
func (e *elem) spread(x reg.VecVirtual) { e.VBROADCASTSS(x.(reg.Vec).AsX(), x) }

// count is the length of a slice parameter as a float in the lowest lane.
func (e *elem) count(name string) reg.VecVirtual {
	x := e.zero()
	e.VCVTSI2SSQ(e.length(name), x.(reg.Vec).AsX(), x.(reg.Vec).AsX())
	return x
}

// norm emits layer normalisation of one row and its gradient.
func (e *elem) norm() {
	e.fn("layerNormAVX2", "func(dst, x, gamma, beta []float32, eps float32) (mean, rstd float32)",
		"layerNormAVX2 is dst = (x − mean)·rstd·gamma + beta.")
	x := e.slice("x")
	s, s2 := e.zero(), e.zero()
	e.each(e.length("x"), 2, []reg.GPVirtual{x}, func(l lanes, u int) {
		to := []reg.VecVirtual{s, s2}[u]
		e.VADDPS(l.load(x), to, to)
	})
	e.VADDPS(s2, s, s)
	e.fold(e.VADDPS, s)
	mean := s
	low := func(v reg.VecVirtual) reg.Register { return v.(reg.Vec).AsX() }
	e.VDIVSS(low(e.count("x")), low(mean), low(mean))
	e.Store(low(mean), e.ReturnIndex(0))
	e.spread(mean)

	x = e.slice("x")
	v, v2 := e.zero(), e.zero()
	e.each(e.length("x"), 2, []reg.GPVirtual{x}, func(l lanes, u int) {
		to := []reg.VecVirtual{v, v2}[u]
		d := l.load(x)
		e.VSUBPS(mean, d, d)
		l.blank(d)
		e.VFMADD231PS(d, d, to)
	})
	e.VADDPS(v2, v, v)
	e.fold(e.VADDPS, v)
	e.VDIVSS(low(e.count("x")), low(v), low(v))
	e.VADDSS(e.argMem("eps"), low(v), low(v))
	e.VSQRTSS(low(v), low(v), low(v))
	rstd := e.reg8(1)
	e.VDIVSS(low(v), low(rstd), low(rstd))
	e.Store(low(rstd), e.ReturnIndex(1))
	e.spread(rstd)

	x = e.slice("x")
	dst, gamma, beta := e.slice("dst"), e.slice("gamma"), e.slice("beta")
	e.each(e.length("x"), 2, []reg.GPVirtual{x, dst, gamma, beta}, func(l lanes, _ int) {
		d, g, b := l.load(x), l.load(gamma), l.load(beta)
		e.VSUBPS(mean, d, d)
		e.VMULPS(rstd, d, d)
		e.VFMADD213PS(b, g, d)
		l.store(d, dst)
	})
	e.end()

	e.fn("layerNormGradAVX2", "func(dx, dy, x, gamma []float32, mean, rstd float32, dgamma, dbeta []float32)",
		"layerNormGradAVX2 is the gradient of layerNormAVX2; dgamma and dbeta are added to.")
	mean, rstd = e.broadcast("mean"), e.broadcast("rstd")
	x = e.slice("x")
	dy, gamma := e.slice("dy"), e.slice("gamma")
	dg, db := e.slice("dgamma"), e.slice("dbeta")
	a, b := e.zero(), e.zero()
	e.each(e.length("x"), 1, []reg.GPVirtual{x, dy, gamma, dg, db}, func(l lanes, _ int) {
		h, g, w := l.load(x), l.load(dy), l.load(gamma)
		e.VSUBPS(mean, h, h)
		e.VMULPS(rstd, h, h) // x̂; beyond the end dy is 0
		sg := l.load(dg)
		e.VFMADD231PS(h, g, sg)
		l.store(sg, dg)
		sb := l.load(db)
		e.VADDPS(g, sb, sb)
		l.store(sb, db)
		e.VMULPS(w, g, g)
		e.VADDPS(g, a, a)
		e.VFMADD231PS(h, g, b)
	})
	for _, sum := range []reg.VecVirtual{a, b} {
		e.fold(e.VADDPS, sum)
		e.VDIVSS(low(e.count("x")), low(sum), low(sum))
		e.spread(sum)
	}
	x, dy, gamma = e.slice("x"), e.slice("dy"), e.slice("gamma")
	dx := e.slice("dx")
	e.each(e.length("x"), 2, []reg.GPVirtual{x, dy, gamma, dx}, func(l lanes, _ int) {
		h, g, w := l.load(x), l.load(dy), l.load(gamma)
		e.VSUBPS(mean, h, h)
		e.VMULPS(rstd, h, h)
		e.VFMSUB213PS(a, w, g) // dy·γ − a
		e.VFNMADD231PS(h, b, g)
		e.VMULPS(rstd, g, g)
		l.store(g, dx)
	})
	e.end()
}
