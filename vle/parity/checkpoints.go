package parity

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"

	"govle/vle/checkpoint"
)

// findCheckpoints finds folders that hold one model in several weight files:
// each must hold what model.safetensors holds, within the rounding of its type.
// Files named torch_views* hold single tensors instead; see checkViews.
func findCheckpoints(f *folder) []testCase {
	if !f.has["config.json"] || !f.has["model.safetensors"] {
		return nil
	}
	var cases []testCase
	for name := range f.has {
		switch filepath.Ext(name) {
		case ".bin", ".safetensors", ".ckpt", ".pt":
		default:
			continue
		}
		tc := testCase{name: f.caseName(name)}
		switch {
		case strings.HasPrefix(name, "torch_views"):
			tc.run = func(_ context.Context, c *check) error { return checkViews(c, f.path(name)) }
		case name != "model.safetensors":
			tc.run = func(_ context.Context, c *check) error {
				return sameWeights(c, f.path(name), f.path("model.safetensors"))
			}
		default:
			continue
		}
		cases = append(cases, tc)
	}
	sortCases(cases)
	return cases
}

func sameWeights(c *check, file, reference string) error {
	got, err := checkpoint.Open(file)
	if err != nil {
		return err
	}
	defer got.Close()
	want, err := checkpoint.Open(reference)
	if err != nil {
		return err
	}
	defer want.Close()
	same(c, "parameter names", got.Names(), want.Names())
	for _, name := range want.Names() {
		if !got.Has(name) {
			continue
		}
		info, err := got.Info(name)
		if err != nil {
			return err
		}
		same(c, name+": shape", info.Shape, want.Shape(name))
		g, err1 := got.Float32(name)
		w, err2 := want.Float32(name)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		tol := exact
		switch info.DType { // half a unit in the last place
		case checkpoint.F16:
			tol = tolerance{math.Ldexp(1, -25), math.Ldexp(1, -11)}
		case checkpoint.BF16:
			tol = tolerance{math.Ldexp(1, -134), math.Ldexp(1, -8)}
		}
		close(c, tol, name, g, w)
	}
	return nil
}

// checkViews holds a file of views of one matrix "base" [rows × cols] against
// it: "row_view" is its row 2, "t" its transpose, "slice" the block from (1, 2),
// and f64, f16 and bf16 are copies.
func checkViews(c *check, file string) error {
	s, err := checkpoint.Open(file)
	if err != nil {
		return err
	}
	defer s.Close()
	base, err := s.Float32("base")
	if err != nil {
		return err
	}
	shape := s.Shape("base")
	if len(shape) != 2 {
		c.miss("base has shape %v", shape)
		return nil
	}
	cols := shape[1]
	for _, name := range s.Names() {
		x, err := s.Float32(name)
		if err != nil {
			return err
		}
		var want []float32
		tol := exact
		switch name {
		case "row_view":
			want = base[2*cols : 3*cols]
		case "t":
			for j := range cols {
				for i := range shape[0] {
					want = append(want, base[i*cols+j])
				}
			}
		case "slice":
			dims := s.Shape(name)
			for i := range dims[0] {
				want = append(want, base[(1+i)*cols+2:][:dims[1]]...)
			}
		case "f64", "f16", "bf16":
			want = base
			tol = map[string]tolerance{"f64": {0, 1e-7}, "f16": {0, math.Ldexp(1, -11)}, "bf16": {0, math.Ldexp(1, -8)}}[name]
		default:
			continue // its numbers are not recorded; it could be read
		}
		close(c, tol, name, x, want)
	}
	return nil
}
