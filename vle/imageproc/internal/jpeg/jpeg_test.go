package jpeg

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func anySize(int, int) error { return nil }

// TestInverse compares the integer transform with the definition in float64
// (T.81, A.3.3).
func TestInverse(t *testing.T) {
	var quant [64]uint16
	for i := range quant {
		quant[i] = 1
	}
	for u := range 64 {
		var coef [64]int16
		coef[u], coef[0] = 300, coef[0]+100
		var got [64]byte
		idctBlock(got[:], 8, &coef, &quant)
		for i := range 64 {
			sum := 0.0
			for k, c := range coef {
				x, y, cx, cy := i%8, i/8, k%8, k/8
				f := float64(c) / 4 * math.Cos(float64((2*x+1)*cx)*math.Pi/16) * math.Cos(float64((2*y+1)*cy)*math.Pi/16)
				if cx == 0 {
					f /= math.Sqrt2
				}
				if cy == 0 {
					f /= math.Sqrt2
				}
				sum += f
			}
			want := min(max(sum+128, 0), 255)
			if math.Abs(want-float64(got[i])) > 0.6 {
				t.Fatalf("coefficient %d, sample %d: %d, want %.2f", u, i, got[i], want)
			}
		}
	}
}

// TestLikeStandardLibrary decodes what the standard library writes: close to its
// own decoding, which uses another transform and other upsampling.
func TestLikeStandardLibrary(t *testing.T) {
	src := image.NewRGBA(image.Rect(0, 0, 50, 37))
	for y := range 37 {
		for x := range 50 {
			src.Set(x, y, color.RGBA{uint8(5 * x), uint8(6 * y), uint8(2*x + 3*y), 255})
		}
	}
	var b bytes.Buffer
	if err := stdjpeg.Encode(&b, src, &stdjpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b.Bytes(), anySize)
	if err != nil {
		t.Fatal(err)
	}
	for y := range 37 {
		for x := range 50 {
			want := src.RGBAAt(x, y)
			px := got.Pix[3*(50*y+x):]
			for c, v := range []uint8{want.R, want.G, want.B} {
				if d := int(px[c]) - int(v); d < -12 || d > 12 {
					t.Fatalf("pixel (%d,%d) is %v, drawn as %v", x, y, px[:3], want)
				}
			}
		}
	}
}

// TestBadFiles decodes one small broken file per check.
func TestBadFiles(t *testing.T) {
	tests := []struct{ file, want string }{
		{"arithmetic.jpg", "arithmetic coding"},
		{"lossless.jpg", "hierarchical or lossless coding"},
		{"twelve_bits.jpg", "12 bits a sample"},
		{"two_components.jpg", "2 components"},
		{"two_frames.jpg", "second frame header"},
		{"sampling_zero.jpg", "sampling 0x2"},
		{"sampling_fraction.jpg", "not a whole fraction"},
		{"quant_missing.jpg", "quantisation table 3 is missing"},
		{"quant_short.jpg", "quantisation table"},
		{"huffman_many.jpg", "more codes than its lengths allow"},
		{"huffman_short.jpg", "Huffman table"},
		{"huffman_missing.jpg", "Huffman tables 3 (DC) and 3 (AC), which are missing"},
		{"scan_first.jpg", "scan before the frame header"},
		{"scan_unknown.jpg", "component 99"},
		{"scan_twice.jpg", "component 1 twice"},
		{"band.jpg", "progressive scan of coefficients 5 to 2"},
		{"no_pixels.jpg", "ends without pixels"},
		{"huge.jpg", "cannot hold 65500x65500"},
		{"truncated.jpg", "unexpected EOF"},
		{"no_end.jpg", "unexpected EOF"},
		{"restart_length.jpg", "restart interval of 1 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", "bad", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = Decode(data, anySize); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v does not say %q", err, tt.want)
			}
		})
	}
}

// TestManyScans: a file with more scans than any encoder writes is refused.
func TestManyScans(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pillow", "grey_prog.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte{0xff, markerSOS})
	next := at + 2 + bytes.Index(data[at+2:], []byte{0xff, markerDHT})
	first := data[at:next]
	file := append([]byte(nil), data[:at]...)
	for range maxScans + 1 {
		file = append(file, first...)
	}
	file = append(file, data[next:]...)
	if _, err := Decode(file, anySize); err == nil || !strings.Contains(err.Error(), "scans") {
		t.Errorf("error %v", err)
	}
}

// TestAllow: the size is asked for first, and its error is returned.
func TestAllow(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pillow", "base_420.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	if _, err := Decode(data, func(w, h int) error {
		if w != 45 || h != 38 {
			t.Errorf("asked for %dx%d", w, h)
		}
		return refused
	}); !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "pillow", "*.jpg"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Decode(data, func(w, h int) error {
			if w*h > 1<<20 {
				return errors.New("too large for a test")
			}
			return nil
		})
		if err == nil && len(p.Pix) != 3*p.Width*p.Height {
			t.Errorf("%d bytes for %dx%d", len(p.Pix), p.Width, p.Height)
		}
	})
}
