package imageproc

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// gradient is a picture in which every pixel differs from its neighbours.
func gradient(w, h int) *RGB {
	p := NewRGB(w, h)
	for y := range h {
		for x := range w {
			p.Pix[3*(y*w+x)] = uint8(x * 255 / max(w-1, 1))
			p.Pix[3*(y*w+x)+1] = uint8(y * 255 / max(h-1, 1))
			p.Pix[3*(y*w+x)+2] = uint8((x*7 + y*13) % 256)
		}
	}
	return p
}

func TestParseConfig(t *testing.T) {
	tests := []struct {
		name, json string
		want       func(p *Processor)
	}{
		{"empty has CLIP's defaults", `{}`, func(*Processor) {}},
		{"nulls have the defaults", `{"size": null, "image_mean": null, "resample": null}`, func(*Processor) {}},
		{"old style numbers", `{"size": 336, "crop_size": 330}`, func(p *Processor) {
			p.Size, p.CropSize = Size{ShortestEdge: 336}, Size{Width: 330, Height: 330}
		}},
		{"both edges", `{"size": {"height": 20, "width": 30}, "crop_size": {"height": 10, "width": 12}}`, func(p *Processor) {
			p.Size, p.CropSize = Size{Height: 20, Width: 30}, Size{Height: 10, Width: 12}
		}},
		{"flags", `{"do_resize": false, "do_center_crop": false, "do_rescale": false, "do_normalize": false, "do_convert_rgb": false, "size": 0}`, func(p *Processor) {
			p.DoResize, p.DoCenterCrop, p.DoRescale, p.DoNormalize, p.DoConvertRGB = false, false, false, false, false
			p.Size = Size{}
		}},
		{"numbers", `{"image_mean": [0, 0.5, 1], "image_std": [1, 2, 3], "rescale_factor": 0.5, "resample": 2}`, func(p *Processor) {
			p.Mean, p.Std, p.RescaleFactor, p.Resample = [3]float64{0, 0.5, 1}, [3]float64{1, 2, 3}, 0.5, Bilinear
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseConfig([]byte(tt.json))
			if err != nil {
				t.Fatal(err)
			}
			want := New(224)
			tt.want(want)
			if *got != *want {
				t.Errorf("got %+v, want %+v", *got, *want)
			}
		})
	}
}

// TestBadConfig reads one small file per check; errors must name file and field.
func TestBadConfig(t *testing.T) {
	tests := []struct{ dir, want string }{
		{"not_json", "not a JSON object"},
		{"list", "not a JSON object"},
		{"size_zero", `field "size": height × width is 0 × 0`},
		{"size_negative", `field "size": shortest_edge is -1`},
		{"size_huge", `field "size": shortest_edge is 1000000000`},
		{"size_text", `field "size" is "big"`},
		{"size_longest", `field "size" has "longest_edge"`},
		{"size_half", `field "size" is {"height": 3}`},
		{"size_fraction", `field "size": "shortest_edge" is 2.5`},
		{"crop_edge", `field "crop_size" is {"shortest_edge": 4}`},
		{"crop_zero", `field "crop_size": height × width is 0 × 4`},
		{"flag_text", `field "do_resize" is "yes", want true or false`},
		{"resample_unknown", `field "resample" is 9`},
		{"mean_short", `field "image_mean" has 1 numbers`},
		{"std_zero", `field "image_std" has 0 for channel 1`},
		{"rescale_zero", `field "rescale_factor" is 0`},
		{"missing", "no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.dir, func(t *testing.T) {
			dir := filepath.Join("testdata", "badconfig", tt.dir)
			_, err := Load(dir)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range []string{tt.want, filepath.Join(dir, ConfigName)} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if _, err := LoadFS(os.DirFS("."), filepath.ToSlash(dir)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("LoadFS: error %v does not say %q", err, tt.want)
			}
		})
	}
}

func TestSaveLoad(t *testing.T) {
	dir := t.TempDir()
	want := New(384)
	want.Size = Size{Height: 384, Width: 400}
	want.Mean = [3]float64{0.1, 0.2, 0.3}
	if err := want.Save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if *got != *want {
		t.Errorf("read back %+v, want %+v", *got, *want)
	}
}

