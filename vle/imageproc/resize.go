package imageproc

import (
	"image"

	"govle/vle/imageproc/internal/resample"
)

// Filter is a resampling filter, numbered as Pillow's Image.Resampling and as the
// "resample" field of preprocessor_config.json.
type Filter = resample.Filter

// The filters, each with the number that configurations use.
const (
	Nearest   = resample.Nearest
	Lanczos   = resample.Lanczos
	Bilinear  = resample.Bilinear
	Bicubic   = resample.Bicubic
	BoxFilter = resample.Box
	Hamming   = resample.Hamming
)

// Resize scales a picture to width×height with the arithmetic of Pillow's
// Image.resize, to the bit. It panics when a size is not positive.
func Resize(src *RGB, width, height int, filter Filter) *RGB {
	return &RGB{Width: width, Height: height, Pix: resample.Run(resample.Job{
		Filter: filter, Channels: 3,
		Src: src.Pix, SrcW: src.Width, SrcH: src.Height,
		OutW: width, OutH: height, X1: width, Y1: height,
	})}
}

// ResizeAlpha scales a picture with alpha as Pillow's Image.resize does: the
// colours are multiplied by alpha in 8 bits, scaled and divided again, so that
// invisible colours do not bleed. Nearest leaves the pixels as they are. It panics
// when a size is not positive.
func ResizeAlpha(src *image.NRGBA, width, height int, filter Filter) *image.NRGBA {
	b := src.Bounds()
	w, h := b.Dx(), b.Dy()
	pix := make([]uint8, 0, 4*w*h)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		at := src.PixOffset(b.Min.X, y)
		pix = append(pix, src.Pix[at:at+4*w]...)
	}
	if w == width && h == height { // Pillow returns a copy untouched
		return &image.NRGBA{Pix: pix, Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}
	}
	if filter != Nearest {
		for i := 0; i < len(pix); i += 4 {
			premultiply(pix[i : i+4])
		}
	}
	out := resample.Run(resample.Job{
		Filter: filter, Channels: 4, Src: pix, SrcW: w, SrcH: h,
		OutW: width, OutH: height, X1: width, Y1: height,
	})
	if filter != Nearest {
		for i := 0; i < len(out); i += 4 {
			unmultiply(out[i : i+4])
		}
	}
	return &image.NRGBA{Pix: out, Stride: 4 * width, Rect: image.Rect(0, 0, width, height)}
}

// premultiply rounds colour·alpha/255 as Pillow's MULDIV255.
func premultiply(px []uint8) {
	a := uint32(px[3])
	for c := range 3 {
		t := uint32(px[c])*a + 128
		px[c] = uint8((t>>8 + t) >> 8)
	}
}

// unmultiply truncates 255·colour/alpha, limited to 255, as Pillow's rgba2rgbA.
func unmultiply(px []uint8) {
	a := uint32(px[3])
	if a == 0 || a == 255 {
		return
	}
	for c := range 3 {
		px[c] = uint8(min(255*uint32(px[c])/a, 255))
	}
}
