package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"
)

// random returns a rows×cols matrix that wants a gradient.
func random(rng *rand.Rand, rows, cols int) *mat.Dense[float32] {
	d := make([]float32, rows*cols)
	for i := range d {
		d[i] = float32(rng.NormFloat64())
	}
	m := Dense(rows, cols, d)
	m.SetRequiresGrad(true)
	return m
}

// operators are the steps under test, each with its inputs.
func operators(rng *rand.Rand) map[string]func() (inputs []*mat.Dense[float32], op func() Operator) {
	type maker = func() ([]*mat.Dense[float32], func() Operator)
	x := func(rows, cols int) *mat.Dense[float32] { return random(rng, rows, cols) }
	m := map[string]maker{
		"Affine": func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(5, 7), x(4, 7), x(4, 1)}
			return in, func() Operator { return &Affine{X: in[0], W: in[1], B: in[2]} }
		},
		"Affine without bias": func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(3, 2), x(4, 2)}
			return in, func() Operator { return &Affine{X: in[0], W: in[1]} }
		},
		"Affine with residual and dropout": func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(5, 7), x(4, 7), x(4, 1), x(5, 4)}
			return in, func() Operator {
				return &Affine{X: in[0], W: in[1], B: in[2], Residual: in[3], Drop: DropMask{P: 0.3, Seed: 4}}
			}
		},
		"Normalize": func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(3, 6), x(6, 1), x(6, 1)}
			return in, func() Operator { return &Normalize{X: in[0], W: in[1], B: in[2], Eps: 1e-5} }
		},
		"Gather": func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(4, 3)}
			return in, func() Operator { return &Gather{X: in[0], Index: []int{2, 0, 2, 3}, Padding: NoPadding} }
		},
		"MeanRows": func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(4, 3)}
			return in, func() Operator {
				return &MeanRows{X: in[0], Start: []int{0, 1, 4, 4}, Index: []int{2, 0, 1, 2}}
			}
		},
		"Sum": func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(2, 3), x(2, 3)}
			return in, func() Operator { return &Sum{X: in[0], Y: in[1]} }
		},
		"ScaleRows": func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(3, 2)}
			return in, func() Operator { return &ScaleRows{X: in[0], Weights: []float32{1, 0, 0.5}} }
		},
		"ConcatColumns": func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(2, 3), x(2, 1)}
			return in, func() Operator { return &ConcatColumns{X: in[0], Y: in[1]} }
		},
		"Reshape": func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(2, 6)}
			return in, func() Operator { return &Reshape{X: in[0], Rows: 3, Cols: 4} }
		},
		"Drop": func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(4, 5)}
			return in, func() Operator { return &Drop{X: in[0], Mask: DropMask{P: 0.4, Seed: 7}} }
		},
		"Positioned": func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(6, 2), x(2, 1), x(4, 2)}
			return in, func() Operator { return &Positioned{X: in[0], Class: in[1], Position: in[2]} }
		},
		"SoftmaxCrossEntropy": func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(4, 5)}
			return in, func() Operator { return &SoftmaxCrossEntropy{X: in[0], Classes: []int{1, Ignored, 4, 0}} }
		},
		"SigmoidCrossEntropy": func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(2, 3)}
			return in, func() Operator {
				return &SigmoidCrossEntropy{X: in[0], Targets: []float32{1, 0, 0.3, 0.6, 0, 1}, Scale: 3}
			}
		},
	}
	for name, kind := range activationNames {
		m["Activate "+name] = func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(5, 6)}
			for i, v := range Floats(in[0]) {
				if math.Abs(float64(v)) < 0.1 { // ReLU has no slope at 0
					Floats(in[0])[i] = 0.5
				}
			}
			return in, func() Operator { return &Activate{X: in[0], Kind: kind} }
		}
	}
	for _, drop := range []float32{0, 0.3} {
		m[fmt.Sprintf("Attend, dropout %g", drop)] = func() ([]*mat.Dense[float32], func() Operator) {
			in := []*mat.Dense[float32]{x(7, 6), x(8, 6), x(8, 6)}
			return in, func() Operator {
				return &Attend{
					Q: in[0], K: in[1], V: in[2], Queries: NewLayout(3, 4), Keys: NewLayout(5, 3), Heads: 2, Scale: 0.5,
					KeyBias: []float32{0, -0.4, 0.3, -math.MaxFloat32, 0, 0.2, 0, -1}, Drop: DropMask{P: drop, Seed: 3},
				}
			}
		}
		m[fmt.Sprintf("Disentangled, dropout %g", drop)] = func() ([]*mat.Dense[float32], func() Operator) {
			span := NewSpan(5, 2, 2, 9) // four rows, so that the ends are shared by several distances
			in := []*mat.Dense[float32]{x(8, 6), x(8, 6), x(8, 6), x(span.Count, 6), x(span.Count, 6)}
			return in, func() Operator {
				return &Disentangled{
					Q: in[0], K: in[1], V: in[2], PK: in[3], PQ: in[4], Rows: NewLayout(5, 3), Heads: 3, Terms: 3, Span: span,
					Mask: []float32{1, 1, 0, 1, 0, 1, 1, 1}, Drop: DropMask{P: drop, Seed: 5},
				}
			}
		}
	}
	m["Disentangled without positions"] = func() ([]*mat.Dense[float32], func() Operator) {
		in := []*mat.Dense[float32]{x(4, 4), x(4, 4), x(4, 4)}
		return in, func() Operator {
			return &Disentangled{Q: in[0], K: in[1], V: in[2], Rows: NewLayout(4), Heads: 2, Terms: 1}
		}
	}
	return m
}

