//go:build ignore

// Draw writes the kernel's logo in the three forms that Jupyter looks for: an eye
// whose iris is a cell's run button, for live Go that sees. Run it with
// go generate in the folder above.
package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"log"
	"os"

	"golang.org/x/image/vector"
)

// The logo on a square of 64 by 64.
const (
	corner = 14.0 // radius of the tile's corners
	k      = 0.5523
)

// path receives the outline of a shape; vector.Rasterizer has these methods too.
type path interface {
	MoveTo(x, y float32)
	LineTo(x, y float32)
	CubeTo(bx, by, cx, cy, dx, dy float32)
	ClosePath()
}

// shape is one filled outline.
type shape struct {
	fill color.RGBA
	draw func(path)
}

var shapes = []shape{
	{color.RGBA{0x0B, 0x2B, 0x45, 0xFF}, tile},
	{color.RGBA{0xFF, 0xFF, 0xFF, 0xFF}, eye},
	{color.RGBA{0x00, 0xAD, 0xD8, 0xFF}, func(p path) { circle(p, 32, 32, 14) }},
	{color.RGBA{0x07, 0x3B, 0x5C, 0xFF}, func(p path) { circle(p, 32, 32, 9.5) }},
	{color.RGBA{0xFF, 0xFF, 0xFF, 0xFF}, triangle},
}

func tile(p path) {
	const r, c = corner, corner * (1 - k)
	p.MoveTo(r, 0)
	p.LineTo(64-r, 0)
	p.CubeTo(64-c, 0, 64, c, 64, r)
	p.LineTo(64, 64-r)
	p.CubeTo(64, 64-c, 64-c, 64, 64-r, 64)
	p.LineTo(r, 64)
	p.CubeTo(c, 64, 0, 64-c, 0, 64-r)
	p.LineTo(0, r)
	p.CubeTo(0, c, c, 0, r, 0)
	p.ClosePath()
}

func eye(p path) {
	p.MoveTo(4, 32)
	p.CubeTo(13, 17.5, 22, 13, 32, 13)
	p.CubeTo(42, 13, 51, 17.5, 60, 32)
	p.CubeTo(51, 46.5, 42, 51, 32, 51)
	p.CubeTo(22, 51, 13, 46.5, 4, 32)
	p.ClosePath()
}

func circle(p path, x, y, r float32) {
	c := r * k
	p.MoveTo(x+r, y)
	p.CubeTo(x+r, y+c, x+c, y+r, x, y+r)
	p.CubeTo(x-c, y+r, x-r, y+c, x-r, y)
	p.CubeTo(x-r, y-c, x-c, y-r, x, y-r)
	p.CubeTo(x+c, y-r, x+r, y-c, x+r, y)
	p.ClosePath()
}

func triangle(p path) {
	p.MoveTo(29, 26.4)
	p.LineTo(38.2, 32)
	p.LineTo(29, 37.6)
	p.ClosePath()
}

// scaled draws on a rasterizer of another size.
type scaled struct {
	z *vector.Rasterizer
	f float32
}

func (s scaled) MoveTo(x, y float32) { s.z.MoveTo(x*s.f, y*s.f) }
func (s scaled) LineTo(x, y float32) { s.z.LineTo(x*s.f, y*s.f) }
func (s scaled) CubeTo(bx, by, cx, cy, dx, dy float32) {
	s.z.CubeTo(bx*s.f, by*s.f, cx*s.f, cy*s.f, dx*s.f, dy*s.f)
}
func (s scaled) ClosePath() { s.z.ClosePath() }

func writePNG(name string, size int) error {
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for _, s := range shapes {
		z := vector.NewRasterizer(size, size)
		z.DrawOp = draw.Over
		s.draw(scaled{z, float32(size) / 64})
		z.Draw(img, img.Bounds(), image.NewUniform(s.fill), image.Point{})
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return png.Encode(f, img)
}

// svg collects path data.
type svg struct{ d string }

func (s *svg) MoveTo(x, y float32) { s.d += fmt.Sprintf("M%.4g %.4g", x, y) }
func (s *svg) LineTo(x, y float32) { s.d += fmt.Sprintf("L%.4g %.4g", x, y) }
func (s *svg) CubeTo(bx, by, cx, cy, dx, dy float32) {
	s.d += fmt.Sprintf("C%.4g %.4g %.4g %.4g %.4g %.4g", bx, by, cx, cy, dx, dy)
}
func (s *svg) ClosePath() { s.d += "Z" }

func writeSVG(name string) error {
	text := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">` + "\n<title>govle</title>\n"
	for _, s := range shapes {
		var p svg
		s.draw(&p)
		text += fmt.Sprintf("<path fill=\"#%02X%02X%02X\" d=\"%s\"/>\n", s.fill.R, s.fill.G, s.fill.B, p.d)
	}
	return os.WriteFile(name, []byte(text+"</svg>\n"), 0o644)
}

func main() {
	for _, err := range []error{
		writePNG("logo/logo-32x32.png", 32),
		writePNG("logo/logo-64x64.png", 64),
		writeSVG("logo/logo-svg.svg"),
	} {
		if err != nil {
			log.Fatal(err)
		}
	}
}
