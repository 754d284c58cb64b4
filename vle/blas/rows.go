package blas

// operand is op(A): element (i, p) is data[i·rs+p·cs], and one of the strides is 1.
type operand struct {
	data   []float32
	rs, cs int
}

// rows is a block of rows of A, some k steps deep, as the micro-kernels read it:
// from the first of each tile of mr rows on, rows are rs and k steps cs floats
// apart, and the next tile starts tile floats on.
type rows struct {
	data         []float32
	i0, mr       int
	rs, cs, tile int
}

// at is where row i of A starts.
func (r rows) at(i int) *float32 {
	i -= r.i0
	return &r.data[i/r.mr*r.tile+i%r.mr*r.rs]
}

// spreads reports whether rows are read from a copy with longer rows: those that
// lie a multiple of 4096 bytes apart fall into one set of the level-1 cache and
// push each other out.
func (o operand) spreads(n int) bool { return o.cs == 1 && o.rs%1024 == 0 && n > 4 }

// gap is how much longer rows of such a copy are.
const gap = 16

// room is how many floats rows needs for a copy of n rows, depth k steps deep: 0
// where A is read as it lies.
func (o operand) room(mr, n, depth int) int {
	switch {
	case o.cs != 1:
		return (n + mr - 1) / mr * mr * depth
	case o.spreads(n):
		return n * (depth + gap)
	}
	return 0
}

// rows returns rows i0…i1 and k steps k0…k0+kb of A, copied to room where room
// asks for it: a transposed A into panels of mr rows, so that a kernel finds what
// it needs for one k step side by side. Each task copies its own rows, into its
// own cache.
func (o operand) rows(kn *kernel, room []float32, i0, i1, k0, kb int) rows {
	switch {
	case o.cs != 1:
		packA(kn, room, o.data, o.cs, i0, i1, k0, kb)
		return rows{room, i0, kn.mr, 1, kn.mr, kn.mr * kb}
	case room != nil:
		ld := kb + gap
		for i := i0; i < i1; i++ {
			copy(room[(i-i0)*ld:][:kb], o.data[i*o.rs+k0:])
		}
		return rows{room, i0, kn.mr, ld, 1, kn.mr * ld}
	}
	return rows{o.data[i0*o.rs+k0:], i0, kn.mr, o.rs, 1, kn.mr * o.rs}
}
