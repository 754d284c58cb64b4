package imageproc

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// photo draws a picture with the edges, slopes and grain of a photograph.
func photo(w, h int) *RGB {
	rng := rand.New(rand.NewPCG(5, 6))
	p := NewRGB(w, h)
	for y := range h {
		for x := range w {
			fx, fy := float64(x), float64(y)
			v := 120 + 60*math.Sin(fx/37+fy/91) + 40*math.Cos(fx*fy/9000)
			if (x/80+y/60)%3 == 0 {
				v = 255 - v
			}
			for c := range 3 {
				n := v + 20*float64(c) + rng.NormFloat64()*4
				p.Pix[3*(y*w+x)+c] = uint8(min(max(n, 0), 255))
			}
		}
	}
	return p
}

// benchPictures encodes pictures of the size of the field's data sets.
func benchPictures(b *testing.B) map[string][]byte {
	b.Helper()
	files := map[string][]byte{}
	for _, size := range [][2]int{{640, 480}, {1200, 900}} {
		p := photo(size[0], size[1])
		var j, l bytes.Buffer
		if err := jpeg.Encode(&j, p, &jpeg.Options{Quality: 85}); err != nil {
			b.Fatal(err)
		}
		files[fmt.Sprintf("%dx%d.jpg", size[0], size[1])] = j.Bytes()
		if err := png.Encode(&l, p); err != nil {
			b.Fatal(err)
		}
		files[fmt.Sprintf("%dx%d.png", size[0], size[1])] = l.Bytes()
	}
	return files
}

// BenchmarkPrepare decodes a picture and prepares it for a 224-pixel model, on one
// thread. Where python3 (or $PYTHON) has Pillow and numpy, it then times these
// doing the same and reports both best times and their ratio.
func BenchmarkPrepare(b *testing.B) {
	p := New(224)
	for name, data := range benchPictures(b) {
		b.Run(name, func(b *testing.B) {
			best := math.Inf(1)
			for b.Loop() {
				start := time.Now()
				img, err := DecodeBytes(data, nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := p.Process(img); err != nil {
					b.Fatal(err)
				}
				best = min(best, time.Since(start).Seconds()*1000)
			}
			b.ReportMetric(best, "ms-best")
			if theirs, ok := pillow(b, name, data); ok {
				b.ReportMetric(theirs, "ms-Pillow")
				b.ReportMetric(theirs/best, "x-Pillow")
			}
		})
	}
}

// pillow is the best time, in milliseconds, that Pillow and numpy take; false when
// they are not there.
func pillow(b *testing.B, name string, data []byte) (float64, bool) {
	b.Helper()
	python := os.Getenv("PYTHON")
	if python == "" {
		python = "python3"
	}
	file := filepath.Join(b.TempDir(), name)
	if err := os.WriteFile(file, data, 0o644); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(python, filepath.Join("testdata", "bench.py"), file)
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1")
	out, err := cmd.Output()
	if err != nil {
		return 0, false
	}
	var best, median float64
	if _, err := fmt.Sscan(string(out), &best, &median); err != nil {
		return 0, false
	}
	return best, true
}

// BenchmarkProcess is the preparation of a decoded picture alone.
func BenchmarkProcess(b *testing.B) {
	img := photo(640, 480)
	for _, size := range []int{224, 384} {
		b.Run(fmt.Sprintf("640x480 to %d", size), func(b *testing.B) {
			p := New(size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Process(img); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
