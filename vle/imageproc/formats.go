package imageproc

import (
	"govle/vle/imageproc/internal/bmp"
	"govle/vle/imageproc/internal/jpeg"
	"govle/vle/imageproc/internal/png"
	"govle/vle/imageproc/internal/tiff"
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

// decodePNG gives what Pillow shows.
func decodePNG(d *decoding) error {
	p, err := png.Decode(d.data, d.allow, d.wantAlpha)
	if err != nil {
		return err
	}
	d.img = &RGB{Pix: p.Pix, Width: p.Width, Height: p.Height}
	d.alpha = p.Alpha
	return nil
}

// decodeBMP gives what Pillow shows.
func decodeBMP(d *decoding) error {
	p, err := bmp.Decode(d.data, d.allow)
	if err != nil {
		return err
	}
	d.img = &RGB{Pix: p.Pix, Width: p.Width, Height: p.Height}
	if d.wantAlpha {
		d.alpha = p.Alpha
	}
	return nil
}

// decodeTIFF decodes the first page. Unlike with other formats, Pillow itself turns
// TIFF pictures as their orientation field says.
func decodeTIFF(d *decoding) error {
	p, err := tiff.Decode(d.data, d.allow)
	if err != nil {
		return err
	}
	o := tiffOrientation(d.data)
	d.img = orient(&RGB{Pix: p.Pix, Width: p.Width, Height: p.Height}, o)
	if d.wantAlpha && p.Alpha != nil {
		// Alpha turns with the picture.
		grey := NewRGB(p.Width, p.Height)
		for i, a := range p.Alpha {
			grey.Pix[3*i] = a
		}
		grey = orient(grey, o)
		for i := range p.Alpha {
			d.alpha = append(d.alpha, grey.Pix[3*i])
		}
	}
	return nil
}
