package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// agree takes an operator without and with an arena. Operators that go another
// way in inference agree to rounding.
func agree(t *testing.T, name string, op func() Operator) {
	t.Helper()
	want, err := op().Forward()
	if err != nil {
		t.Fatal(err)
	}
	r := NewRun()
	defer r.Close()
	got := r.Do(op())
	if fmt.Sprint(got.Shape()) != fmt.Sprint(want.Shape()) {
		t.Errorf("%s: shape %v, want %v", name, got.Shape(), want.Shape())
	}
	for i, v := range Floats(want) {
		if d := math.Abs(float64(Floats(got)[i] - v)); !(d <= 1e-6*(1+math.Abs(float64(v)))) {
			t.Errorf("%s: element %d is %g without a graph and %g with one", name, i, Floats(got)[i], v)
			break
		}
	}
}

// TestInferenceAgrees takes each operator through an inference run.
func TestInferenceAgrees(t *testing.T) {
	for name, make := range operators(rand.New(rand.NewPCG(3, 4))) {
		_, op := make()
		agree(t, name, op)
	}
}

// TestLongTexts takes texts whose scores are computed block by block, with
// padding within and each set of position terms.
func TestLongTexts(t *testing.T) {
	const rows, width = 190, 6
	rng := rand.New(rand.NewPCG(5, 6))
	span := NewSpan(150, 32, 32, 100)
	q, k, v := random(rng, rows, width), random(rng, rows, width), random(rng, rows, width)
	pk, pq := random(rng, span.Count, width), random(rng, span.Count, width)
	padded := make([]float32, rows)
	for i := range padded {
		padded[i] = float32(min(i%7, 1))
	}
	for _, mask := range [][]float32{nil, padded} {
		for terms := range 4 {
			agree(t, fmt.Sprintf("terms %02b, masked %t", terms, mask != nil), func() Operator {
				o := &Disentangled{Q: q, K: k, V: v, Rows: NewLayout(150, 40), Heads: 3, Terms: 3, Span: span, Mask: mask}
				if terms&1 != 0 {
					o.PK = pk
				}
				if terms&2 != 0 {
					o.PQ = pq
				}
				return o
			})
		}
	}
}
