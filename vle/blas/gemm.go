package blas

import "sync"

// Blocking. A task computes blockRows×blockCols of C, walking k in the depth
// that B was packed with: its rows of A stay in the level-2 cache while panels of
// B pass through the level-1 cache. The numbers were chosen with BenchmarkSgemm.
const (
	blockRows = 120 // a multiple of 12 and 6
	blockCols = 768
	// blockFloats bounds the floats of A that a task reads in one block of k.
	blockFloats = 64 << 10
	// shallow is the depth up to which a row of tiles is computed across the
	// panels rather than down the rows: there writing C is what costs, and this
	// order writes it contiguously.
	shallow = 160
	// oneThread is the number of multiply-adds below which starting a helper
	// costs more than it brings.
	oneThread = 200_000
	// tiny is the number of multiply-adds below which packing does not pay.
	tiny = 300
)

// gemm is C = alpha·op(A)·op(B) + beta·C on checked arguments, m, n, k > 0.
func gemm(kn *kernel, transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	work := int64(m) * int64(n) * int64(k)
	par := work > oneThread && idle() > 1
	if alpha == 0 {
		if beta != 1 {
			scaleMatrix(m, n, beta, c, ldc)
		}
		return
	}
	switch {
	case m == 1: // a row: cᵀ = op(B)ᵀ·aᵀ
		incA := 1
		if transA {
			incA = lda
		}
		if transB {
			gemv(false, n, k, alpha, b, ldb, a, incA, beta, c, 1)
		} else {
			gemv(true, k, n, alpha, b, ldb, a, incA, beta, c, 1)
		}
		return
	case n == 1: // a column
		incB := ldb
		if transB {
			incB = 1
		}
		if transA {
			gemv(true, k, m, alpha, a, lda, b, incB, beta, c, ldc)
		} else {
			gemv(false, m, k, alpha, a, lda, b, incB, beta, c, ldc)
		}
		return
	}
	if beta != 1 && beta != 0 {
		scaleMatrix(m, n, beta, c, ldc)
	}
	if !transA && transB && kn.few(m, k) {
		kn.mulFew(m, n, k, alpha, a, lda, b, ldb, beta != 0, c, ldc, par)
		return
	}
	op := operand{a, lda, 1}
	if transA {
		op = operand{a, 1, lda}
	}
	if work < tiny {
		gemmTiny(op, transB, m, n, k, alpha, b, ldb, beta == 0, c, ldc)
		return
	}
	buf := getScratch(packedSize(kn, k, n))
	p := newPacked(kn, k, n, *buf)
	g := product{p: &p, m: m, a: op, alpha: alpha, acc: beta != 0, c: c, ldc: ldc, b: b, transB: transB, ldb: ldb}
	g.run(par)
	putScratch(buf)
}

// scaleMatrix is C *= beta; zero overwrites, NaN included.
func scaleMatrix(m, n int, beta float32, c []float32, ldc int) {
	for i := range m {
		row := c[i*ldc : i*ldc+n]
		if beta == 0 {
			clear(row)
			continue
		}
		for j := range row {
			row[j] *= beta
		}
	}
}

// gemmTiny is the product of matrices too small to pack.
func gemmTiny(a operand, transB bool, m, n, k int, alpha float32, b []float32, ldb int, overwrite bool, c []float32, ldc int) {
	rs, cs := ldb, 1
	if transB {
		rs, cs = 1, ldb
	}
	for i := range m {
		row := c[i*ldc : i*ldc+n]
		for j := range row {
			var s float32
			for p := range k {
				s += a.data[i*a.rs+p*a.cs] * b[p*rs+j*cs]
			}
			if overwrite {
				row[j] = alpha * s
			} else {
				row[j] += alpha * s
			}
		}
	}
}

