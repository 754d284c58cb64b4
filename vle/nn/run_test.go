package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"
)

// TestBuffersReused checks that a run takes again what was freed, and that
// matrices in use are not handed out twice.
func TestBuffersReused(t *testing.T) {
	r := NewRun()
	defer r.Close()
	a, _ := r.buffer(10, 200)
	b, _ := r.buffer(10, 200)
	if a == b {
		t.Fatal("one buffer for two matrices in use")
	}
	r.Free(a)
	r.Free(a) // freeing twice must not hand it out twice
	c, _ := r.buffer(20, 80)
	d, _ := r.buffer(20, 80)
	if c != a {
		t.Error("the freed buffer was not used again")
	}
	if d == c || d == b {
		t.Error("a buffer in use was handed out")
	}
	if s := c.Shape(); s[0] != 20 || s[1] != 80 || c.Size() != 1600 {
		t.Errorf("shape %v, size %d", s, c.Size())
	}
}

func TestDropout(t *testing.T) {
	x := make([]float32, 100_000)
	for i := range x {
		x[i] = 1
	}
	run := func(seed uint64) []float32 {
		return Floats(Dropout(NewGraphRun(true, seed), Dense(100, 1000, x), 0.25))
	}
	y := run(1)
	zeros, sum := 0, 0.0
	for _, v := range y {
		if v == 0 {
			zeros++
		}
		sum += float64(v)
	}
	if zeros < 24_500 || zeros > 25_500 {
		t.Errorf("%d of 100,000 dropped at 0.25", zeros)
	}
	if math.Abs(sum/1e5-1) > 0.01 {
		t.Errorf("mean %g after dropout", sum/1e5)
	}
	same, other := run(1), run(2)
	differ := false
	for i := range y {
		if same[i] != y[i] {
			t.Fatal("one seed gave two masks")
		}
		differ = differ || other[i] != y[i]
	}
	if !differ {
		t.Error("two seeds gave one mask")
	}
	if d := Dense(1, 2, []float32{1, 2}); Dropout(NewGraphRun(false, 1), d, 0.5) != mat.Tensor(d) {
		t.Error("dropout works in a run without it")
	}
}

// TestWithSpago puts an operator into a graph of spago's own operators and finds
// a layer's parameters with spago's walk.
func TestWithSpago(t *testing.T) {
	l := NewLinear(3, 2, true)
	l.Visit("l", func(name string, shape []int, p **spago.Param) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		data := make([]float32, n)
		for i := range data {
			data[i] = float32(i + 1)
		}
		*p = spago.NewParam(Dense(shape[0], n/shape[0], data))
	})
	count := 0
	spago.ForEachParam(l, func(*spago.Param) { count++ })
	if count != 2 {
		t.Errorf("spago finds %d parameters, want 2", count)
	}
	x := Dense(2, 3, []float32{1, 0, 2, 0, 1, 1})
	y := ag.Square(ag.NewOperator(&Affine{X: x, W: l.W, B: l.B}).Run())
	y.AccGrad(Dense(2, 2, []float32{1, 1, 1, 1}))
	if err := ag.Backward(y); err != nil {
		t.Fatal(err)
	}
	// x·Wᵀ + b = [[8 18] [6 13]], so dW = 2·(…)ᵀ·x and dB = 2·Σ(…).
	if got := fmt.Sprint(Floats(y), Floats(l.W.Grad()), Floats(l.B.Grad())); got != "[64 324 36 169] [16 12 44 36 26 98] [28 62]" {
		t.Errorf("loss and gradients %s", got)
	}
}

// TestAttentionBlocks compares queries that span several blocks with the same
// queries asked one at a time.
func TestAttentionBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const n, keys, width = 3*queryBlock - 5, 41, 8
	q, k, v := random(rng, n, width), random(rng, keys, width), random(rng, keys, width)
	all, err := (&Attend{Q: q, K: k, V: v, Queries: NewLayout(n), Keys: NewLayout(keys), Heads: 2, Scale: 1}).Forward()
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		one, err := (&Attend{Q: Dense(1, width, Floats(q)[i*width:(i+1)*width]), K: k, V: v, Queries: NewLayout(1), Keys: NewLayout(keys), Heads: 2, Scale: 1}).Forward()
		if err != nil {
			t.Fatal(err)
		}
		for j, w := range Floats(one) {
			if g := Floats(all)[i*width+j]; math.Abs(float64(g-w)) > 1e-5 {
				t.Fatalf("query %d: %g, want %g", i, g, w)
			}
		}
	}
}

// TestGradientsSum checks that a value used twice sums its gradients and leaves
// the ones it was given alone.
func TestGradientsSum(t *testing.T) {
	v := &result{Dense: Dense(1, 2, []float32{0, 0})}
	if v.HasGrad() || v.Grad() != nil {
		t.Error("a new value has a gradient")
	}
	a, b, c := Dense(1, 2, []float32{1, 2}), Dense(1, 2, []float32{10, 20}), &Value{shape: [2]int{1, 2}, data: []float32{100, 200}}
	for i, want := range []string{"[1 2]", "[11 22]", "[111 222]"} {
		v.AccGrad([]mat.Tensor{a, b, c}[i])
		if got := fmt.Sprint(Floats(v.Grad())); got != want {
			t.Errorf("after %d gradients: %s, want %s", i+1, got, want)
		}
	}
	if got := fmt.Sprint(Floats(a), Floats(b)); got != "[1 2] [10 20]" {
		t.Errorf("the gradients given became %s", got)
	}
	v.ZeroGrad()
	if v.HasGrad() {
		t.Error("a gradient is left after ZeroGrad")
	}
	v.AccGrad(c)
	if got := fmt.Sprint(Floats(v.Grad())); got != "[100 200]" {
		t.Errorf("a first gradient that is no dense matrix: %s", got)
	}
}
