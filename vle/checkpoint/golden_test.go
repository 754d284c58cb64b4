package checkpoint

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// golden is the folder of recorded reference outputs beside the module, or
// skips the test.
func golden(t testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Skip("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	g := filepath.Join(filepath.Dir(dir), "shared", "golden")
	if _, err := os.Stat(g); err != nil {
		t.Skipf("recorded reference outputs are not here (%v)", err)
	}
	return g
}

func open1(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func floats(t testing.TB, s *Store, name string) []float32 {
	t.Helper()
	x, err := s.Float32(name)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Every other form of a recorded checkpoint holds what its model.safetensors
// holds, but for the rounding of the half types.
func TestGoldenFormsAgree(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(golden(t), "model-*", "ckpt-*", "*"))
	n := 0
	for _, file := range files {
		base := filepath.Base(file)
		if base == "config.json" || base == "model.safetensors" || strings.HasPrefix(base, "torch_views") {
			continue
		}
		n++
		t.Run(strings.Join(strings.Split(filepath.ToSlash(file), "/")[len(strings.Split(filepath.ToSlash(file), "/"))-3:], "/"), func(t *testing.T) {
			got, want := open1(t, file), open1(t, filepath.Dir(file))
			if a, b := strings.Join(got.Names(), "\n"), strings.Join(want.Names(), "\n"); a != b {
				t.Fatalf("names differ: %d, want %d", len(got.Names()), len(want.Names()))
			}
			for _, name := range want.Names() {
				g, w := floats(t, got, name), floats(t, want, name)
				if len(g) != len(w) {
					t.Fatalf("%s: %d elements, want %d", name, len(g), len(w))
				}
				info, _ := got.Info(name)
				relative, absolute := 0.0, 0.0
				switch info.DType {
				case F16:
					relative, absolute = math.Ldexp(1, -11), math.Ldexp(1, -25)
				case BF16:
					relative = math.Ldexp(1, -8)
				}
				for i := range w {
					if d := math.Abs(float64(g[i]) - float64(w[i])); d > relative*math.Abs(float64(w[i]))+absolute {
						t.Fatalf("%s[%d] = %g, want %g as %s", name, i, g[i], w[i], info.DType)
					}
				}
			}
		})
	}
	if n < 6 {
		t.Errorf("only %d files compared", n)
	}
}

// torch_views holds views of one 6×8 matrix: a row, its transpose, a block,
// and copies in other types.
func TestGoldenViews(t *testing.T) {
	for _, file := range []string{"torch_views.pt", "torch_views.legacy.pt"} {
		t.Run(file, func(t *testing.T) {
			s := open1(t, filepath.Join(golden(t), "model-tiny", "ckpt-vqa", file))
			base := floats(t, s, "base")
			shape := s.Shape("base")
			rows, cols := shape[0], shape[1]
			row := floats(t, s, "row_view")
			for i := range row {
				if row[i] != base[2*cols+i] {
					t.Errorf("row_view[%d] = %g, want %g", i, row[i], base[2*cols+i])
				}
			}
			for i, v := range floats(t, s, "t") {
				if want := base[i%rows*cols+i/rows]; v != want {
					t.Fatalf("t[%d] = %g, want %g", i, v, want)
				}
			}
			block := s.Shape("slice")
			for i, v := range floats(t, s, "slice") {
				if want := base[(1+i/block[1])*cols+2+i%block[1]]; v != want {
					t.Fatalf("slice[%d] = %g, want %g", i, v, want)
				}
			}
			for name, eps := range map[string]float64{"f64": 1e-7, "f16": 1.0 / 2048, "bf16": 1.0 / 256} {
				if !s.Has(name) {
					continue // the legacy file has fewer
				}
				for i, v := range floats(t, s, name) {
					if d := math.Abs(float64(v - base[i])); d > eps*math.Abs(float64(base[i])) {
						t.Fatalf("%s[%d] = %g, want %g", name, i, v, base[i])
					}
				}
			}
			// Both files were written from the same tensors.
			other := open1(t, filepath.Join(golden(t), "model-tiny", "ckpt-vqa", "torch_views.pt"))
			for _, name := range s.Names() {
				got, want := floats(t, s, name), floats(t, other, name)
				if !slices.Equal(got, want) || !slices.Equal(s.Shape(name), other.Shape(name)) {
					t.Errorf("%s differs from the zip file's", name)
				}
			}
			if strings.Contains(file, "legacy") {
				return // it lacks the rest
			}
			if x := floats(t, s, "scalar"); len(x) != 1 || len(s.Shape("scalar")) != 0 {
				t.Errorf("scalar has %d elements, shape %v", len(x), s.Shape("scalar"))
			}
			if x := floats(t, s, "empty"); len(x) != 0 {
				t.Errorf("empty has %d elements", len(x))
			}
			for _, name := range []string{"i64", "i32", "u8", "bool", "param"} {
				if len(floats(t, s, name)) == 0 {
					t.Errorf("%s is empty", name)
				}
			}
		})
	}
}
