package nn

import (
	"github.com/nlpodyssey/spago/mat"

	"govle/vle/blas"
	"govle/vle/blas/vec"
)

// Attend is multi-head scaled dot-product attention (Vaswani et al. 2017) of
// the queries of each item over the keys of the same item:
//
//	softmax(Scale·Q·Kᵀ + KeyBias)·V, head by head.
//
// Q is [query rows × hidden], K and V [key rows × hidden], the result
// [query rows × hidden]. Head h owns the columns h·hidden/Heads and on.
type Attend struct {
	Q, K, V mat.Tensor
	// Queries and Keys say which rows belong to which item.
	Queries, Keys Layout
	Heads         int
	Scale         float32
	// KeyBias is added to the scores of each key row; nil adds nothing.
	KeyBias []float32
	// Drop is the dropout of the probabilities.
	Drop DropMask
	// Keep keeps Probabilities after an inference run too.
	Keep bool
	// Probabilities holds, item by item, [heads × queries × keys] after the
	// operator has run with a graph or with Keep.
	Probabilities []float32
}

var _ Operator = (*Attend)(nil)

// queryBlock is how many query rows are scored at once: enough for an
// efficient product, few enough for the scores to stay in the cache.
const queryBlock = 64

// Operands returns Q, K and V.
func (o *Attend) Operands() []mat.Tensor { return []mat.Tensor{o.Q, o.K, o.V} }

func (o *Attend) check() error {
	qr, n := rowsCols(o.Q)
	kr, kn := rowsCols(o.K)
	vr, vn := rowsCols(o.V)
	switch {
	case n != kn || n != vn || kr != vr:
		return shapeError("Attend", "queries %d×%d, keys %d×%d, values %d×%d", qr, n, kr, kn, vr, vn)
	case o.Heads <= 0 || n%o.Heads != 0:
		return shapeError("Attend", "%d columns do not divide into %d heads", n, o.Heads)
	case o.Queries.Items() != o.Keys.Items() || o.Queries.Rows() != qr || o.Keys.Rows() != kr:
		return shapeError("Attend", "layouts of %d and %d rows for %d queries and %d keys", o.Queries.Rows(), o.Keys.Rows(), qr, kr)
	case o.KeyBias != nil && len(o.KeyBias) != kr:
		return shapeError("Attend", "%d biases for %d keys", len(o.KeyBias), kr)
	}
	return nil
}

// Forward attends.
func (o *Attend) Forward() (mat.Tensor, error) { return forward(o) }

// probabilityStarts returns where each item's probabilities begin, and their
// number in all.
func probabilityStarts(queries, keys Layout, heads int) []int {
	s := make([]int, queries.Items()+1)
	for i := range queries.Items() {
		s[i+1] = s[i] + heads*queries.Len(i)*keys.Len(i)
	}
	return s
}

func (o *Attend) eval(r *Run) mat.Tensor {
	rows, n := rowsCols(o.Q)
	d := n / o.Heads
	t, y := r.buffer(rows, n)
	keep := !r.infers() || o.Keep
	if !keep && o.Drop.P == 0 && o.Queries.Max() > 1 { // for one query, reordering the keys does not pay
		o.infer(y)
		return t
	}
	q, k, v := Floats(o.Q), Floats(o.K), Floats(o.V)
	starts := probabilityStarts(o.Queries, o.Keys, o.Heads)
	if keep {
		o.Probabilities, _ = r.temporary(starts[len(starts)-1]) // the run's until it ends
	}
	maxK := o.Keys.Max()
	blocks := (o.Queries.Max() + queryBlock - 1) / queryBlock
	tasks := o.Queries.Items() * o.Heads * blocks
	work := 2 * rows * maxK * n
	parallel(tasks, work, func(task int) {
		item, h, b := task/(o.Heads*blocks), task/blocks%o.Heads, task%blocks
		lq, lk := o.Queries.Len(item), o.Keys.Len(item)
		i0, i1 := b*queryBlock, min(lq, (b+1)*queryBlock)
		if i0 >= i1 || lk == 0 {
			return
		}
		m := i1 - i0
		qo, ko := (o.Queries[item]+i0)*n+h*d, o.Keys[item]*n+h*d
		tmp, handle := scratch(m * lk)
		defer dropScratch(handle)
		p := tmp
		first := starts[item] + (h*lq+i0)*lk
		if keep {
			p = o.Probabilities[first:][:m*lk]
		}
		gemm(plain, transposed, m, lk, d, o.Scale, q[qo:], n, k[ko:], n, 0, p, lk)
		for i := range m {
			row := p[i*lk : (i+1)*lk]
			if o.KeyBias != nil {
				bias := o.KeyBias[o.Keys[item]:][:lk]
				vec.Add(row, bias)
			}
		}
		Softmax(p, lk)
		if o.Drop.P > 0 {
			o.Drop.apply(tmp, p, first)
			p = tmp
		}
		gemm(plain, plain, m, d, lk, 1, p, lk, v[ko:], n, 0, y[qo:], n)
	})
	return t
}