// mul is C[m×n] = alpha·op(A)·p (+ C where acc), followed by the epilogue on
// each finished block. par shares the blocks over idle processors.
func (p *Packed) mul(m int, a operand, alpha float32, acc bool, c []float32, ldc int, ep *Epilogue, par bool) {
	g := product{p: p, m: m, a: a, alpha: alpha, acc: acc, c: c, ldc: ldc, ep: ep}
	g.run(par)
}

// product is one matrix product under way.
type product struct {
	p     *Packed
	m     int
	a     operand
	alpha float32
	acc   bool
	c     []float32
	ldc   int
	ep    *Epilogue

	// b is what p is to be packed from first, or nil; see Packed.pack.
	b      []float32
	transB bool
	ldb    int

	rowsPer, panelsPer   int // size of a task
	rowBlocks, colBlocks int
}

// run computes the product.
func (g *product) run(par bool) {
	g.plan(par)
	n := g.rowBlocks * g.colBlocks
	if !par {
		if g.b != nil {
			g.p.packPanels(g.transB, g.b, g.ldb, 0, g.p.panels)
		}
		for t := range n {
			g.task(t)
		}
		return
	}
	s := sharedProduct{product: *g, plain: *g.p} // only these copies go to the heap
	s.p = &s.plain
	if g.b == nil {
		Parallel(n, s.task)
		return
	}
	// Packing and multiplying are one list of tasks: a second call of Parallel
	// would wake its helpers anew.
	per := min(4, (s.p.panels+4*idle()-1)/(4*idle()))
	packs := (s.p.panels + per - 1) / per
	s.packed.Add(packs)
	Parallel(packs+n, func(t int) {
		if t >= packs {
			s.packed.Wait() // all packs have been started: tasks are handed out in order
			s.task(t - packs)
			return
		}
		defer s.packed.Done()
		s.p.packPanels(s.transB, s.b, s.ldb, t*per, min(s.p.panels, (t+1)*per))
	})
}

// sharedProduct is a product that several goroutines work on.
type sharedProduct struct {
	product
	plain  Packed
	packed sync.WaitGroup // the tasks that pack B
}

// blockRows is how many rows of A stay in the level-2 cache, in whole tiles.
func (p *Packed) blockRows() int {
	return min(blockRows, max(blockFloats/p.kc, 4*p.kn.mr)) / p.kn.mr * p.kn.mr
}

// plan cuts C into tasks, smaller ones where several goroutines must be fed.
func (g *product) plan(par bool) {
	kn := g.p.kn
	rows := g.p.blockRows()
	cols := min(g.p.panels, max(1, blockCols/kn.nr))
	count := func() int {
		g.rowBlocks = (g.m + rows - 1) / rows
		g.colBlocks = (g.p.panels + cols - 1) / cols
		return g.rowBlocks * g.colBlocks
	}
	want := 1
	if par {
		want = 4 * idle()
	}
	for count() < want && rows > 4*kn.mr && g.m > rows/2 {
		rows = max(kn.mr, rows/2/kn.mr*kn.mr)
	}
	for count() < want && cols > 1 {
		cols = (cols + 1) / 2
	}
	// An odd task at the end keeps one busy and the others waiting: 11 tasks on
	// two are 12 in time. Fewer columns cost less than fewer rows do.
	for threads := idle(); par && !balanced(count(), threads) && cols > 4; {
		cols = (cols + 1) / 2
	}
	g.rowsPer, g.panelsPer = rows, cols
}

// balanced reports whether that many equal tasks lose under a 25th on as many
// threads.
func balanced(tasks, threads int) bool {
	rounds := (tasks + threads - 1) / threads
	return 25*(rounds*threads-tasks) <= tasks
}

