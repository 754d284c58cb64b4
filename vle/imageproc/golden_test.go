package imageproc

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// goldenDir finds the recorded outputs of the reference beside the module, or
// skips the test.
func goldenDir(t testing.TB, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	golden := filepath.Join(append([]string{dir, "..", "shared", "golden"}, parts...)...)
	if _, err := os.Stat(golden); err != nil {
		t.Skipf("no golden folder: %v", err)
	}
	return golden
}

type goldenOutput struct {
	Size          int       `json:"size"`
	Crop          bool      `json:"crop"`
	Shape         []int     `json:"shape"`
	SHA256F32     string    `json:"sha256_f32"`
	SHA256U8      string    `json:"sha256_u8_chw"`
	Mean          []float64 `json:"mean"`
	Error         string    `json:"error"`
	Skipped       string    `json:"skipped"`
	ChannelsFirst bool      `json:"quirk_channels_first"`
}

type goldenPicture struct {
	File       string         `json:"file"`
	Format     string         `json:"format"`
	Mode       string         `json:"mode"`
	Width      int            `json:"width"`
	Height     int            `json:"height"`
	DecodedSHA string         `json:"decoded_rgb_sha256"`
	DecodedPNG string         `json:"decoded_png"`
	Outputs    []goldenOutput `json:"outputs"`
}

func readGoldenIndex(t testing.TB, dir string) []goldenPicture {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var pictures []goldenPicture
	if err := json.Unmarshal(data, &pictures); err != nil {
		t.Fatal(err)
	}
	return pictures
}

func sha(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// readPNG reads a recorded picture without this package's decoder.
func readPNG(t testing.TB, name string) image.Image {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return img
}

// TestGoldenProcess compares every recorded output of the reference's processor:
// the scaled and cropped bytes and the float32 values, by their hashes. Pictures
// that Pillow decodes lossily come from the recorded pixels, so that this is about
// the processor alone.
func TestGoldenProcess(t *testing.T) {
	dir := goldenDir(t, "image")
	data, err := os.ReadFile(filepath.Join("testdata", "low_pictures.json"))
	if err != nil {
		t.Fatal(err)
	}
	var low map[string]string // hashes of Pillow 10.4's resize and crop
	if err := json.Unmarshal(data, &low); err != nil {
		t.Fatal(err)
	}
	for _, pic := range readGoldenIndex(t, dir) {
		t.Run(pic.File, func(t *testing.T) {
			t.Parallel()
			var img *RGB
			if pic.DecodedPNG != "" {
				img = ToRGB(readPNG(t, filepath.Join(dir, pic.DecodedPNG)))
			} else {
				var err error
				if img, err = DecodeFile(filepath.Join(dir, "inputs", pic.File), nil); err != nil {
					t.Fatal(err)
				}
				if sha(img.Pix) != pic.DecodedSHA {
					t.Fatalf("decoded pixels differ from the reference's")
				}
			}
			for _, out := range pic.Outputs {
				p := New(out.Size)
				p.DoCenterCrop = out.Crop
				t.Run(fmt.Sprintf("size=%d,crop=%v", out.Size, out.Crop), func(t *testing.T) {
					checkGoldenOutput(t, pic.File, p, img, out, low)
				})
			}
		})
	}
}

// planes is a picture channel by channel, as the reference stores it.
func planes(p *RGB) []byte {
	n := p.Width * p.Height
	chw := make([]byte, 3*n)
	for i := range n {
		for c := range 3 {
			chw[c*n+i] = p.Pix[3*i+c]
		}
	}
	return chw
}

func checkGoldenOutput(t *testing.T, file string, p *Processor, img *RGB, out goldenOutput, low map[string]string) {
	if out.Skipped != "" {
		return // too large to have been recorded
	}
	u8, _, err := p.Uint8(img)
	if err != nil {
		t.Fatal(err)
	}
	px, err := p.Process(img)
	if err != nil {
		t.Fatal(err)
	}
	if out.Error != "" || out.ChannelsFirst {
		// The reference refuses or misreads pictures 1 or 3 pixels high; ours must
		// give what Pillow's resize and a centre crop give.
		key := fmt.Sprintf("%s %d %v", file, out.Size, out.Crop)
		if got := sha(planes(u8)); got != low[key] {
			t.Errorf("bytes differ from Pillow's")
		}
		return
	}
	if got := []int{px.C, px.H, px.W}; fmt.Sprint(got) != fmt.Sprint(out.Shape) {
		t.Fatalf("shape %v, want %v", got, out.Shape)
	}
	if sha(planes(u8)) != out.SHA256U8 {
		t.Errorf("scaled and cropped bytes differ from the reference's")
	}
	raw := make([]byte, 4*len(px.Data))
	for i, v := range px.Data {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(v))
	}
	if sha(raw) != out.SHA256F32 {
		t.Errorf("float32 values differ from the reference's")
	}
}

