package imageproc

import (
	"bytes"
	"image"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"govle/vle/imageproc/internal/jpeg"
)

// decodeJPEG gives libjpeg-turbo's pixels.
func decodeJPEG(d *decoding) error {
	p, err := jpeg.Decode(d.data, d.allow)
	if err != nil {
		return err
	}
	d.img = &RGB{Pix: p.Pix, Width: p.Width, Height: p.Height}
	return nil
}

func decodeBMP(d *decoding) error {
	return d.plain(func(b []byte) (image.Config, error) { return bmp.DecodeConfig(bytes.NewReader(b)) },
		func(b []byte) (image.Image, error) { return bmp.Decode(bytes.NewReader(b)) })
}

func decodeTIFF(d *decoding) error {
	return d.plain(func(b []byte) (image.Config, error) { return tiff.DecodeConfig(bytes.NewReader(b)) },
		func(b []byte) (image.Image, error) { return tiff.Decode(bytes.NewReader(b)) })
}

func (d *decoding) plain(config func([]byte) (image.Config, error), decode func([]byte) (image.Image, error)) error {
	c, err := config(d.data)
	if err != nil {
		return err
	}
	if err := d.allow(c.Width, c.Height); err != nil {
		return err
	}
	img, err := decode(d.data)
	if err != nil {
		return err
	}
	d.set(img)
	return nil
}
