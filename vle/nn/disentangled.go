package nn

import (
	"math"

	"github.com/nlpodyssey/spago/mat"
)

// Disentangled is DeBERTa's self-attention (He et al. 2021, eq. 4) of each
// item over itself. The score of query i and key j is
//
//	(Qᵢ·Kⱼ + Qᵢ·PK[δ(i−j)] + Kⱼ·PQ[δ(i−j)]) / √(d·s)
//
// with δ the row of the distance's bucket and s = Terms. Q, K and V
// are [rows × hidden]; PK and PQ [Span.Count × hidden] are the projected
// relative position embeddings, nil where a term is not used.
type Disentangled struct {
	Q, K, V, PK, PQ mat.Tensor
	// Rows says which rows belong to which item.
	Rows  Layout
	Heads int
	// Terms is s: 1 and one for each kind of position term the model was built
	// with.
	Terms int
	// Span maps distances to the rows of PK and PQ.
	Span *Span
	// Mask is 1 for a token and 0 for padding, nil for no padding. A pair
	// takes part when both are tokens; a row of padding attends to nothing.
	Mask []float32
	// Drop is the dropout of the probabilities.
	Drop DropMask
	// Keep keeps Probabilities after an inference run too.
	Keep bool
	// Probabilities holds, item by item, [heads × tokens × tokens] after the
	// operator has run with a graph or with Keep.
	Probabilities []float32
}

var _ Operator = (*Disentangled)(nil)

// Operands returns Q, K, V and those of PK and PQ that are set.
func (o *Disentangled) Operands() []mat.Tensor {
	ops := []mat.Tensor{o.Q, o.K, o.V}
	if o.PK != nil {
		ops = append(ops, o.PK)
	}
	if o.PQ != nil {
		ops = append(ops, o.PQ)
	}
	return ops
}

func (o *Disentangled) check() error {
	rows, n := rowsCols(o.Q)
	for _, t := range []mat.Tensor{o.K, o.V} {
		if a, b := rowsCols(t); a != rows || b != n {
			return shapeError("Disentangled", "queries %d×%d, keys or values %d×%d", rows, n, a, b)
		}
	}
	for _, t := range []mat.Tensor{o.PK, o.PQ} {
		if t == nil {
			continue
		}
		if o.Span == nil || o.Span.length < o.Rows.Max() {
			return shapeError("Disentangled", "no span for %d tokens", o.Rows.Max())
		}
		if a, b := rowsCols(t); a != o.Span.Count || b != n {
			return shapeError("Disentangled", "positions %d×%d for a span of %d and %d columns", a, b, o.Span.Count, n)
		}
	}
	switch {
	case o.Terms < 1:
		return shapeError("Disentangled", "%d terms", o.Terms)
	case o.Heads <= 0 || n%o.Heads != 0:
		return shapeError("Disentangled", "%d columns do not divide into %d heads", n, o.Heads)
	case o.Rows.Rows() != rows:
		return shapeError("Disentangled", "a layout of %d rows for %d", o.Rows.Rows(), rows)
	case o.Mask != nil && len(o.Mask) != rows:
		return shapeError("Disentangled", "a mask of %d for %d rows", len(o.Mask), rows)
	}
	return nil
}

// Forward attends.
func (o *Disentangled) Forward() (mat.Tensor, error) { return forward(o) }

func (o *Disentangled) scale(d int) float32 {
	return float32(1 / math.Sqrt(float64(d*o.Terms)))
}

// span is 0 when no position term is used.
func (o *Disentangled) span() int {
	if o.PK == nil && o.PQ == nil {
		return 0
	}
	return o.Span.Count
}

func (o *Disentangled) eval(r *Run) mat.Tensor {
	rows, n := rowsCols(o.Q)
	d := n / o.Heads
	t, y := r.buffer(rows, n)
	keep := !r.infers() || o.Keep
	if !keep && o.Drop.P == 0 && o.Rows.Max() > queryBlock { // a short text's scores fit the cache as they are
		o.infer(y)
		return t
	}
	q, k, v := Floats(o.Q), Floats(o.K), Floats(o.V)
	scale := o.scale(d)
	w := o.span()
	starts := probabilityStarts(o.Rows, o.Rows, o.Heads)
	if keep {
		o.Probabilities, _ = r.temporary(starts[len(starts)-1]) // the run's until it ends
	}
	most := o.Rows.Max()
	tasks := o.Rows.Items() * o.Heads
	work := 2 * rows * (most + w) * n
	parallel(tasks, work, func(task int) {
		item, h := task/o.Heads, task%o.Heads
		l := o.Rows.Len(item)
		if l == 0 {
			return
		}
		at := o.Rows[item]*n + h*d
		buf, handle := scratch(l * (l + w))
		defer dropScratch(handle)
		tmp, pos := buf[:l*l], buf[l*l:]
		p := tmp
		first := starts[item] + h*l*l
		if keep {
			p = o.Probabilities[first:][:l*l]
		}
		gemm(plain, transposed, l, l, d, scale, q[at:], n, k[at:], n, 0, p, l)
		if o.PK != nil {
			gemm(plain, transposed, l, w, d, scale, q[at:], n, Floats(o.PK)[h*d:], n, 0, pos, w)
			for i := range l {
				o.addQueryTerm(p[i*l:(i+1)*l], pos[i*w:(i+1)*w], i)
			}
		}
		if o.PQ != nil {
			gemm(plain, transposed, l, w, d, scale, k[at:], n, Floats(o.PQ)[h*d:], n, 0, pos, w)
			for i := range l {
				o.addKeyTerm(p[i*l:(i+1)*l], pos, i, w)
			}
		}
		o.normalize(p, item, l)
		if o.Drop.P > 0 {
			o.Drop.apply(tmp, p, first)
			p = tmp
		}
		gemm(plain, plain, l, d, l, 1, p, l, v[at:], n, 0, y[at:], n)
	})
	return t
}

