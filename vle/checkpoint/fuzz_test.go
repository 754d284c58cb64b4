package checkpoint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzSafetensors and FuzzTorch open arbitrary bytes. Whatever comes, the
// outcome is an error or tensors whose elements can be read and are as many as
// their shape says; never a panic, never memory out of proportion.

func FuzzSafetensors(f *testing.F) {
	seed(f, ".safetensors", header(`{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"I64","shape":[],"data_offsets":[4,12]}}`, 12))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 0 && (data[0] == 'P' || data[0] == 0x80) {
			return // FuzzTorch's
		}
		openAll(t, data)
	})
}

func FuzzTorch(f *testing.F) {
	four := []byte("0123456789abcdef")
	seed(f, ".bin",
		zipped(stateDict(good()), map[string][]byte{"0": four}),
		zipped(stateDict(view{"HalfStorage", "0", 8, 1, []int64{2, 3}, []int64{1, 2}}), map[string][]byte{"0": four}),
		legacy(magic, version, stateDict(good()), "]X\x01\x00\x00\x000a", append(le64(4), four...)))
	f.Fuzz(func(t *testing.T, data []byte) { openAll(t, data) })
}

// seed adds good inputs and every committed bad file of a kind.
func seed(f *testing.F, ext string, good ...[]byte) {
	for _, g := range good {
		s, err := OpenBytes(g, "seed")
		if err != nil || len(s.Names()) == 0 {
			f.Fatalf("a seed that should be good: %v", err)
		}
		f.Add(g)
	}
	bad, _ := filepath.Glob(filepath.Join("testdata", "bad", "*"+ext))
	if len(bad) < 10 {
		f.Fatalf("only %d bad files", len(bad))
	}
	for _, b := range bad {
		data, err := os.ReadFile(b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

func openAll(t *testing.T, data []byte) {
	s, err := OpenBytes(data, "fuzzed")
	if err != nil {
		if !strings.Contains(err.Error(), "fuzzed") {
			t.Errorf("error %q does not name the file", err)
		}
		return
	}
	defer s.Close()
	for _, name := range s.Names() {
		info, err := s.Info(name)
		if err != nil {
			t.Fatal(err)
		}
		x, err := s.Float32(name)
		if err == nil && len(x) != info.Elements() {
			t.Errorf("tensor %q of shape %v has %d elements", name, info.Shape, len(x))
		}
	}
}
