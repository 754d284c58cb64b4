package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestUpToDate holds that the committed assembly is what the generator writes,
// byte for byte. If it fails, run go generate ./vle/blas.
func TestUpToDate(t *testing.T) {
	for _, u := range units {
		files, err := u.generate()
		if err != nil {
			t.Fatalf("generating %s: %v", u.name, err)
		}
		if len(files) != 2 {
			t.Errorf("%s: %d files, want the assembly and its stubs", u.name, len(files))
		}
		for name, want := range files {
			got, err := os.ReadFile(filepath.Join("..", "..", name))
			if err != nil {
				t.Error(err)
				continue
			}
			if !bytes.Equal(got, want) {
				t.Errorf("vle/blas/%s is not what vle/blas/internal/gen writes: run go generate ./vle/blas", name)
			}
		}
	}
}