// task computes block t of C.
func (g *product) task(t int) {
	p, kn := g.p, g.p.kn
	i0 := t % g.rowBlocks * g.rowsPer
	i1 := min(g.m, i0+g.rowsPer)
	j0 := t / g.rowBlocks * g.panelsPer
	j1 := min(p.panels, j0+g.panelsPer)
	full := min(j1, p.n/kn.nr) // panels from here on are padded
	var wide []float32         // one panel of bfloat16 weights as floats
	if p.half != nil {
		buf := getScratch(p.kc * kn.nr)
		defer putScratch(buf)
		wide = *buf
	}
	var room []float32 // for a copy of the rows of A
	if n := g.a.room(kn.mr, i1-i0, p.kc); n > 0 {
		buf := getScratch(n)
		defer putScratch(buf)
		room = *buf
	}
	for k0 := 0; k0 < p.k; k0 += p.kc {
		kb := min(p.kc, p.k-k0)
		acc := 0
		if g.acc || k0 > 0 {
			acc = 1
		}
		a := g.a.rows(kn, room, i0, i1, k0, kb)
		if p.k <= shallow && wide == nil {
			for i := i0; i < i1; {
				i += g.across(a, i, i1, k0, kb, j0, full, acc)
			}
		} else {
			for j := j0; j < full; j++ {
				g.down(a, i0, i1, kb, j, acc, p.floats(wide, k0, kb, j))
			}
		}
		if full < j1 {
			g.edge(a, i0, i1, kb, full, acc, p.floats(wide, k0, kb, full))
		}
	}
	if g.ep != nil {
		g.ep.apply(g.c, g.ldc, p.n, i0, i1, j0*kn.nr, min(p.n, j1*kn.nr))
	}
}

// down computes rows i0…i1 of panel j, whose floats are panel.
func (g *product) down(a rows, i0, i1, kb, j, acc int, panel []float32) {
	kn := g.p.kn
	b := &panel[0]
	i := i0
	if n := (i1 - i0) / kn.mr; n > 0 {
		kn.tiles(kn.mr, n, kb, a.at(i), b, &g.c[i*g.ldc+j*kn.nr], a.rs, a.cs, g.ldc, a.tile, -kb*kn.nr, kn.mr*g.ldc, g.alpha, acc)
		i += n * kn.mr
	}
	for _, h := range kn.rest {
		if i1-i >= h {
			kn.tiles(h, 1, kb, a.at(i), b, &g.c[i*g.ldc+j*kn.nr], a.rs, a.cs, g.ldc, 0, 0, 0, g.alpha, acc)
			i += h
		}
	}
}

// across computes the tile row that starts at i over panels j0…j1 and returns
// how many rows that was.
func (g *product) across(a rows, i, i1, k0, kb, j0, j1, acc int) int {
	kn := g.p.kn
	h := kn.tileRows(i1 - i)
	if j0 < j1 {
		kn.tiles(h, j1-j0, kb, a.at(i), &g.p.panel(k0, kb, j0)[0], &g.c[i*g.ldc+j0*kn.nr], a.rs, a.cs, g.ldc, 0, 0, kn.nr, g.alpha, acc)
	}
	return h
}

// tileRows is the tallest tile for the rows that are left.
func (kn *kernel) tileRows(left int) int {
	if left >= kn.mr {
		return kn.mr
	}
	for _, h := range kn.rest {
		if left >= h {
			return h
		}
	}
	return 0
}

// edge computes rows i0…i1 of the last panel, which is wider than what is left
// of C, by way of a tile of its own.
func (g *product) edge(a rows, i0, i1, kb, j, acc int, panel []float32) {
	p, kn := g.p, g.p.kn
	b := &panel[0]
	w := p.n - j*kn.nr
	buf := getScratch(kn.mr * kn.nr)
	tmp := *buf
	for i := i0; i < i1; {
		h := kn.tileRows(i1 - i)
		kn.tiles(h, 1, kb, a.at(i), b, &tmp[0], a.rs, a.cs, kn.nr, 0, 0, 0, g.alpha, 0)
		for r := range h {
			src, dst := tmp[r*kn.nr:][:w], g.c[(i+r)*g.ldc+j*kn.nr:][:w]
			if acc == 0 {
				copy(dst, src)
				continue
			}
			for x, v := range src {
				dst[x] += v
			}
		}
		i += h
	}
	putScratch(buf)
}
