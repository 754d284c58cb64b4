package blas

// Blocking. A task computes blockRows×blockCols of C, walking k in the depth
// that B was packed with: its rows of A stay in the level-2 cache while panels of
// B pass through the level-1 cache. The numbers were chosen with BenchmarkSgemm.
const (
	blockRows = 120 // a multiple of 12 and 6
	blockCols = 768
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

// operand is op(A): element (i, p) is data[i·rs+p·cs].
type operand struct {
	data   []float32
	rs, cs int
}

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
	p.pack(transB, b, ldb, par)
	p.mul(m, op, alpha, beta != 0, c, ldc, nil, par)
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
	mr := p.kn.mr
	if a.cs != 1 {
		buf := getScratch((m + mr - 1) / mr * mr * p.k)
		g.packTransposed(*buf, par)
		defer putScratch(buf)
	} else if buf := g.spread(par); buf != nil {
		defer putScratch(buf)
	}
	g.plan(par)
	if par {
		shared := g // only this copy goes to the heap
		Parallel(g.rowBlocks*g.colBlocks, shared.task)
		return
	}
	for t := range g.rowBlocks * g.colBlocks {
		g.task(t)
	}
}

// spread makes g read a copy of A with longer rows, and returns its memory,
// where A's rows lie a multiple of 4096 bytes apart: those fall into one set of
// the level-1 cache and push each other out. Elsewhere it returns nil.
func (g *product) spread(par bool) *[]float32 {
	a, m, k := g.a, g.m, g.p.k
	if a.rs%1024 != 0 || m <= 4 {
		return nil
	}
	ld := k + 16
	buf := getScratch(m * ld)
	g.a = operand{*buf, ld, 1}
	const group = 32
	run(par, (m+group-1)/group, func(t int) {
		for i := t * group; i < min(m, (t+1)*group); i++ {
			copy((*buf)[i*ld:i*ld+k], a.data[i*a.rs:])
		}
	})
	return buf
}

// product is one matrix product under way.
type product struct {
	p      *Packed
	m      int
	a      operand
	panels bool // a is packed: panels of mr rows, in blocks of p.kc
	alpha  float32
	acc    bool
	c      []float32
	ldc    int
	ep     *Epilogue

	rowsPer, panelsPer   int // size of a task
	rowBlocks, colBlocks int
}

// packTransposed makes a copy of a transposed A in panels of mr rows, so that a
// kernel finds what it needs for one k step side by side.
func (g *product) packTransposed(buf []float32, par bool) {
	m, k, kc, mr, a := g.m, g.p.k, g.p.kc, g.p.kn.mr, g.a
	padded := (m + mr - 1) / mr * mr
	rows := blockRows
	if m < 8*rows {
		rows = 4 * mr
	}
	rb := (m + rows - 1) / rows
	run(par, rb*((k+kc-1)/kc), func(t int) {
		i0, k0 := t%rb*rows, t/rb*kc
		kb := min(kc, k-k0)
		packA(buf[k0*padded+i0*kb:], mr, a.data, a.cs, i0, min(m, i0+rows), k0, kb)
	})
	g.a = operand{buf, 1, mr}
	g.panels = true
}

// plan cuts C into tasks, smaller ones where several goroutines must be fed.
func (g *product) plan(par bool) {
	kn := g.p.kn
	rows, cols := blockRows/kn.mr*kn.mr, min(g.p.panels, max(1, blockCols/kn.nr))
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
	for k0 := 0; k0 < p.k; k0 += p.kc {
		kb := min(p.kc, p.k-k0)
		acc := 0
		if g.acc || k0 > 0 {
			acc = 1
		}
		if p.k <= shallow && wide == nil {
			for i := i0; i < i1; {
				i += g.across(i, i1, k0, kb, j0, full, acc)
			}
		} else {
			for j := j0; j < full; j++ {
				g.down(i0, i1, k0, kb, j, acc, p.floats(wide, k0, kb, j))
			}
		}
		if full < j1 {
			g.edge(i0, i1, k0, kb, full, acc, p.floats(wide, k0, kb, full))
		}
	}
	if g.ep != nil {
		g.ep.apply(g.c, g.ldc, p.n, i0, i1, j0*kn.nr, min(p.n, j1*kn.nr))
	}
}

// rowsAt returns where rows i… of A start and how far apart its rows, k steps
// and tiles are.
func (g *product) rowsAt(i, k0, kb int) (a *float32, rs, cs, tile int) {
	mr := g.p.kn.mr
	if g.panels {
		padded := (g.m + mr - 1) / mr * mr
		return &g.a.data[k0*padded+i/mr*mr*kb+i%mr], 1, mr, mr * kb
	}
	return &g.a.data[i*g.a.rs+k0], g.a.rs, 1, mr * g.a.rs
}

// down computes rows i0…i1 of panel j, whose floats are panel.
func (g *product) down(i0, i1, k0, kb, j, acc int, panel []float32) {
	kn := g.p.kn
	b := &panel[0]
	i := i0
	if n := (i1 - i0) / kn.mr; n > 0 {
		a, rs, cs, tile := g.rowsAt(i, k0, kb)
		kn.tiles(kn.mr, n, kb, a, b, &g.c[i*g.ldc+j*kn.nr], rs, cs, g.ldc, tile, -kb*kn.nr, kn.mr*g.ldc, g.alpha, acc)
		i += n * kn.mr
	}
	for _, h := range kn.rest {
		if i1-i >= h {
			a, rs, cs, _ := g.rowsAt(i, k0, kb)
			kn.tiles(h, 1, kb, a, b, &g.c[i*g.ldc+j*kn.nr], rs, cs, g.ldc, 0, 0, 0, g.alpha, acc)
			i += h
		}
	}
}

// across computes the tile row that starts at i over panels j0…j1 and returns
// how many rows that was.
func (g *product) across(i, i1, k0, kb, j0, j1, acc int) int {
	kn := g.p.kn
	rows := kn.tileRows(i1 - i)
	if j0 < j1 {
		a, rs, cs, _ := g.rowsAt(i, k0, kb)
		kn.tiles(rows, j1-j0, kb, a, &g.p.panel(k0, kb, j0)[0], &g.c[i*g.ldc+j0*kn.nr], rs, cs, g.ldc, 0, 0, kn.nr, g.alpha, acc)
	}
	return rows
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
func (g *product) edge(i0, i1, k0, kb, j, acc int, panel []float32) {
	p, kn := g.p, g.p.kn
	b := &panel[0]
	w := p.n - j*kn.nr
	buf := getScratch(kn.mr * kn.nr)
	tmp := *buf
	for i := i0; i < i1; {
		rows := kn.tileRows(i1 - i)
		a, rs, cs, _ := g.rowsAt(i, k0, kb)
		kn.tiles(rows, 1, kb, a, b, &tmp[0], rs, cs, kn.nr, 0, 0, 0, g.alpha, 0)
		for r := range rows {
			src, dst := tmp[r*kn.nr:][:w], g.c[(i+r)*g.ldc+j*kn.nr:][:w]
			if acc == 0 {
				copy(dst, src)
				continue
			}
			for x, v := range src {
				dst[x] += v
			}
		}
		i += rows
	}
	putScratch(buf)
}
