package imageproc

import (
	"image/color"
	"os"
	"path/filepath"
	"testing"
)

// FuzzDecode: whatever comes, decoding gives a whole picture or an error, within
// the pixels allowed.
func FuzzDecode(f *testing.F) {
	for _, pattern := range []string{"pillow/*.png", "pillow/*.gif", "pillow/*.bmp", "pillow/*.tif", "pillow/*.webp", "pillow/turned_*.jpg", "bad/*"} {
		files, err := filepath.Glob(filepath.Join("testdata", filepath.FromSlash(pattern)))
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds like %s: %v", pattern, err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	const most = 1 << 20
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, opts := range []*DecodeOptions{{MaxPixels: most}, {MaxPixels: most, Orient: true, Background: color.White}} {
			img, err := DecodeBytes(data, opts)
			if err != nil {
				continue
			}
			if img.Width < 1 || img.Height < 1 || img.Width*img.Height > most || len(img.Pix) != 3*img.Width*img.Height {
				t.Errorf("%d bytes for %dx%d", len(img.Pix), img.Width, img.Height)
			}
		}
	})
}

// FuzzConfig: a configuration that is accepted can prepare a picture, and says the
// same after it was saved.
func FuzzConfig(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "badconfig", "*", ConfigName))
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"size": {"shortest_edge": 24}, "crop_size": {"height": 20, "width": 30}, "resample": 1, "image_mean": [0, 0, 0], "image_std": [1, 1, 1]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseConfig(data)
		if err != nil {
			return
		}
		dir := t.TempDir()
		if err := p.Save(dir); err != nil {
			t.Fatalf("accepted but not saved: %v", err)
		}
		again, err := Load(dir)
		if err != nil || *again != *p {
			t.Fatalf("saved and read back: %+v, %v; was %+v", again, err, p)
		}
		if g, err := p.Geometry(20, 10); err != nil || g.Width*g.Height > 1<<20 {
			return // right, but slow
		}
		if _, err := p.Process(gradient(20, 10)); err != nil {
			t.Fatalf("accepted but cannot process: %v", err)
		}
	})
}