// distances returns the rows of the distances i−0, i−1, …, i−(l−1) in
// descending order of the key: element l−1−j belongs to key j.
func (o *Disentangled) distances(i, l int) []int32 {
	mid := o.Span.length - 1
	return o.Span.index[mid+i-(l-1) : mid+i+1]
}

// addQueryTerm adds Qᵢ·PK, whose products with the span are c, to query i's
// scores.
func (o *Disentangled) addQueryTerm(row, c []float32, i int) {
	l := len(row)
	idx := o.distances(i, l)
	for j := range row {
		row[j] += c[idx[l-1-j]]
	}
}

// addKeyTerm adds Kⱼ·PQ, whose products with the span are pos [keys × w], to
// query i's scores.
func (o *Disentangled) addKeyTerm(row, pos []float32, i, w int) {
	l := len(row)
	idx := o.distances(i, l)
	for j := range row {
		row[j] += pos[j*w+int(idx[l-1-j])]
	}
}

func (o *Disentangled) normalize(p []float32, item, l int) {
	if o.Mask == nil {
		Softmax(p, l)
		return
	}
	mask := o.Mask[o.Rows[item]:][:l]
	for i := range l {
		row := p[i*l : (i+1)*l]
		if mask[i] == 0 {
			clear(row)
			continue
		}
		softmaxKeys(row, mask)
	}
}

// Backward adds the gradients of Q, K, V, PK and PQ.
func (o *Disentangled) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *Disentangled) back(r *Run, g []float32) {
	rows, n := rowsCols(o.Q)
	d := n / o.Heads
	scale := o.scale(d)
	w := o.span()
	q, k, v := Floats(o.Q), Floats(o.K), Floats(o.V)
	sq, sk, sv := r.sink(o.Q), r.sink(o.K), r.sink(o.V)
	spk, spq := r.sink(o.PK), r.sink(o.PQ)
	spk.sum()
	spq.sum()
	together(&sq, &sk, &sv)
	starts := probabilityStarts(o.Rows, o.Rows, o.Heads)
	most := o.Rows.Max()
	work := 5 * rows * (most + w) * n
	size := most * (2*most + w)
	// A task is a head of all items, so that no two add to the same columns of
	// the positions' gradients.
	parallel(o.Heads, work, func(h int) {
		buf, handle := scratch(size)
		defer dropScratch(handle)
		for item := range o.Rows.Items() {
			l := o.Rows.Len(item)
			if l == 0 {
				continue
			}
			at := o.Rows[item]*n + h*d
			first := starts[item] + h*l*l
			p := o.Probabilities[first:][:l*l]
			dp := buf[:l*l]
			pos := buf[2*most*most:][:l*w]
			dropped := p
			if o.Drop.P > 0 {
				dropped = buf[most*most:][:l*l]
				o.Drop.apply(dropped, p, first)
			}
			if sv.data != nil {
				gemm(transposed, plain, l, d, l, 1, dropped, l, g[at:], n, sv.beta(), sv.data[at:], n)
			}
			gemm(plain, transposed, l, l, d, 1, g[at:], n, v[at:], n, 0, dp, l)
			if o.Drop.P > 0 {
				o.Drop.apply(dp, dp, first)
			}
			softmaxBackward(dp, p, l)
			if sq.data != nil {
				gemm(plain, plain, l, d, l, scale, dp, l, k[at:], n, sq.beta(), sq.data[at:], n)
			}
			if sk.data != nil {
				gemm(transposed, plain, l, d, l, scale, dp, l, q[at:], n, sk.beta(), sk.data[at:], n)
			}
			if o.PK != nil {
				o.gatherQueryGrad(pos, dp, l, w)
				if sq.data != nil {
					gemm(plain, plain, l, d, w, scale, pos, w, Floats(o.PK)[h*d:], n, 1, sq.data[at:], n)
				}
				if spk.data != nil {
					gemm(transposed, plain, w, d, l, scale, pos, w, q[at:], n, 1, spk.data[h*d:], n)
				}
			}
			if o.PQ != nil {
				o.gatherKeyGrad(pos, dp, l, w)
				if sk.data != nil {
					gemm(plain, plain, l, d, w, scale, pos, w, Floats(o.PQ)[h*d:], n, 1, sk.data[at:], n)
				}
				if spq.data != nil {
					gemm(transposed, plain, w, d, l, scale, pos, w, k[at:], n, 1, spq.data[h*d:], n)
				}
			}
		}
	})
	for _, s := range []sink{sq, sk, sv, spk, spq} {
		s.done()
	}
}

func (o *Disentangled) gatherQueryGrad(pos, dp []float32, l, w int) {
	clear(pos)
	for i := range l {
		row, c := dp[i*l:(i+1)*l], pos[i*w:(i+1)*w]
		idx := o.distances(i, l)
		for j, v := range row {
			c[idx[l-1-j]] += v
		}
	}
}

func (o *Disentangled) gatherKeyGrad(pos, dp []float32, l, w int) {
	clear(pos)
	for i := range l {
		row := dp[i*l : (i+1)*l]
		idx := o.distances(i, l)
		for j, v := range row {
			pos[j*w+int(idx[l-1-j])] += v
		}
	}
}
