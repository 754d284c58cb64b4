package parity

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"strings"

	"govle/vle/imageproc"
)

// imageEntry is one picture of image/index.json.
type imageEntry struct {
	File    string        `json:"file"`
	Width   int           `json:"width"`
	Height  int           `json:"height"`
	PNG     string        `json:"decoded_png"`
	SHA     string        `json:"decoded_rgb_sha256"`
	Outputs []imageOutput `json:"outputs"`
}

// imageOutput is what CLIPImageProcessor made of a picture at one size.
type imageOutput struct {
	Size    int    `json:"size"`
	Crop    bool   `json:"crop"`
	Shape   []int  `json:"shape"`
	SHAF32  string `json:"sha256_f32"`
	SHAU8   string `json:"sha256_u8_chw"`
	NPY     string `json:"npy"`
	NPZ     string `json:"npz"`
	U8PNG   string `json:"u8_png"`
	Quirk   bool   `json:"quirk_channels_first"` // the reference took the height for channels
	Error   string `json:"error"`                // the reference failed
	Skipped string `json:"skipped"`
}

// findImage finds a folder with index.json and inputs/: for each picture one
// case for decoding the file and one for preparing what the reference decoded.
func findImage(f *folder) []testCase {
	if !f.has["index.json"] || !f.subs["inputs"] {
		return nil
	}
	var entries []imageEntry
	if err := readJSON(f.path("index.json"), &entries); err != nil {
		return []testCase{failed(f.caseName("index.json"), err)}
	}
	var cases []testCase
	for _, e := range entries {
		for _, o := range e.Outputs {
			f.path(o.NPY)
			f.path(o.NPZ)
		}
		cases = append(cases,
			testCase{name: f.caseName("decode/" + e.File), run: func(_ context.Context, c *check) error { return e.decode(f, c) }},
			testCase{name: f.caseName("process/" + e.File), run: func(ctx context.Context, c *check) error { return e.process(ctx, f, c) }})
	}
	return cases
}

// failed is a case that could not even be found.
func failed(name string, err error) testCase {
	return testCase{name: name, run: func(context.Context, *check) error { return err }}
}

func (e imageEntry) decode(f *folder, c *check) error {
	img, err := imageproc.DecodeFile(f.path("inputs/"+e.File), nil)
	if err != nil {
		return err
	}
	if e.PNG != "" {
		want, err := readPNG(f.path(e.PNG))
		if err != nil {
			return err
		}
		samePixels(c, "pixels", img, want)
	}
	if e.SHA != "" {
		c.item(hash(img.Pix) == e.SHA, "SHA-256 of the %d×%d RGB bytes is %s, recorded %s", img.Width, img.Height, hash(img.Pix), e.SHA)
	}
	return nil
}

// process prepares the picture at every recorded size. It starts from the
// pixels that the reference decoded where they are recorded, so that a decoder's
// differences are not counted twice.
func (e imageEntry) process(ctx context.Context, f *folder, c *check) error {
	name := f.path("inputs/" + e.File)
	if e.PNG != "" {
		name = f.path(e.PNG)
	}
	img, err := imageproc.DecodeFile(name, nil)
	if err != nil {
		return err
	}
	for _, o := range e.Outputs {
		if o.Skipped != "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := o.check(f, c, img); err != nil {
			return fmt.Errorf("size %d, crop %v: %w", o.Size, o.Crop, err)
		}
	}
	return nil
}

func (o imageOutput) check(f *folder, c *check, img *imageproc.RGB) error {
	label := fmt.Sprintf("size %d, crop %v", o.Size, o.Crop)
	p := imageproc.New(o.Size)
	p.DoCenterCrop = o.Crop
	px, err := p.Process(img)
	if o.Error != "" || o.Quirk {
		// The reference fails on these or takes rows for channels; ours need
		// only do the obvious thing.
		c.item(err == nil && (!o.Crop || px.H == o.Size && px.W == o.Size), "%s: %v, a usable result was expected", label, err)
		return nil
	}
	if err != nil {
		return err
	}
	same(c, label+": shape", []int{px.C, px.H, px.W}, o.Shape)
	got := make([]byte, 0, 4*len(px.Data))
	for _, v := range px.Data {
		got = binary.LittleEndian.AppendUint32(got, math.Float32bits(v))
	}
	c.item(hash(got) == o.SHAF32, "%s: SHA-256 of the float32 values differs", label)
	u8, _, err := p.Uint8(img)
	if err != nil {
		return err
	}
	planes := channelsFirst(u8)
	c.item(hash(planes) == o.SHAU8, "%s: SHA-256 of the resized uint8 values differs", label)
	if o.U8PNG != "" {
		want, err := readPNG(f.path(o.U8PNG))
		if err != nil {
			return err
		}
		samePixels(c, label+": resized pixels", u8, want)
	}
	if o.NPY != "" {
		want, err := readNPY(f.path(o.NPY))
		if err != nil {
			return err
		}
		same(c, label+": values", px.Data, want.float32s())
	}
	if o.NPZ == "" {
		return nil
	}
	z, err := readNPZ(f.path(o.NPZ))
	if err != nil {
		return err
	}
	values := make([]float32, 0, 1000)
	bytes := make([]int64, 0, 1000)
	for _, at := range z["pos"].ints {
		if at < 0 || at >= int64(len(px.Data)) {
			return fmt.Errorf("%s: position %d is outside of the result", o.NPZ, at)
		}
		values = append(values, px.Data[at])
		bytes = append(bytes, int64(planes[at]))
	}
	same(c, label+": sampled values", values, z["val"].float32s())
	same(c, label+": sampled bytes", bytes, z["u8"].ints)
	return nil
}

