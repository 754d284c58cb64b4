package imageproc

import (
	"image"
	"image/color"
)

// alphaOf extracts the alpha of a picture, one byte a pixel; nil when it is opaque.
func alphaOf(img image.Image) []uint8 {
	if o, ok := img.(interface{ Opaque() bool }); ok && o.Opaque() {
		return nil
	}
	b := img.Bounds()
	alpha := make([]uint8, 0, b.Dx()*b.Dy())
	if src, ok := img.(*image.NRGBA); ok {
		for y := b.Min.Y; y < b.Max.Y; y++ {
			row := src.Pix[src.PixOffset(b.Min.X, y):][:4*b.Dx()]
			for i := 3; i < len(row); i += 4 {
				alpha = append(alpha, row[i])
			}
		}
		return alpha
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			_, _, _, a := img.At(x, y).RGBA()
			alpha = append(alpha, uint8(a>>8))
		}
	}
	return alpha
}

// layOver blends img over a colour: colour·(255−a) + img·a, divided by 255 with
// rounding, as Pillow's Image.paste with a mask.
func layOver(img *RGB, alpha []uint8, background color.Color) {
	bg := color.NRGBAModel.Convert(background).(color.NRGBA)
	under := [3]uint32{uint32(bg.R), uint32(bg.G), uint32(bg.B)}
	for i, a := range alpha {
		if a == 255 {
			continue
		}
		px := img.Pix[3*i : 3*i+3]
		for c := range px {
			t := under[c]*uint32(255-a) + uint32(px[c])*uint32(a) + 128
			px[c] = uint8((t>>8 + t) >> 8)
		}
	}
}
