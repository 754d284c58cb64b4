package checkpoint

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkOpen opens 64 MB of fp32 weights and reads every tensor: from
// safetensors and torch's zip archives they are views and nothing is copied, from
// a legacy stream they are copied where it leaves them unaligned, and halves are
// always converted.
func BenchmarkOpen(b *testing.B) {
	const n = 16 << 20
	dir := b.TempDir()
	weights := []Parameter{{"w", []int{n}, make([]float32, n)}}
	for name, d := range map[string]DType{"fp32.safetensors": F32, "fp16.safetensors": F16} {
		if err := Save(filepath.Join(dir, name), weights, SaveOptions{DType: d}); err != nil {
			b.Fatal(err)
		}
	}
	zeros := make([]byte, 4*n)
	state := stateDict(view{"FloatStorage", "0", n, 0, []int64{n}, []int64{1}})
	for name, data := range map[string][]byte{
		"zip.bin":    alignedZip(state, zeros),
		"legacy.bin": legacy(magic, version, state, "]X\x01\x00\x00\x000a", append(le64(n), zeros...)),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			b.Fatal(err)
		}
	}
	for _, name := range []string{"fp32.safetensors", "zip.bin", "legacy.bin", "fp16.safetensors"} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(4 * n)
			b.ReportAllocs()
			for b.Loop() {
				s, err := Open(filepath.Join(dir, name))
				if err != nil {
					b.Fatal(err)
				}
				if x, err := s.Float32("w"); err != nil || len(x) != n {
					b.Fatalf("%d elements, %v", len(x), err)
				}
				s.Close()
			}
		})
	}
}

// alignedZip pads the storage's name, as torch pads its local header, until the
// storage begins at a multiple of four.
func alignedZip(state, storage []byte) []byte {
	for pad := range 4 {
		prefix := "m" + string(bytes.Repeat([]byte("m"), pad))
		data := zipFiles([]zipEntry{{prefix + "/data.pkl", state, 0}, {prefix + "/data/0", storage, 0}})
		if bytes.LastIndex(data, storage[:1024])%4 == 0 {
			return data
		}
	}
	panic("no padding aligns the storage")
}