// TestPadding: a crop larger than the picture is filled with black around it.
func TestPadding(t *testing.T) {
	p := New(8)
	p.DoResize = false
	got, g, err := p.Uint8(&RGB{Pix: []uint8{1, 2, 3, 4, 5, 6, 7, 8, 9}, Width: 3, Height: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Geometry{3, 1, 3, 1, -3, -4, 8, 8}); g != want {
		t.Errorf("geometry %+v, want %+v", g, want)
	}
	for y := range 8 {
		for x := range 8 {
			want := color.RGBA{A: 255}
			if y == 4 && x >= 3 && x < 6 {
				v := uint8(3*(x-3) + 1)
				want = color.RGBA{v, v + 1, v + 2, 255}
			}
			if got.At(x, y) != want {
				t.Errorf("pixel (%d,%d) is %v, want %v", x, y, got.At(x, y), want)
			}
		}
	}
}

func TestGeometry(t *testing.T) {
	g, err := New(224).Geometry(640, 480)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Geometry{640, 480, 298, 224, 37, 0, 224, 224}); g != want {
		t.Fatalf("geometry %+v, want %+v", g, want)
	}
	// Every patch's rectangle must lead back to that patch.
	const patch = 32
	rows, cols := g.Grid(patch)
	for r := range rows {
		for c := range cols {
			b := g.PatchBox(patch, r, c)
			inner := Box{b.X0 + 1, b.Y0 + 1, b.X1 - 1, b.Y1 - 1}
			ids, covered := g.Patches(patch, inner)
			if len(ids) != 1 || ids[0] != r*cols+c {
				t.Errorf("patch (%d,%d) at %v: found %v", r, c, inner, ids)
			}
			if covered != b.Intersect(g.Picture()) {
				t.Errorf("patch (%d,%d): covered %v, want %v", r, c, covered, b)
			}
		}
	}
	v := g.Visible()
	if v.X0 < 79 || v.X0 > 80 || v.X1 < 560 || v.X1 > 561 || v.Y0 != 0 || v.Y1 != 480 {
		t.Errorf("visible part is %v", v)
	}
	for _, outside := range []Box{{0, 0, 70, 480}, {570, 0, 640, 480}, {-50, 3, -2, 9}, {9, 3, 2, 9}} {
		if ids, _ := g.Patches(patch, outside); len(ids) != 0 {
			t.Errorf("box %v has patches %v", outside, ids)
		}
	}
	if s := g.Stretched().Visible(); s != g.Picture() {
		t.Errorf("stretched, the model sees %v", s)
	}
}

func TestBatchEqualsSingles(t *testing.T) {
	p := New(32)
	var imgs []image.Image
	for i := range 5 {
		imgs = append(imgs, gradient(40+7*i, 90-5*i))
	}
	batch, err := p.ProcessBatch(imgs)
	if err != nil {
		t.Fatal(err)
	}
	for i, img := range imgs {
		one, err := p.Process(img)
		if err != nil {
			t.Fatal(err)
		}
		item := batch.Item(i)
		if fmt.Sprint(one.Data) != fmt.Sprint(item.Data) || one.Geometry != item.Geometry {
			t.Errorf("picture %d differs in the batch", i)
		}
	}
	p.DoCenterCrop = false
	if _, err := p.ProcessBatch(imgs); err == nil || !strings.Contains(err.Error(), "do_center_crop") {
		t.Errorf("sizes that differ: error %v", err)
	}
	if _, err := p.ProcessBatch(nil); err == nil {
		t.Error("empty batch: no error")
	}
}

func TestProcessErrors(t *testing.T) {
	p := New(32)
	if _, err := p.Process(nil); err == nil {
		t.Error("nil picture: no error")
	}
	if _, err := p.Process(&RGB{}); err == nil {
		t.Error("empty picture: no error")
	}
	p.DoCenterCrop = false
	if _, err := p.Process(NewRGB(1, 20_000)); err != nil {
		t.Errorf("tall but bounded: %v", err)
	}
	p.Size.ShortestEdge = 4096
	if _, err := p.Process(NewRGB(1, 20_000)); err == nil || !strings.Contains(err.Error(), "do_center_crop") {
		t.Errorf("4096x819200000 input: error %v", err)
	}
	if _, err := (&Processor{DoResize: true}).Process(gradient(3, 3)); err == nil {
		t.Error("zero processor: no error")
	}
}

// TestToRGB converts the same colours from every kind of picture.
func TestToRGB(t *testing.T) {
	rect := image.Rect(3, 5, 7, 8)
	want := color.NRGBA{200, 100, 50, 255}
	pal := color.Palette{color.NRGBA{1, 2, 3, 255}, color.NRGBA{200, 100, 50, 0}}
	kinds := map[string]interface {
		image.Image
		Set(x, y int, c color.Color)
	}{
		"NRGBA": image.NewNRGBA(rect), "RGBA": image.NewRGBA(rect), "Paletted": image.NewPaletted(rect, pal),
		"NRGBA64": image.NewNRGBA64(rect), "RGBA64": image.NewRGBA64(rect),
	}
	for name, img := range kinds {
		if p, ok := img.(*image.Paletted); ok {
			p.SetColorIndex(4, 6, 1)
		} else {
			img.Set(4, 6, want)
		}
		got := ToRGB(img)
		if got.Width != 4 || got.Height != 3 {
			t.Errorf("%s: %dx%d", name, got.Width, got.Height)
		}
		if c := got.At(1, 1); c != (color.RGBA{200, 100, 50, 255}) {
			t.Errorf("%s: pixel is %v", name, c)
		}
	}
	if p := ToRGB(nil); p.Width != 0 {
		t.Errorf("nil gives %dx%d", p.Width, p.Height)
	}
}