// TestGradients compares every operator's backward pass with central
// differences of sum(weights · forward).
func TestGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, make := range operators(rng) {
		t.Run(name, func(t *testing.T) {
			in, op := make()
			first, err := op().Forward()
			if err != nil {
				t.Fatal(err)
			}
			rows, cols := rowsCols(first)
			weights := random(rng, rows, cols)
			value := func() float64 {
				y, err := op().Forward()
				if err != nil {
					t.Fatal(err)
				}
				var s float64
				for i, v := range Floats(y) {
					s += float64(v) * float64(Floats(weights)[i])
				}
				return s
			}
			node := ag.NewOperator(op()).Run()
			node.AccGrad(Dense(rows, cols, Floats(weights)))
			if err := ag.Backward(node); err != nil {
				t.Fatal(err)
			}
			for k, x := range in {
				d := Floats(x)
				if !x.HasGrad() {
					t.Fatalf("input %d has no gradient", k)
				}
				g := Floats(x.Grad())
				for i, v := range d {
					const h = 1.0 / 128
					d[i] = v + h
					up := value()
					d[i] = v - h
					down := value()
					d[i] = v
					want := (up - down) / (2 * h)
					if math.Abs(float64(g[i])-want) > 2e-3*(1+math.Abs(want)) {
						t.Errorf("input %d, element %d: gradient %g, differences give %g", k, i, g[i], want)
					}
				}
			}
		})
	}
}

// TestPaddingRow checks that the padding row of an embedding gets no gradient.
func TestPaddingRow(t *testing.T) {
	x := random(rand.New(rand.NewPCG(5, 6)), 3, 2)
	node := ag.NewOperator(&Gather{X: x, Index: []int{0, 1, 0}, Padding: 0}).Run()
	node.AccGrad(Dense(3, 2, []float32{1, 2, 3, 4, 5, 6}))
	if err := ag.Backward(node); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(Floats(x.Grad())); got != "[0 0 3 4 0 0]" {
		t.Errorf("gradient %s", got)
	}
}

// TestShapesRefused checks that wrong shapes are errors of Forward, which a
// Run turns into a panic before spago sees the operator.
func TestShapesRefused(t *testing.T) {
	z := func(r, c int) mat.Tensor { return Dense(r, c, make([]float32, r*c)) }
	for _, op := range []Operator{
		&Affine{X: z(2, 3), W: z(4, 5)},
		&Affine{X: z(2, 3), W: z(4, 3), B: z(3, 1)},
		&Affine{X: z(2, 3), W: z(4, 3), Residual: z(2, 3)},
		&Affine{X: z(2, 3), W: z(4, 3), Drop: DropMask{P: 1}},
		&Normalize{X: z(2, 3), W: z(4, 1), B: z(3, 1)},
		&Gather{X: z(2, 3), Index: []int{2}},
		&Gather{X: z(2, 3), Index: []int{-1}},
		&MeanRows{X: z(2, 3), Start: []int{0, 1}, Index: []int{5}},
		&MeanRows{X: z(2, 3), Start: []int{0, 2}, Index: []int{1}},
		&Sum{X: z(2, 3), Y: z(3, 2)},
		&ScaleRows{X: z(2, 3), Weights: []float32{1}},
		&ConcatColumns{X: z(2, 3), Y: z(3, 3)},
		&Reshape{X: z(2, 3), Rows: 4, Cols: 2},
		&Drop{X: z(2, 3), Mask: DropMask{P: 1}},
		&Positioned{X: z(3, 2), Class: z(2, 1), Position: z(3, 2)},
		&Activate{X: z(2, 3)},
		&SoftmaxCrossEntropy{X: z(2, 3), Classes: []int{0, 3}},
		&SoftmaxCrossEntropy{X: z(2, 3), Classes: []int{0}},
		&SigmoidCrossEntropy{X: z(2, 3), Targets: []float32{1}},
		&Attend{Q: z(2, 4), K: z(3, 4), V: z(3, 4), Queries: NewLayout(2), Keys: NewLayout(3), Heads: 3},
		&Attend{Q: z(2, 4), K: z(3, 4), V: z(2, 4), Queries: NewLayout(2), Keys: NewLayout(3), Heads: 2},
		&Attend{Q: z(2, 4), K: z(3, 4), V: z(3, 4), Queries: NewLayout(1), Keys: NewLayout(3), Heads: 2},
		&Attend{Q: z(2, 4), K: z(3, 4), V: z(3, 4), Queries: NewLayout(2), Keys: NewLayout(3), Heads: 2, KeyBias: []float32{0}},
		&Disentangled{Q: z(2, 4), K: z(2, 4), V: z(3, 4), Rows: NewLayout(2), Heads: 2, Terms: 1},
		&Disentangled{Q: z(2, 4), K: z(2, 4), V: z(2, 4), PK: z(3, 4), Rows: NewLayout(2), Heads: 2, Terms: 2, Span: NewSpan(1, 2, 2, 9)},
		&Disentangled{Q: z(2, 4), K: z(2, 4), V: z(2, 4), PK: z(9, 4), Rows: NewLayout(2), Heads: 2, Terms: 2, Span: NewSpan(2, 2, 2, 9)},
		&Disentangled{Q: z(2, 4), K: z(2, 4), V: z(2, 4), Rows: NewLayout(2), Heads: 2},
		&Disentangled{Q: z(2, 4), K: z(2, 4), V: z(2, 4), Rows: NewLayout(2), Heads: 2, Terms: 1, Mask: []float32{1}},
	} {
		name := strings.TrimPrefix(fmt.Sprintf("%T", op), "*nn.")
		if _, err := op.Forward(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
		for _, r := range []*Run{NewRun(), NewGraphRun(false, 0)} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: no panic", name)
					}
				}()
				r.Do(op)
			}()
		}
	}
}
