package imageproc

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkProcess prepares recorded pictures for a 224-pixel model on one thread:
// decode, scale, crop, normalise.
func BenchmarkProcess(b *testing.B) {
	dir := goldenDir(b, "image", "inputs")
	p := New(224)
	for _, name := range []string{"ref_birds.jpg", "ref_dogs.png", "ref_door.png", "jpeg_420.jpg", "vga.png"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				img, err := DecodeBytes(data, nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := p.Process(img); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDecode is the decoding alone.
func BenchmarkDecode(b *testing.B) {
	dir := goldenDir(b, "image", "inputs")
	for _, name := range []string{"ref_birds.jpg", "ref_dogs.png", "jpeg_prog.jpg", "vga.png", "webp_lossy.webp"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := DecodeBytes(data, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
