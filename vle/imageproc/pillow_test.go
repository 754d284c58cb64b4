package imageproc

import (
	"encoding/json"
	"image/color"
	"os"
	"path/filepath"
	"testing"
)

// TestPillow decodes small pictures in every format (testdata/pillow/make.py) and
// compares each byte with what Pillow makes of them: plain, over a colour, and
// turned upright.
func TestPillow(t *testing.T) {
	dir := filepath.Join("testdata", "pillow")
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index map[string]struct {
		Width     int    `json:"width"`
		Height    int    `json:"height"`
		SHA256    string `json:"sha256"`
		OverGreen string `json:"over_green"`
		Upright   string `json:"upright"`
	}
	if err := json.Unmarshal(data, &index); err != nil {
		t.Fatal(err)
	}
	for name, want := range index {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, name)
			img, err := DecodeFile(file, nil)
			if err != nil {
				t.Fatal(err)
			}
			if img.Width != want.Width || img.Height != want.Height {
				t.Fatalf("%dx%d, want %dx%d", img.Width, img.Height, want.Width, want.Height)
			}
			if sha(img.Pix) != want.SHA256 {
				t.Errorf("pixels differ from Pillow's")
			}
			over, err := DecodeFile(file, &DecodeOptions{Background: color.RGBA{0, 255, 0, 255}})
			if err != nil {
				t.Fatal(err)
			}
			if want.OverGreen == "" {
				want.OverGreen = want.SHA256
			}
			if sha(over.Pix) != want.OverGreen {
				t.Errorf("over green, pixels differ from Pillow's")
			}
			upright, err := DecodeFile(file, &DecodeOptions{Orient: true})
			if err != nil {
				t.Fatal(err)
			}
			if want.Upright == "" {
				want.Upright = want.SHA256
			}
			if sha(upright.Pix) != want.Upright {
				t.Errorf("turned upright, pixels differ from Pillow's")
			}
		})
	}
}
