package blas

import "unsafe"

// kernel is one micro-kernel family: how tall and wide its full tile is and the
// function that computes tiles.
type kernel struct {
	name string
	mr   int // rows of the full tile
	nr   int // columns of a tile, the width of a packed panel of B
	// depth is the largest number of k steps that a panel of B is used for at a
	// time. Where the panel need not stay in the level-1 cache, deeper is better:
	// each block of k is a pass over C.
	depth int
	// rest lists, in falling order, the row counts that have a routine of their
	// own; any remainder below mr is a sum of them.
	rest []int
	// narrow is the kernel to use where this one's panels would be mostly padding.
	narrow *kernel
	// tiles computes n tiles of rows×nr: C = alpha·A·B, plus C where acc is 1.
	// A is read at a[i·rs+p·cs], B as packed panels of depth k; after each tile
	// a, b and c advance by da, db and dc floats (db counts from the panel's end).
	tiles func(rows, n, k int, a, b, c *float32, rs, cs, ldc, da, db, dc int, alpha float32, acc int)
	// transpose8 reads 8 rows of 8·blocks floats, ld apart, and writes column p
	// to dst[p·dstride:][:8].
	transpose8 func(blocks int, src *float32, ld int, dst *float32, dstride int)
	// strips copies a matrix, rows ld apart, into panels of w columns, dp apart, w
	// being mr or nr: piece p of row q goes to dst[p·dp+q·w:][:w].
	strips func(w, rows, panels int, src *float32, ld int, dst *float32, dp int)
	// dots computes y = alpha·x·wᵀ, plus y where acc is 1, for rows of x (at most
	// dotRows) and groups of four rows of w, steps blocks of 16 deep. It is nil
	// where there is no such routine.
	dots    func(rows, groups, steps int, x *float32, ldx int, w *float32, ldw int, y *float32, ldy int, alpha float32, acc int)
	dotRows int
	// widen turns blocks·16 bfloat16 numbers into floats.
	widen func(blocks int, dst *float32, src *uint16)
}

// kernels lists what this machine can run, the preferred one first; the last is
// always the portable one.
var kernels = append(machineKernels(), &portable)

// best is the kernel that products run on.
var best = kernels[0]

// fit is kn, or its narrow neighbour for n columns that leave much of kn's last
// panel empty: 40 columns are two panels of 32 or three of 16.
func (kn *kernel) fit(n int) *kernel {
	padded := func(nr int) int { return (n + nr - 1) / nr * nr }
	if kn.narrow != nil && 10*padded(kn.nr) > 11*padded(kn.narrow.nr) {
		return kn.narrow
	}
	return kn
}

// Kernel names the micro-kernels that products run on here, for reports: "avx512",
// "avx2", "neon" or "go"; and those of the eight-bit products: "vnni", "avx2" or
// "go".
func Kernel() (float, eightBit string) { return best.name, int8Kernels[0].name }

// portable is plain Go for every architecture.
var portable = kernel{
	name: "go", mr: 4, nr: 4, depth: 384, rest: []int{3, 2, 1},
	tiles: tilesGo, transpose8: transpose8Go, strips: stripsGo, widen: widenGo,
}

func at(p *float32, i int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(p), i*4))
}

// tilesGo is the portable tiles: 4×4 sums held in registers for full tiles.
func tilesGo(rows, n, k int, a, b, c *float32, rs, cs, ldc, da, db, dc int, alpha float32, acc int) {
	for t := range n {
		bp := unsafe.Slice(b, k*4)
		var s [4][4]float32
		if rows == 4 {
			tile4Go(&s, k, a, rs, cs, bp)
		} else {
			for i := range rows {
				for p := range k {
					x := *at(a, i*rs+p*cs)
					q := bp[p*4 : p*4+4 : p*4+4]
					s[i][0] += x * q[0]
					s[i][1] += x * q[1]
					s[i][2] += x * q[2]
					s[i][3] += x * q[3]
				}
			}
		}
		for i := range rows {
			row := unsafe.Slice(at(c, i*ldc), 4)
			for j := range row {
				v := alpha * s[i][j]
				if acc != 0 {
					v += row[j]
				}
				row[j] = v
			}
		}
		if t < n-1 {
			a, b, c = at(a, da), at(b, k*4+db), at(c, dc)
		}
	}
}

func tile4Go(s *[4][4]float32, k int, a *float32, rs, cs int, b []float32) {
	for i := 0; i < 4; i += 2 {
		var s00, s01, s02, s03, s10, s11, s12, s13 float32
		for p := range k {
			x0, x1 := *at(a, i*rs+p*cs), *at(a, (i+1)*rs+p*cs)
			q := b[p*4 : p*4+4 : p*4+4]
			s00 += x0 * q[0]
			s01 += x0 * q[1]
			s02 += x0 * q[2]
			s03 += x0 * q[3]
			s10 += x1 * q[0]
			s11 += x1 * q[1]
			s12 += x1 * q[2]
			s13 += x1 * q[3]
		}
		s[i] = [4]float32{s00, s01, s02, s03}
		s[i+1] = [4]float32{s10, s11, s12, s13}
	}
}

func transpose8Go(blocks int, src *float32, ld int, dst *float32, dstride int) {
	for i := range 8 {
		row := unsafe.Slice(at(src, i*ld), blocks*8)
		for p, v := range row {
			*at(dst, p*dstride+i) = v
		}
	}
}

func stripsGo(w, rows, panels int, src *float32, ld int, dst *float32, dp int) {
	for q := range rows {
		for p := range panels {
			copy(unsafe.Slice(at(dst, p*dp+q*w), w), unsafe.Slice(at(src, q*ld+p*w), w))
		}
	}
}
