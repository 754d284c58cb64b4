package nn

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"
)

func newTestLinear(rng *rand.Rand, in, out int, bias bool) *Linear {
	l := NewLinear(in, out, bias)
	l.Visit("l", func(_ string, shape []int, p **spago.Param) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		*p = spago.NewParam(random(rng, shape[0], n/shape[0]))
	})
	return l
}

// TestLinearFused compares the one step that inference takes with the steps of
// a graph, for each activation, with the weights as they are and packed at each
// precision.
func TestLinearFused(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	const in, out = 70, 50
	for _, rows := range []int{1, 3, 200} {
		for _, bias := range []bool{false, true} {
			l := newTestLinear(rng, in, out, bias)
			x, residual := random(rng, rows, in), random(rng, rows, out)
			steps := map[string]func(r *Run) mat.Tensor{
				"plain": func(r *Run) mat.Tensor { return l.Forward(r, x) },
				"added": func(r *Run) mat.Tensor { return l.ForwardAdded(r, x, residual, 0.5) },
			}
			for name, act := range activationNames {
				steps[name] = func(r *Run) mat.Tensor { return l.ForwardActivated(r, x, act) }
			}
			for _, p := range []struct {
				name      string
				pack      func()
				tolerance float64 // of sums of 70 products of size 1
			}{
				{"as they are", func() {}, 1e-4},
				{"float32", func() { l.Pack(Float32) }, 1e-4},
				{"bfloat16", func() { l.Pack(BFloat16) }, 0.1},
				{"int8", func() { l.Pack(Int8) }, 0.8},
			} {
				p.pack()
				for name, step := range steps {
					want := Floats(step(NewGraphRun(false, 1)))
					r := NewRun()
					worst := 0.0
					for i, v := range Floats(step(r)) {
						worst = max(worst, math.Abs(float64(v-want[i])))
					}
					if !(worst <= p.tolerance) {
						t.Errorf("%d rows, bias %t, weights %s, %s: off by %g", rows, bias, p.name, name, worst)
					}
					if p.name == "int8" && name == "plain" && rows == 200 && worst < 1e-3 {
						t.Errorf("int8 is off by %g only: was it used?", worst)
					}
					r.Close()
				}
			}
		}
	}
}

// TestGraphIgnoresPacking checks that training sees the weights themselves and
// not a packed copy of what they were.
func TestGraphIgnoresPacking(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 1))
	l := newTestLinear(rng, 4, 3, true)
	x := random(rng, 2, 4)
	l.Pack(Int8)
	clear(Floats(l.W))
	for i, v := range Floats(l.Forward(NewGraphRun(true, 1), x)) {
		if want := Floats(l.B)[i%3]; v != want {
			t.Fatalf("element %d: %g with weights of zero and a bias of %g", i, v, want)
		}
	}
}

func TestParsePrecision(t *testing.T) {
	for _, p := range []Precision{Float32, BFloat16, Int8} {
		if got, err := ParsePrecision(p.String()); err != nil || got != p {
			t.Errorf("%v: %v, %v", p, got, err)
		}
	}
	for name, want := range map[string]Precision{"f32": Float32, "bf16": BFloat16} {
		if got, err := ParsePrecision(name); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := ParsePrecision("int4"); err == nil {
		t.Error("int4 is no error")
	}
}
