package checkpoint

import (
	"path/filepath"
	"testing"
)

// TestConvertedInParts reads a tensor of more than one part twice: the pages
// that the first time gave back come again from the file.
func TestConvertedInParts(t *testing.T) {
	n := convertAtOnce + 12_345
	want := make([]float32, n)
	for i := range want {
		want[i] = float32(i % 2048)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := Save(path, []Parameter{{"w", []int{n}, want}, {"z", []int{3}, []float32{1, 2, 3}}}, SaveOptions{DType: F16}); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 2 {
		got, err := s.Float32("w")
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			if v != want[i] {
				t.Fatalf("element %d is %g, want %g", i, v, want[i])
			}
		}
		if z, err := s.Float32("z"); err != nil || z[0] != 1 || z[2] != 3 {
			t.Errorf("%v, %v", z, err)
		}
	}
}

func TestWithin(t *testing.T) {
	a := make([]byte, 10)
	for _, c := range []struct {
		b, a []byte
		want bool
	}{
		{a, a, true}, {a[3:7], a, true}, {a[9:], a, true}, {a, a[1:], false}, {a, a[:9], false}, {a[2:5], a[3:6], false},
		{a[:0], a, false}, {a, nil, false}, {make([]byte, 4), a, false},
	} {
		if got := within(c.b, c.a); got != c.want {
			t.Errorf("%d bytes within %d: %v", len(c.b), len(c.a), got)
		}
	}
}