// infer attends into y without keeping probabilities: a block of scores exists
// at a time and is used up while it is in the cache.
func (o *Attend) infer(y []float32) {
	rows, n := rowsCols(o.Q)
	q, k, v := Floats(o.Q), Floats(o.K), Floats(o.V)
	parallel(o.Queries.Items(), 2*rows*o.Keys.Max()*n, func(item int) {
		a := blas.Attention{
			Heads: o.Heads, Dim: n / o.Heads, Scale: o.Scale,
			Queries: o.Queries.Len(item), Keys: o.Keys.Len(item),
			Q: q[o.Queries[item]*n:], K: k[o.Keys[item]*n:], V: v[o.Keys[item]*n:],
			LdQ: n, LdK: n, LdV: n,
		}
		if o.KeyBias != nil {
			a.KeyBias = o.KeyBias[o.Keys[item]:]
		}
		a.Run(y[o.Queries[item]*n:], n)
	})
}

// Backward adds the gradients of Q, K and V.
func (o *Attend) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *Attend) back(r *Run, g []float32) {
	rows, n := rowsCols(o.Q)
	d := n / o.Heads
	q, k, v := Floats(o.Q), Floats(o.K), Floats(o.V)
	sq, sk, sv := r.sink(o.Q), r.sink(o.K), r.sink(o.V)
	together(&sq, &sk, &sv)
	if !o.Queries.filled() || !o.Keys.filled() { // a pair with none leaves the other's rows unwritten
		sq.sum()
		sk.sum()
		sv.sum()
	}
	starts := probabilityStarts(o.Queries, o.Keys, o.Heads)
	tasks := o.Queries.Items() * o.Heads
	work := 5 * rows * o.Keys.Max() * n
	parallel(tasks, work, func(task int) {
		item, h := task/o.Heads, task%o.Heads
		lq, lk := o.Queries.Len(item), o.Keys.Len(item)
		if lq == 0 || lk == 0 {
			return
		}
		qo, ko := o.Queries[item]*n+h*d, o.Keys[item]*n+h*d
		first := starts[item] + h*lq*lk
		p := o.Probabilities[first:][:lq*lk]
		buf, handle := scratch(2 * lq * lk)
		defer dropScratch(handle)
		dp := buf[:lq*lk]
		dropped := p
		if o.Drop.P > 0 {
			dropped = buf[lq*lk:]
			o.Drop.apply(dropped, p, first)
		}
		if sv.data != nil {
			gemm(transposed, plain, lk, d, lq, 1, dropped, lk, g[qo:], n, sv.beta(), sv.data[ko:], n)
		}
		gemm(plain, transposed, lq, lk, d, 1, g[qo:], n, v[ko:], n, 0, dp, lk)
		if o.Drop.P > 0 {
			o.Drop.apply(dp, dp, first)
		}
		softmaxBackward(dp, p, lk)
		if sq.data != nil {
			gemm(plain, plain, lq, d, lk, o.Scale, dp, lk, k[ko:], n, sq.beta(), sq.data[qo:], n)
		}
		if sk.data != nil {
			gemm(transposed, plain, lk, d, lq, o.Scale, dp, lk, q[qo:], n, sk.beta(), sk.data[ko:], n)
		}
	})
	sq.done()
	sk.done()
	sv.done()
}
