package display_test

import (
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"

	"govle/kernel/display"
)

// TestGonum shows gonum's own types, which this package does not import.
func TestGonum(t *testing.T) {
	var unset *mat.Dense
	p := plot.New()
	p.Title.Text = "a title"
	for _, tt := range []struct {
		name             string
		v                any
		kind, part, text string
	}{
		{"dense", mat.NewDense(2, 2, []float64{1, 2, 3, 4.5}), "text/html", "2 × 2", "2 × 2\n  1    2\n  3  4.5"},
		{"vector", mat.NewVecDense(2, []float64{1, -2}), "text/html", "2 × 1", "2 × 1\n   1\n  -2"},
		{"symmetric", mat.NewSymDense(2, []float64{1, 2, 2, 3}), "text/html", "2 × 2", "2 × 2\n  1  2\n  2  3"},
		{"transposed", mat.NewDense(1, 2, []float64{1, 2}).T(), "text/html", "2 × 1", "2 × 1\n  1\n  2"},
		{"large", mat.NewDense(200, 100, nil), "text/html", "140 more rows", "140 more rows"},
		{"without elements", new(mat.Dense), "text/html", "0 × 0", "0 × 0"},
		{"nil", unset, "text/plain", "<nil>", "<nil>"},
		{"plot", p, "image/svg+xml", "a title", "*plot.Plot"},
	} {
		data, _ := display.Bundle(tt.v)
		if s, _ := data[tt.kind].(string); !strings.Contains(s, tt.part) {
			t.Errorf("%s: %s lacks %q: %.300s", tt.name, tt.kind, tt.part, s)
		}
		if s, _ := data["text/plain"].(string); !strings.Contains(s, tt.text) {
			t.Errorf("%s: text %q lacks %q", tt.name, s, tt.text)
		}
	}
}
