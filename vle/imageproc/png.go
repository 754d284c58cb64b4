package imageproc

import (
	"bytes"
	"image"
	"image/png"
)

// Positions in a PNG file: the header chunk always comes first.
const (
	pngDepthAt = 24
	pngColorAt = 25
)

// decodePNG decodes through the standard library, which keeps the colours under
// transparent pixels. Pillow keeps 16-bit grey as 16 bits and clips it when it
// converts to RGB; of other 16-bit kinds it reads the high bytes.
func decodePNG(d *decoding) error {
	config, err := png.DecodeConfig(bytes.NewReader(d.data))
	if err != nil {
		return err
	}
	if err := d.allow(config.Width, config.Height); err != nil {
		return err
	}
	img, err := png.Decode(bytes.NewReader(d.data))
	if err != nil {
		return err
	}
	d.set(img)
	if d.data[pngDepthAt] == 16 && d.data[pngColorAt] == 0 {
		d.clipGrey16(img)
	}
	return nil
}

// clipGrey16 overwrites the picture with min(value, 255) of 16-bit grey values.
func (d *decoding) clipGrey16(img image.Image) {
	var pix []uint8
	step := 0
	switch src := img.(type) {
	case *image.Gray16:
		pix, step = src.Pix, 2
	case *image.NRGBA64: // grey with one transparent value
		pix, step = src.Pix, 8
	default:
		return
	}
	for i := range len(d.img.Pix) / 3 {
		v := pix[step*i+1]
		if pix[step*i] != 0 {
			v = 255
		}
		px := d.img.Pix[3*i : 3*i+3]
		px[0], px[1], px[2] = v, v, v
	}
}
