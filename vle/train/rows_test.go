package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestRowGradients: gradients that are told row by row update a table, to the
// last bit, as the same gradients with zeros in between do.
func TestRowGradients(t *testing.T) {
	const rows, width = 9, 16
	rng := rand.New(rand.NewPCG(5, 6))
	table := func() *Parameter {
		p := &Parameter{Name: "table", Shape: []int{rows, width}, LR: 0.1, Decay: 0.3}
		r := rand.New(rand.NewPCG(1, 2))
		for range rows * width {
			p.Value = append(p.Value, float32(r.NormFloat64()))
		}
		return p
	}
	sparse, full := table(), table()
	for step, touched := range [][]int{{2, 5}, {0, 2}, nil, {8}, {2}} { // nil: all of it
		g := gradient{data: make([]float32, rows*width), rows: touched, width: width}
		for i := range rows {
			for _, k := range touched {
				if k == i {
					for c := range width {
						g.data[i*width+c] = float32(rng.NormFloat64())
					}
				}
			}
		}
		if touched == nil {
			for i := range g.data {
				g.data[i] = float32(i%7) - 3
			}
		}
		if a, b := norm([]gradient{g}), Norm([][]float32{g.data}); math.Abs(a-b) > 1e-6*b {
			t.Errorf("step %d: norm %g of rows, %g of all", step, a, b)
		}
		limit := Norm([][]float32{g.data}) / 2
		clip([]gradient{g}, limit)
		if n := Norm([][]float32{g.data}); math.Abs(n-limit) > 1e-5*limit {
			t.Errorf("step %d: norm %g after clipping at %g", step, n, limit)
		}
		factor := 1 / float64(step+1)
		AdamW{}.step([]*Parameter{sparse}, []gradient{g}, factor)
		AdamW{}.Step([]*Parameter{full}, [][]float32{g.data}, factor)
		if step == 1 { // as after resuming
			sparse.moved = nil
		}
		if fmt.Sprint(sparse.Value, sparse.m, sparse.v) != fmt.Sprint(full.Value, full.m, full.v) {
			t.Fatalf("step %d: the tables differ", step)
		}
	}
}