// TestGoldenDecode compares decoded pixels with Pillow's.
func TestGoldenDecode(t *testing.T) {
	dir := goldenDir(t, "image")
	for _, pic := range readGoldenIndex(t, dir) {
		t.Run(pic.File, func(t *testing.T) {
			t.Parallel()
			img, err := DecodeFile(filepath.Join(dir, "inputs", pic.File), nil)
			if err != nil {
				t.Fatal(err)
			}
			if img.Width != pic.Width || img.Height != pic.Height {
				t.Fatalf("%dx%d, want %dx%d", img.Width, img.Height, pic.Width, pic.Height)
			}
			if sha(img.Pix) == pic.DecodedSHA {
				return
			}
			if pic.DecodedPNG == "" {
				t.Fatal("pixels differ from the reference's")
			}
			want := ToRGB(readPNG(t, filepath.Join(dir, pic.DecodedPNG)))
			differ, largest := 0, 0
			for i, v := range img.Pix {
				if d := int(v) - int(want.Pix[i]); d != 0 {
					differ++
					largest = max(largest, d, -d)
				}
			}
			t.Errorf("%d of %d bytes differ from the reference's, by up to %d", differ, len(img.Pix), largest)
		})
	}
}

// TestGoldenResize compares with Pillow's Image.resize, every filter.
func TestGoldenResize(t *testing.T) {
	dir := goldenDir(t, "image", "resize")
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		File   string `json:"file"`
		W      int    `json:"w"`
		H      int    `json:"h"`
		Filter string `json:"filter"`
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	filters := map[string]Filter{"nearest": Nearest, "box": BoxFilter, "bilinear": Bilinear, "hamming": Hamming, "bicubic": Bicubic, "lanczos": Lanczos}
	src := ToRGB(readPNG(t, filepath.Join(dir, "src.png")))
	srcAlpha, ok := readPNG(t, filepath.Join(dir, "src_rgba.png")).(*image.NRGBA)
	if !ok {
		t.Fatal("src_rgba.png has no alpha")
	}
	for _, c := range cases {
		t.Run(c.File, func(t *testing.T) {
			want := readPNG(t, filepath.Join(dir, c.File))
			if f, ok := filters[c.Filter]; ok {
				got := Resize(src, c.W, c.H, f)
				if !bytes.Equal(got.Pix, ToRGB(want).Pix) {
					t.Errorf("pixels differ from Pillow's")
				}
				return
			}
			got := ResizeAlpha(srcAlpha, c.W, c.H, Bicubic)
			if !bytes.Equal(got.Pix, want.(*image.NRGBA).Pix) {
				t.Errorf("pixels differ from Pillow's")
			}
		})
	}
}

// TestGoldenPatchBox compares the reference's way from boxes to patches, which
// stretches the whole picture over the input.
func TestGoldenPatchBox(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(goldenDir(t, "pipelines"), "patch_box.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	for row := 0; dec.More(); row++ {
		var c struct {
			Boxes     [][]float64 `json:"boxes"`
			Width     int         `json:"width"`
			Height    int         `json:"height"`
			PatchSize int         `json:"patch_size"`
			ImageSize int         `json:"image_size"`
			Result    []struct {
				Box []float64 `json:"box"`
				IDs []int     `json:"ids"`
				N   int       `json:"n"`
				Sum int       `json:"sum"`
			} `json:"result"`
		}
		if err := dec.Decode(&c); err != nil {
			t.Fatal(err)
		}
		g, err := New(c.ImageSize).Geometry(c.Width, c.Height)
		if err != nil {
			t.Fatal(err)
		}
		g = g.Stretched()
		for i, b := range c.Boxes {
			want := c.Result[i]
			ids, box := g.Patches(c.PatchSize, Box{b[0], b[1], b[2], b[3]})
			sum := 0
			for _, id := range ids {
				sum += id
			}
			if len(ids) != want.N || sum != want.Sum || want.IDs != nil && fmt.Sprint(ids) != fmt.Sprint(want.IDs) {
				t.Errorf("row %d box %v: patches %v, want %v", row, b, ids, want.IDs)
				continue
			}
			got := []float64{box.X0, box.Y0, box.X1, box.Y1}
			for k := range got {
				if len(ids) > 0 && math.Abs(got[k]-want.Box[k]) > 1e-9*float64(c.Width+c.Height) {
					t.Errorf("row %d box %v: covers %v, want %v", row, b, got, want.Box)
				}
			}
		}
	}
}
