package blas

import "fmt"

// Packed is a matrix B (k×n) laid out for the micro-kernel: cut into blocks of
// k, each block into panels of columns, each panel stored k step by k step and
// padded with zeros to the kernel's width. It is read-only after packing and may
// be used by any number of goroutines at once.
type Packed struct {
	k, n   int
	kc     int // depth of a block (the last may be shallower)
	panels int
	kn     *kernel
	data   []float32
	half   []uint16 // bfloat16, in place of data; see NewPackedBF16
}

// NewPacked packs the weights of a linear layer y = x·wᵀ: w holds n rows
// (outputs) of k floats (inputs), as torch's nn.Linear and spago's linear layer
// keep them. It panics if w is shorter than n·k or a size is not positive.
func NewPacked(w []float32, n, k int) *Packed {
	if n <= 0 || k <= 0 || len(w) < n*k {
		panic(fmt.Sprintf("blas: NewPacked: %d floats for %d×%d weights", len(w), n, k))
	}
	p := newPacked(best.fit(n), k, n, nil)
	p.pack(true, w, k, true)
	return &p
}

// Rows is k, the width of the inputs that Mul takes.
func (p *Packed) Rows() int { return p.k }

// Cols is n, the width of the outputs that Mul writes.
func (p *Packed) Cols() int { return p.n }

// newPacked lays out a k×n matrix in buf, or in fresh memory where buf is nil.
func newPacked(kn *kernel, k, n int, buf []float32) Packed {
	blocks := (k + kn.depth - 1) / kn.depth
	kc := k
	if blocks > 1 { // equal blocks: no thin last one
		kc = ((k+blocks-1)/blocks + 7) &^ 7
	}
	p := Packed{k: k, n: n, kc: kc, panels: (n + kn.nr - 1) / kn.nr, kn: kn, data: buf}
	if buf == nil {
		p.data = make([]float32, packedSize(kn, k, n))
	}
	return p
}

// packedSize is how many floats a packed k×n matrix takes.
func packedSize(kn *kernel, k, n int) int {
	return (n + kn.nr - 1) / kn.nr * kn.nr * k
}

// panel returns panel j of the block that starts at k0 and is kb deep.
func (p *Packed) panel(k0, kb, j int) []float32 {
	off, size := p.at(k0, kb, j)
	return p.data[off : off+size]
}

// at is where panel j of the block that starts at k0 lies, and its size.
func (p *Packed) at(k0, kb, j int) (off, size int) {
	return (k0*p.panels + j*kb) * p.kn.nr, kb * p.kn.nr
}

// pack fills p from b, which is k×n or, with trans, n×k.
func (p *Packed) pack(trans bool, b []float32, ldb int, par bool) {
	const group = 4 // panels a task
	if !par || p.panels <= group {
		p.packPanels(trans, b, ldb, 0, p.panels)
		return
	}
	shared := *p // only this copy goes to the heap
	Parallel((p.panels+group-1)/group, func(g int) {
		shared.packPanels(trans, b, ldb, g*group, min(shared.panels, (g+1)*group))
	})
}

// packPanels is pack for panels j0…j1.
func (p *Packed) packPanels(trans bool, b []float32, ldb, j0, j1 int) {
	nr := p.kn.nr
	whole := min(j1, p.n/nr)
	for k0 := 0; k0 < p.k; k0 += p.kc {
		kb := min(p.kc, p.k-k0)
		if trans {
			for j := j0; j < j1; j++ {
				p.packRows(p.panel(k0, kb, j), b, ldb, j*nr, k0, kb)
			}
			continue
		}
		if j0 < whole {
			p.kn.strips(nr, kb, whole-j0, &b[k0*ldb+j0*nr], ldb, &p.panel(k0, kb, j0)[0], kb*nr)
		}
		if whole < j1 { // the last panel is wider than what is left of b
			d, w := p.panel(k0, kb, whole), p.n-whole*nr
			for q := range kb {
				row := d[q*nr : q*nr+nr]
				clear(row[copy(row, b[(k0+q)*ldb+whole*nr:][:w]):])
			}
		}
	}
}

// packRows copies columns c0… of rows k0…k0+kb of a transposed b: they are rows
// c0… there, and become columns eight at a time.
func (p *Packed) packRows(d, b []float32, ldb, c0, k0, kb int) {
	nr := p.kn.nr
	w := min(nr, p.n-c0)
	blocks := kb / 8
	g := 0
	for ; g+8 <= w; g += 8 {
		if blocks > 0 {
			p.kn.transpose8(blocks, &b[(c0+g)*ldb+k0], ldb, &d[g], nr)
		}
		for q := blocks * 8; q < kb; q++ {
			for i := g; i < g+8; i++ {
				d[q*nr+i] = b[(c0+i)*ldb+k0+q]
			}
		}
	}
	for i := g; i < w; i++ {
		for q, v := range b[(c0+i)*ldb+k0:][:kb] {
			d[q*nr+i] = v
		}
	}
	if w < nr {
		for q := range kb {
			clear(d[q*nr+w : q*nr+nr])
		}
	}
}

// packA copies rows i0…i1 and columns k0…k0+kb of an A stored transposed, its
// element (i, p) at a[p·lda+i], into panels of kn.mr rows, each stored k step by
// k step. Missing rows of the last panel are left as they are: no kernel reads
// them.
func packA(kn *kernel, d, a []float32, lda, i0, i1, k0, kb int) {
	mr := kn.mr
	full := (i1 - i0) / mr
	if full > 0 {
		kn.strips(mr, kb, full, &a[k0*lda+i0], lda, &d[0], mr*kb)
	}
	i0 += full * mr
	if i0 == i1 {
		return
	}
	d = d[full*mr*kb:]
	for q := range kb {
		copy(d[q*mr:], a[(k0+q)*lda+i0:(k0+q)*lda+i1])
	}
}