// TestBadPictures decodes one small file per check; errors must name the file and
// the reason.
func TestBadPictures(t *testing.T) {
	tests := []struct{ file, want string }{
		{"text.png", `it begins with the text "This is not a picture.\n"`},
		{"empty.png", "the file is empty"},
		{"binary.jpg", "it begins with the bytes c8 c9"},
		{"missing.png", "no such file"},
		{"bomb.png", "60000x60000 pixels, the limit is 178956970"},
		{"bomb.gif", "60000x60000 pixels, the limit is 178956970"},
		{"bomb.jpg", "65000x65000 pixels, the limit is 178956970"},
		{"bomb.tif", "60000x60000 pixels, the limit is 178956970"},
		{"zero.png", "PNG picture"},
		{"checksum.png", "checksum"},
		{"palette_missing.png", "its palette is missing"},
		{"palette_length.png", "a palette of 7 bytes"},
		{"filter.png", "row 1: a filter of kind 7"},
		{"critical_chunk.png", `a chunk "ABCD" that must be understood`},
		{"two_headers.png", `a chunk "IHDR" where the header should be, or a second header`},
		{"no_header.png", `a chunk "IDAT" where the header should be`},
		{"depth.png", "colours of type 0 with 3 bits"},
		{"no_pixels.png", "it has no pixels"},
		{"few_pixels.png", "pixels are missing"},
		{"few_bytes.png", "cannot hold 9000x9000 pixels"},
		{"zlib_header.png", "a zlib header 0x1122"},
		{"zlib_damaged.png", "the compressed data are damaged"},
		{"chunk_name.png", `a chunk called "I\x01AT"`},
		{"truncated.png", "ends too early"},
		{"truncated.jpg", "ends too early"},
		{"truncated.gif", "ends too early"},
		{"truncated.bmp", "ends too early"},
		{"truncated.webp", "ends too early"},
		{"truncated.tif", "ends too early"},
		{"header.gif", "ends too early"},
		{"no_frame.gif", "ends without a frame"},
		{"strange_block.gif", "a block of kind 0x77"},
		{"code_size.gif", "a code size of 12 bits"},
		{"no_area.gif", "a frame of 0x0 pixels"},
		{"short.gif", "cannot hold 174000000 pixels"},
		{"bomb.bmp", "60000x60000 pixels, the limit is 178956970"},
		{"bits.bmp", "2 bits with compression 0"},
		{"compression.bmp", "8 bits with compression 4"},
		{"header_size.bmp", "a header of 41 bytes is unknown"},
		{"colours.bmp", "a palette of 5000 colours"},
		{"offset.bmp", "the pixels begin at byte 1073741824"},
		{"negative.bmp", "the header says -45x38 pixels"},
		{"runs_short.bmp", "ends too early"},
		{"frame_outside.webp", "on a canvas of 45x38"},
		{"frame_size.webp", "the first frame's data are 45x38, its header says 4x38"},
		{"no_frames.webp", "an animation without frames"},
		{"photometric.tif", "YCbCr"},
		{"compression.tif", "JPEG compression inside TIFF"},
		{"unknown_compression.tif", "compression scheme 1234"},
		{"strip_outside.tif", "strip or tile 0"},
		{"strip_short.tif", "ends too early"},
		{"packbits_short.tif", "ends too early"},
		{"samples.tif", "77 samples a pixel"},
		{"directory_outside.tif", "ends too early"},
		{"no_rows.tif", "strips of no rows"},
		{"fax_colour.tif", "fax compression of what is not black and white"},
		{"two_dimensional.tif", "two-dimensional group 3"},
		{"palette_short.tif", "a palette of 0 numbers"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			file := filepath.Join("testdata", "bad", tt.file)
			_, err := DecodeFile(file, nil)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range []string{tt.want, file} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if strings.HasPrefix(tt.file, "bomb") && !errors.Is(err, ErrTooLarge) {
				t.Errorf("error %q does not wrap ErrTooLarge", err)
			}
			if strings.HasPrefix(tt.file, "truncated") && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("error %q does not wrap io.ErrUnexpectedEOF", err)
			}
		})
	}
}

// TestMaxPixels: the caller's limit counts, for every format.
func TestMaxPixels(t *testing.T) {
	for _, name := range []string{"rgb.png", "base_420.jpg", "palette_4.gif", "rgb.bmp", "rgb_raw.tif", "lossy.webp", "lossless.webp", "animated.webp"} {
		file := filepath.Join("testdata", "pillow", name)
		if _, err := DecodeFile(file, &DecodeOptions{MaxPixels: 45*38 - 1}); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s, one pixel too many: error %v", name, err)
		}
		if _, err := DecodeFile(file, &DecodeOptions{MaxPixels: 45 * 38}); err != nil {
			t.Errorf("%s, just allowed: %v", name, err)
		}
	}
}