// resizeEntry is one line of image/resize/index.json.
type resizeEntry struct {
	File   string `json:"file"`
	W      int    `json:"w"`
	H      int    `json:"h"`
	Filter string `json:"filter"` // the filter's name, perhaps with a remark after it
}

var filters = map[string]imageproc.Filter{
	"nearest": imageproc.Nearest, "box": imageproc.BoxFilter, "bilinear": imageproc.Bilinear,
	"hamming": imageproc.Hamming, "bicubic": imageproc.Bicubic, "lanczos": imageproc.Lanczos,
}

// findResize finds a folder with index.json and src.png: Pillow's resize of it.
func findResize(f *folder) []testCase {
	if !f.has["index.json"] || !f.has["src.png"] {
		return nil
	}
	var entries []resizeEntry
	if err := readJSON(f.path("index.json"), &entries); err != nil {
		return []testCase{failed(f.caseName("index.json"), err)}
	}
	var cases []testCase
	for _, e := range entries {
		tc := testCase{name: f.caseName(e.File)}
		word, _, _ := strings.Cut(e.Filter, " ")
		filter, ok := filters[word]
		switch {
		case !ok:
			tc.unsupported = fmt.Sprintf("filter %q", e.Filter)
		case strings.HasPrefix(e.File, "rgba"):
			tc.run = func(_ context.Context, c *check) error { return e.checkAlpha(f, c, filter) }
		default:
			tc.run = func(_ context.Context, c *check) error { return e.check(f, c, filter) }
		}
		cases = append(cases, tc)
	}
	return cases
}

func (e resizeEntry) check(f *folder, c *check, filter imageproc.Filter) error {
	src, err := imageproc.DecodeFile(f.path("src.png"), nil)
	if err != nil {
		return err
	}
	want, err := readPNG(f.path(e.File))
	if err != nil {
		return err
	}
	samePixels(c, "pixels", imageproc.Resize(src, e.W, e.H, filter), want)
	return nil
}

func (e resizeEntry) checkAlpha(f *folder, c *check, filter imageproc.Filter) error {
	src, err := readNRGBA(f.path("src_rgba.png"))
	if err != nil {
		return err
	}
	want, err := readNRGBA(f.path(e.File))
	if err != nil {
		return err
	}
	got := imageproc.ResizeAlpha(src, e.W, e.H, filter)
	c.item(got.Rect == want.Rect, "size %v, recorded %v", got.Rect.Size(), want.Rect.Size())
	same(c, "RGBA bytes", got.Pix, want.Pix)
	return nil
}

// readPNG reads a recorded picture with the standard library, not with the
// decoder that is being checked.
func readPNG(path string) (image.Image, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	img, err := png.Decode(r)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return img, nil
}

func readNRGBA(path string) (*image.NRGBA, error) {
	img, err := readPNG(path)
	if err != nil {
		return nil, err
	}
	n, ok := img.(*image.NRGBA)
	if !ok {
		return nil, fmt.Errorf("%s has no alpha channel", path)
	}
	return n, nil
}

// samePixels compares the colours of an 8-bit picture, pixel for pixel.
func samePixels(c *check, name string, got *imageproc.RGB, want image.Image) {
	b := want.Bounds()
	if got.Width != b.Dx() || got.Height != b.Dy() {
		c.item(false, "%s: %d×%d, recorded %d×%d", name, got.Width, got.Height, b.Dx(), b.Dy())
		return
	}
	off, most := 0, 0
	for i, v := range imageproc.ToRGB(want).Pix {
		if d := max(int(v)-int(got.Pix[i]), int(got.Pix[i])-int(v)); d > 0 {
			off++
			most = max(most, d)
		}
	}
	c.item(off == 0, "%s: %d of %d bytes differ, by %d at most", name, off, len(got.Pix), most)
}

func channelsFirst(img *imageproc.RGB) []byte {
	n := img.Width * img.Height
	out := make([]byte, 3*n)
	for i := range n {
		for ch := range 3 {
			out[ch*n+i] = img.Pix[3*i+ch]
		}
	}
	return out
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
