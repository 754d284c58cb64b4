package nn

import (
	"math"

	"govle/vle/blas"
)

// infer attends into y without keeping probabilities. Of each head's scores a
// block of rows exists at a time; the position terms are gathered into it
// before its softmax.
func (o *Disentangled) infer(y []float32) {
	rows, n := rowsCols(o.Q)
	d := n / o.Heads
	q, k, v := Floats(o.Q), Floats(o.K), Floats(o.V)
	scale := o.scale(d)
	w := o.span()
	work := 2 * rows * (o.Rows.Max() + w) * n
	parallel(o.Rows.Items()*o.Heads, work, func(task int) {
		item, h := task/o.Heads, task%o.Heads
		l := o.Rows.Len(item)
		if l == 0 {
			return
		}
		at := o.Rows[item]*n + h*d
		a := blas.Attention{
			Heads: 1, Dim: d, Queries: l, Keys: l, Scale: scale,
			Q: q[at:], K: k[at:], V: v[at:], LdQ: n, LdK: n, LdV: n,
		}
		var mask []float32
		if o.Mask != nil {
			mask = o.Mask[o.Rows[item]:][:l]
		}
		var keyTerm []float32 // [tokens × span]: Kⱼ·PQ
		if o.PQ != nil {
			buf, handle := scratch(l * w)
			defer dropScratch(handle)
			gemm(plain, transposed, l, w, d, scale, k[at:], n, Floats(o.PQ)[h*d:], n, 0, buf, w)
			keyTerm = buf
		}
		if w > 0 || mask != nil {
			a.Scores = func(b blas.ScoreBlock) {
				var queryTerm []float32 // [rows of the block × span]: Qᵢ·PK
				if o.PK != nil {
					buf, handle := scratch(b.Rows * w)
					defer dropScratch(handle)
					gemm(plain, transposed, b.Rows, w, d, scale, q[at+b.Row*n:], n, Floats(o.PK)[h*d:], n, 0, buf, w)
					queryTerm = buf
				}
				for i := range b.Rows {
					o.finishScores(b.Data[i*b.Ld:][:l], b.Row+i, queryTerm, i, keyTerm, mask, w)
				}
			}
		}
		a.Run(y[at:], n)
		for i, m := range mask {
			if m == 0 { // padding attends to nothing
				clear(y[at+i*n:][:d])
			}
		}
	})
}

// finishScores adds the position terms to the scores of query i, the row of
// queryTerm being its number in the block, and takes padding out.
func (o *Disentangled) finishScores(row []float32, i int, queryTerm []float32, inBlock int, keyTerm, mask []float32, w int) {
	l := len(row)
	switch {
	case queryTerm != nil && keyTerm != nil:
		idx, c := o.distances(i, l), queryTerm[inBlock*w:(inBlock+1)*w]
		for j := range row {
			at := int(idx[l-1-j])
			row[j] += c[at] + keyTerm[j*w+at]
		}
	case queryTerm != nil:
		o.addQueryTerm(row, queryTerm[inBlock*w:(inBlock+1)*w], i)
	case keyTerm != nil:
		o.addKeyTerm(row, keyTerm, i, w)
	}
	for j, m := range mask {
		if m == 0 {
			row[j] = -math.MaxFloat32
		}
	}
}
