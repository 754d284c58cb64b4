package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"
)

// weightsOf returns parameters of the given shapes.
func weightsOf(rng *rand.Rand, shapes ...[2]int) []*spago.Param {
	var out []*spago.Param
	for _, s := range shapes {
		p := &spago.Param{Matrix: NewWeight(s[0], s[1], Floats(random(rng, s[0], s[1])))}
		p.SetRequiresGrad(true)
		out = append(out, p)
	}
	return out
}

// lossOf is a graph in which values are used several times: a table is looked up and
// multiplied with, one value is the queries, keys and values of an attention.
func lossOf(r *Run, p []*spago.Param) mat.Tensor {
	x := r.Do(&Gather{X: p[0], Index: []int{1, 4, 1, 3, 0}, Padding: 0})
	h := r.Do(&Affine{X: x, W: p[1], B: p[2], Residual: x, Drop: r.NewDropMask(0.3)})
	a := r.Do(&Attend{Q: h, K: h, V: h, Queries: NewLayout(2, 3), Keys: NewLayout(2, 3), Heads: 2, Scale: 0.7})
	s := Add(r, Add(r, a, h), GELU.Forward(r, h))
	y := r.Do(&Affine{X: s, W: p[0]}) // the table again, all of it
	return BinaryCrossEntropy(r, y, make([]float32, 5*6), 2)
}

// TestBackward holds the tape against spago's own backward pass, over and over
// again on memory that was used before.
func TestBackward(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	p := weightsOf(rng, [2]int{6, 4}, [2]int{4, 4}, [2]int{4, 1})
	var want [][]float32
	if err := ag.Backward(lossOf(NewGraphRun(true, 9), p)); err != nil {
		t.Fatal(err)
	}
	for _, x := range p {
		want = append(want, append([]float32(nil), Floats(x.Grad())...))
		x.ZeroGrad()
	}
	var first string
	for turn := range 3 {
		r := NewGraphRun(true, 9)
		if err := Backward(lossOf(r, p), 2); err != nil {
			t.Fatal(err)
		}
		r.Close()
		bits := ""
		for i, x := range p {
			g := Floats(x.Grad())
			bits += fmt.Sprint(g)
			for k, w := range want[i] {
				if math.Abs(float64(g[k]-2*w)) > 1e-5*(1+math.Abs(float64(w))) {
					t.Errorf("turn %d, parameter %d, element %d: %g, want twice %g", turn, i, k, g[k], w)
				}
			}
			x.ZeroGrad()
		}
		if turn == 0 {
			first = bits
		} else if bits != first {
			t.Errorf("turn %d has other bits than the first", turn)
		}
	}
}

func TestBackwardRefuses(t *testing.T) {
	x := random(rand.New(rand.NewPCG(1, 1)), 2, 2)
	r := NewGraphRun(false, 0)
	defer r.Close()
	y := GELU.Forward(r, x)
	for want, loss := range map[string]mat.Tensor{"one element": y, "use ag.Backward": ag.Square(y)} {
		if err := Backward(loss, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	x.SetRequiresGrad(false)
	if err := Backward(GELU.Forward(r, x), 1); err != nil {
		t.Errorf("nothing to train: %v", err)
	}
}

// TestWeightRows checks that the gradients of rows and of the whole add up, and that
// nothing of a former step is left.
func TestWeightRows(t *testing.T) {
	w := NewWeight(4, 2, make([]float32, 8))
	whole := Dense(4, 2, []float32{1, 1, 1, 1, 1, 1, 1, 1})
	row := func(v *Weight, i int, x float32) {
		d := v.some([]int{i})
		d[2*i] += x
		d[2*i+1] += x
	}
	state := func() string {
		g, rows := w.Gradient()
		return fmt.Sprint(g, rows)
	}
	if got := state(); got != "[] []" || w.HasGrad() || w.Grad() != nil {
		t.Errorf("a new weight has the gradient %s", got)
	}
	for i, c := range []struct {
		do   func()
		want string
	}{
		{func() { row(w, 3, 5); row(w, 1, 7); row(w, 3, 1) }, "[0 0 7 7 0 0 6 6] [1 3]"},
		{func() { row(w, 0, 2) }, "[2 2 0 0 0 0 0 0] [0]"},
		{func() { row(w, 2, 2); w.AccGrad(whole) }, "[1 1 1 1 3 3 1 1] []"},
		{func() { w.AccGrad(whole); row(w, 1, 1) }, "[1 1 2 2 1 1 1 1] []"},
		{func() { row(w, 2, 4) }, "[0 0 0 0 4 4 0 0] [2]"},
		{func() {
			row(w, 2, 4)
			for _, i := range []int{0, 2} {
				v := NewWeight(4, 2, make([]float32, 8))
				row(v, i, 1)
				w.Take(v)
				if v.HasGrad() {
					t.Error("a gradient is left where it was taken from")
				}
			}
		}, "[1 1 0 0 5 5 0 0] [0 2]"},
		{func() {
			v := NewWeight(4, 2, make([]float32, 8))
			row(v, 3, 1)
			w.Take(v)
			row(v, 1, 1)
			v.AccGrad(whole)
			w.Take(v)
		}, "[1 1 2 2 1 1 2 2] []"},
		{func() { row(w, 0, 1) }, "[1 1 0 0 0 0 0 0] [0]"},
	} {
		w.ZeroGrad()
		c.do()
		if got := state(); got != c.want {
			t.Errorf("case %d: %s, want %s", i, got, c.want)
		}
	}
}
