package blas

import (
	"fmt"

	"govle/vle/blas/vec"
)

// Attention is multi-head scaled dot-product attention of one item (Vaswani et
// al. 2017): for each head, softmax(Scale·Q·Kᵀ + KeyBias)·V. Only a block of
// rows of the scores exists at a time.
//
// Q is [Queries × Heads·Dim], K and V [Keys × Heads·Dim], each with a row
// stride of its own, so that they may be columns of one joint projection. Head
// h owns columns h·Dim … (h+1)·Dim−1.
type Attention struct {
	Heads, Dim    int
	Queries, Keys int
	Q, K, V       []float32
	LdQ, LdK, LdV int
	Scale         float32

	// KeyBias is added to each row of the scores (0 to attend, a large negative
	// number to mask), or nil.
	KeyBias []float32
	// Scores, if set, is given each block of scores before the softmax and may
	// change it: relative positions, masks of pairs. Calls come from several
	// goroutines at once, each for a block of its own.
	Scores func(b ScoreBlock)
	// Probs, if set, is given each block of probabilities, to keep or to drop
	// out. What it leaves there is multiplied by V.
	Probs func(b ScoreBlock)
}

// ScoreBlock is rows Row … Row+Rows−1 of one head's [Queries × Keys] matrix; row i
// of the block is Data[i·Ld : i·Ld+Keys].
type ScoreBlock struct {
	Head, Row, Rows, Keys int
	Data                  []float32
	Ld                    int
}

// scoreFloats bounds a block of scores to what a level-2 cache holds beside the
// packed keys or values.
const scoreFloats = 48 << 10

// Run writes the [Queries × Heads·Dim] result to dst, rows ldd apart; what dst
// held is overwritten, and it must not overlap K or V. It panics if a slice is
// too short for its shape.
func (a *Attention) Run(dst []float32, ldd int) {
	a.check(dst, ldd)
	if a.Queries == 0 || a.Heads == 0 || a.Dim == 0 {
		return
	}
	if a.Keys == 0 {
		scaleMatrix(a.Queries, a.Heads*a.Dim, 0, dst, ldd)
		return
	}
	kn, kv := best.fit(a.Keys), best.fit(a.Dim)
	padded := (a.Keys + kn.nr - 1) / kn.nr * kn.nr
	sizeK, sizeV := padded*a.Dim, packedSize(kv, a.Keys, a.Dim)
	buf := getScratch(a.Heads * (sizeK + sizeV))
	defer putScratch(buf)
	keys, values := make([]Packed, a.Heads), make([]Packed, a.Heads)
	work := 2 * int64(a.Queries) * int64(a.Keys) * int64(a.Dim*a.Heads)
	par := work > oneThread && idle() > 1
	run(par, 2*a.Heads, func(t int) {
		h := t / 2
		at := h * (sizeK + sizeV)
		if t%2 == 0 {
			keys[h] = newPacked(kn, a.Dim, a.Keys, (*buf)[at:at+sizeK])
			keys[h].pack(true, a.K[h*a.Dim:], a.LdK, false)
			keys[h].n = padded // scores are computed to whole panels, no edge
			return
		}
		values[h] = newPacked(kv, a.Keys, a.Dim, (*buf)[at+sizeK:at+sizeK+sizeV])
		values[h].pack(false, a.V[h*a.Dim:], a.LdV, false)
	})
	ld := padded
	if ld%1024 == 0 {
		ld += 16 // rows 4096 bytes apart would share cache sets
	}
	rows := max(1, scoreFloats/ld/kn.mr) * kn.mr
	rows = min(rows, 8*kn.mr, (a.Queries+kn.mr-1)/kn.mr*kn.mr)
	blocks := (a.Queries + rows - 1) / rows
	run(par, a.Heads*blocks, func(t int) {
		h, i0 := t/blocks, t%blocks*rows
		a.block(dst, ldd, h, i0, min(a.Queries, i0+rows), &keys[h], &values[h], ld)
	})
}

// block computes rows i0…i1 of head h.
func (a *Attention) block(dst []float32, ldd, h, i0, i1 int, keys, values *Packed, ld int) {
	buf := getScratch((i1-i0)*ld + i1 - i0)
	defer putScratch(buf)
	s, inverse := (*buf)[:(i1-i0)*ld], (*buf)[(i1-i0)*ld:]
	keys.mul(i1-i0, operand{a.Q[i0*a.LdQ+h*a.Dim:], a.LdQ, 1}, a.Scale, false, s, ld, nil, false)
	b := ScoreBlock{Head: h, Row: i0, Rows: i1 - i0, Keys: a.Keys, Data: s, Ld: ld}
	if a.KeyBias != nil {
		for i := range b.Rows {
			vec.Add(s[i*ld:i*ld+a.Keys], a.KeyBias[:a.Keys])
		}
	}
	if a.Scores != nil {
		a.Scores(b)
	}
	for i := range b.Rows {
		row := s[i*ld : i*ld+a.Keys]
		sum := vec.ExpSum(row, row, vec.Max(row))
		inverse[i] = 1 / sum
		if a.Probs != nil {
			vec.Scale(row, inverse[i])
		}
	}
	if a.Probs != nil {
		a.Probs(b)
	}
	out := dst[i0*ldd+h*a.Dim:]
	values.mul(b.Rows, operand{s, ld, 1}, 1, false, out, ldd, nil, false)
	if a.Probs == nil { // cheaper to divide the result than the row
		for i := range b.Rows {
			vec.Scale(out[i*ldd:i*ldd+a.Dim], inverse[i])
		}
	}
}

func (a *Attention) check(dst []float32, ldd int) {
	w := a.Heads * a.Dim
	if a.Heads < 0 || a.Dim < 0 || a.Queries < 0 || a.Keys < 0 {
		panic(fmt.Sprintf("blas: Attention of %d heads of %d, %d queries, %d keys", a.Heads, a.Dim, a.Queries, a.Keys))
	}
	need := func(name string, n, rows, ld int) {
		if rows > 0 && (ld < w || n < (rows-1)*ld+w) {
			panic(fmt.Sprintf("blas: Attention: %s has %d floats, %d a row, for %d×%d", name, n, ld, rows, w))
		}
	}
	need("Q", len(a.Q), a.Queries, a.LdQ)
	need("K", len(a.K), a.Keys, a.LdK)
	need("V", len(a.V), a.Keys, a.LdV)
	need("the result", len(dst), a.Queries, ldd)
	if a.KeyBias != nil && len(a.KeyBias) < a.Keys {
		panic(fmt.Sprintf("blas: Attention: %d key biases for %d keys", len(a.KeyBias), a.Keys))
	}
}
