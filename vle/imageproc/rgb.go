package imageproc

import (
	"image"
	"image/color"
)

// RGB is a picture of 8 bits a channel without alpha: what the processor reads
// and what decoding gives. It is an image.Image, opaque everywhere.
type RGB struct {
	// Pix holds the pixels row by row from the top, three bytes each (red,
	// green, blue), no padding: len(Pix) = 3*Width*Height.
	Pix           []uint8
	Width, Height int
}

var _ image.Image = (*RGB)(nil)

// NewRGB returns a black picture.
func NewRGB(width, height int) *RGB {
	return &RGB{Pix: make([]uint8, 3*width*height), Width: width, Height: height}
}

// ColorModel is color.RGBAModel.
func (p *RGB) ColorModel() color.Model { return color.RGBAModel }

// Bounds starts at (0, 0).
func (p *RGB) Bounds() image.Rectangle { return image.Rect(0, 0, p.Width, p.Height) }

// At returns the pixel as an opaque color.RGBA, transparent black outside.
func (p *RGB) At(x, y int) color.Color {
	if x < 0 || y < 0 || x >= p.Width || y >= p.Height {
		return color.RGBA{}
	}
	i := 3 * (y*p.Width + x)
	return color.RGBA{p.Pix[i], p.Pix[i+1], p.Pix[i+2], 255}
}

// Opaque reports true: there is no alpha.
func (p *RGB) Opaque() bool { return true }

// ToRGB converts any picture as Pillow's convert("RGB") does: alpha is dropped and
// the colours under it are kept, more than 8 bits keep the high byte. An *RGB is
// returned as it is. A nil or empty picture gives an empty RGB.
func ToRGB(img image.Image) *RGB {
	if p, ok := img.(*RGB); ok {
		return p
	}
	if img == nil {
		return &RGB{}
	}
	b := img.Bounds()
	p := NewRGB(b.Dx(), b.Dy())
	switch src := img.(type) {
	case *image.NRGBA:
		p.fill(func(y int, row []uint8) {
			dropAlpha(row, src.Pix[src.PixOffset(b.Min.X, b.Min.Y+y):])
		})
	case *image.RGBA:
		p.fill(func(y int, row []uint8) {
			in := src.Pix[src.PixOffset(b.Min.X, b.Min.Y+y):]
			for i := 0; i < len(row); i += 3 {
				px := in[:4]
				in = in[4:]
				if px[3] == 255 {
					row[i], row[i+1], row[i+2] = px[0], px[1], px[2]
					continue
				}
				c := color.NRGBAModel.Convert(color.RGBA{px[0], px[1], px[2], px[3]}).(color.NRGBA)
				row[i], row[i+1], row[i+2] = c.R, c.G, c.B
			}
		})
	case *image.Gray:
		p.fill(func(y int, row []uint8) {
			in := src.Pix[src.PixOffset(b.Min.X, b.Min.Y+y):]
			for i := range len(row) / 3 {
				row[3*i], row[3*i+1], row[3*i+2] = in[i], in[i], in[i]
			}
		})
	case *image.Paletted:
		var table [256][3]uint8
		for i, c := range src.Palette[:min(256, len(src.Palette))] {
			n := color.NRGBAModel.Convert(c).(color.NRGBA)
			table[i] = [3]uint8{n.R, n.G, n.B}
		}
		p.fill(func(y int, row []uint8) {
			in := src.Pix[src.PixOffset(b.Min.X, b.Min.Y+y):]
			for i := range len(row) / 3 {
				copy(row[3*i:3*i+3], table[in[i]][:])
			}
		})
	case *image.NRGBA64:
		p.fill(func(y int, row []uint8) {
			in := src.Pix[src.PixOffset(b.Min.X, b.Min.Y+y):]
			for i := range len(row) / 3 {
				row[3*i], row[3*i+1], row[3*i+2] = in[8*i], in[8*i+2], in[8*i+4]
			}
		})
	default:
		p.fill(func(y int, row []uint8) {
			for i := range len(row) / 3 {
				c := color.NRGBA64Model.Convert(img.At(b.Min.X+i, b.Min.Y+y)).(color.NRGBA64)
				row[3*i], row[3*i+1], row[3*i+2] = uint8(c.R>>8), uint8(c.G>>8), uint8(c.B>>8)
			}
		})
	}
	return p
}

// fill calls f for every row.
func (p *RGB) fill(f func(y int, row []uint8)) {
	n := 3 * p.Width
	for y := range p.Height {
		f(y, p.Pix[y*n:(y+1)*n])
	}
}

// dropAlpha copies the colours of RGBA pixels in to the RGB pixels row.
func dropAlpha(row, in []uint8) {
	for len(row) >= 3 {
		row[0], row[1], row[2] = in[0], in[1], in[2]
		row, in = row[3:], in[4:]
	}
}
