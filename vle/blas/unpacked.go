package blas

import "fmt"

// MulWeights computes dst = x·wᵀ for the first rows rows of x, each k wide, and
// finishes each block with ep (nil for none). w holds n rows of k floats, as for
// [NewPacked]; what dst held is overwritten. Each panel of weights is laid out
// when its turn comes and used while it is in the cache, so that w is read once
// and no copy of it is made: for weights that are mapped from a file, or that
// change. It panics if a slice is too short. dst must not overlap x.
func MulWeights(dst, x []float32, rows int, w []float32, n, k int, ep *Epilogue) {
	if n <= 0 || k <= 0 || len(w) < n*k {
		panic(fmt.Sprintf("blas: MulWeights: %d floats for %d×%d weights", len(w), n, k))
	}
	if rows <= 0 {
		return
	}
	mulWeights(best.fit(n), dst, n, x, k, rows, w, n, k, ep)
}

func mulWeights(kn *kernel, dst []float32, ldd int, x []float32, ldx, rows int, w []float32, n, k int, ep *Epilogue) {
	checkMul(rows, k, n, len(dst), ldd, len(x), ldx)
	if ep != nil {
		ep.check(rows, n)
	}
	work := int64(rows) * int64(n) * int64(k)
	if rows == 1 || work < tiny {
		if rows == 1 {
			gemv(false, n, k, 1, w, k, x, 1, 0, dst, 1)
		} else {
			gemmTiny(operand{x, ldx, 1}, true, rows, n, k, 1, w, k, true, dst, ldd)
		}
		if ep != nil {
			ep.apply(dst, ldd, n, 0, rows, 0, n)
		}
		return
	}
	par := work > oneThread && idle() > 1
	if kn.few(rows, k) {
		kn.mulFew(rows, n, k, 1, x, ldx, w, k, false, dst, ldd, par)
		if ep != nil {
			ep.apply(dst, ldd, n, 0, rows, 0, n)
		}
		return
	}
	p := newPacked(kn, k, n, []float32{}) // a plan without memory
	u := unpacked{product: product{p: &p, m: rows, a: operand{x, ldx, 1}, alpha: 1, c: dst, ldc: ldd, ep: ep}, w: w}
	if u.a.spreads(rows) { // once for all tasks: each reads all rows
		buf := getScratch(rows * (k + gap))
		defer putScratch(buf)
		u.spread(*buf, par)
	}
	u.group = 1
	if rows*k > rowFloats {
		u.group = max(1, groupFloats/(p.kc*kn.nr))
	}
	tasks := 1
	if par {
		tasks = min(p.panels, 4*idle())
	}
	u.panelsPer = (p.panels + tasks - 1) / tasks
	run(par, (p.panels+u.panelsPer-1)/u.panelsPer, u.task)
}

const (
	// rowFloats is how much of the inputs may pass by for each single panel:
	// what stays in a level-2 cache.
	rowFloats = 160 << 10
	// groupFloats is the size of the panels that share the passing of more inputs
	// than that.
	groupFloats = 96 << 10
)

// unpacked is a product with weights that are packed on the way.
type unpacked struct {
	product
	w     []float32
	group int // panels laid out at a time
}

// spread makes u read a copy of A with longer rows, in buf.
func (u *unpacked) spread(buf []float32, par bool) {
	const group = 32
	a, m, k, ld := u.a, u.m, u.p.k, u.p.k+gap
	run(par, (m+group-1)/group, func(t int) {
		for i := t * group; i < min(m, (t+1)*group); i++ {
			copy(buf[i*ld:][:k], a.data[i*a.rs:])
		}
	})
	u.a = operand{buf, ld, 1}
}

// task computes the columns of panelsPer panels.
func (u *unpacked) task(t int) {
	p, kn := u.p, u.p.kn
	buf := getScratch(u.group * p.kc * kn.nr)
	defer putScratch(buf)
	last := min(p.panels, (t+1)*u.panelsPer)
	full := p.n / kn.nr // the panel from here on is padded
	high := p.blockRows()
	for j0 := t * u.panelsPer; j0 < last; j0 += u.group {
		j1 := min(last, j0+u.group)
		for k0 := 0; k0 < p.k; k0 += p.kc {
			kb, acc := min(p.kc, p.k-k0), min(k0, 1)
			panel := func(j int) []float32 { return (*buf)[(j-j0)*kb*kn.nr:][:kb*kn.nr] }
			for j := j0; j < j1; j++ {
				p.packRows(panel(j), u.w, p.k, j*kn.nr, k0, kb)
			}
			for i0 := 0; i0 < u.m; i0 += high {
				i1 := min(u.m, i0+high)
				a := u.a.rows(kn, nil, i0, i1, k0, kb)
				for j := j0; j < min(j1, full); j++ {
					u.down(a, i0, i1, kb, j, acc, panel(j))
				}
				if full < j1 {
					u.edge(a, i0, i1, kb, full, acc, panel(full))
				}
			}
		}
		if u.ep != nil {
			u.ep.apply(u.c, u.ldc, p.n, 0, u.m, j0*kn.nr, min(p.n, j1*kn.nr))
		}
	}
}
