package datasets

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"
)

// Grid shows a batch: thumbnails in rows with text under each. In a notebook it
// shows itself as a page of HTML with the pictures inside; Image gives the
// thumbnails alone.
type Grid struct {
	Cells []Cell
	// Columns is how many cells stand in a row: 8.
	Columns int
	// Side is the side of a thumbnail in pixels: 128. Pictures keep their shape.
	Side int
}

// Cell is one picture of a grid.
type Cell struct {
	Image image.Image
	// Lines stand under the picture; the first is bold.
	Lines []string
	// Boxes are drawn on the picture, with their numbers in the HTML's title.
	Boxes []Box
}

// QuestionGrid shows questions with their answers. An error is that of a
// picture which cannot be read.
func QuestionGrid(batch []Question) (*Grid, error) {
	return newGrid(batch, func(q Question) (Picture, Cell) {
		return q.Picture, Cell{Lines: []string{q.Text, q.Answer}}
	})
}

// CaptionGrid shows captions with the boxes of their phrases.
func CaptionGrid(batch []Caption) (*Grid, error) {
	return newGrid(batch, func(c Caption) (Picture, Cell) {
		cell := Cell{Lines: []string{c.Text}}
		for _, r := range c.Regions {
			cell.Boxes = append(cell.Boxes, r.Boxes...)
		}
		return c.Picture, cell
	})
}

// ChoiceGrid shows questions with their right answer and rationale, and the
// boxes of the objects.
func ChoiceGrid(batch []Choice) (*Grid, error) {
	return newGrid(batch, func(c Choice) (Picture, Cell) {
		cell := Cell{Lines: []string{Words(c.Question)}}
		if c.Answer >= 0 {
			cell.Lines = append(cell.Lines, Words(c.Answers[c.Answer]))
		}
		if c.Rationale >= 0 {
			cell.Lines = append(cell.Lines, Words(c.Rationales[c.Rationale]))
		}
		for _, o := range c.Objects {
			cell.Boxes = append(cell.Boxes, o.Box)
		}
		return c.Picture, cell
	})
}

func newGrid[T any](batch []T, show func(T) (Picture, Cell)) (*Grid, error) {
	g := &Grid{Columns: 8, Side: 128}
	for _, item := range batch {
		p, cell := show(item)
		img, err := p.Image()
		if err != nil {
			return nil, err
		}
		cell.Image = img
		g.Cells = append(g.Cells, cell)
	}
	return g, nil
}

func (g *Grid) columns() int { return max(1, min(g.Columns, len(g.Cells))) }

// gutter is the space between thumbnails in pixels.
const gutter = 4

// Image returns the thumbnails with their boxes on one white picture.
func (g *Grid) Image() *image.RGBA {
	side, cols := max(g.Side, 1), g.columns()
	rows := (len(g.Cells) + cols - 1) / cols
	img := image.NewRGBA(image.Rect(0, 0, max(cols*(side+gutter)-gutter, 1), max(rows*(side+gutter)-gutter, 1)))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	for i, c := range g.Cells {
		at := image.Pt(i%cols*(side+gutter), i/cols*(side+gutter))
		t := c.thumbnail(side)
		draw.Draw(img, t.Bounds().Add(at), t, image.Point{}, draw.Src)
	}
	return img
}

// MIMEBundle is how a notebook shows the grid.
func (g *Grid) MIMEBundle() map[string]any {
	var page, plain strings.Builder
	fmt.Fprintf(&page, `<div style="display:grid;grid-template-columns:repeat(%d,%dpx);gap:8px;align-items:start">`, g.columns(), max(g.Side, 1))
	for i, c := range g.Cells {
		var data bytes.Buffer
		if err := png.Encode(&data, c.thumbnail(max(g.Side, 1))); err != nil {
			panic(err) // writing to memory
		}
		fmt.Fprintf(&page, `<figure style="margin:0"><img alt="picture %d" src="data:image/png;base64,%s"><figcaption style="font-size:11px;line-height:1.25;overflow-wrap:anywhere">`,
			i+1, base64.StdEncoding.EncodeToString(data.Bytes()))
		for j, l := range c.Lines {
			form := "<div>%s</div>"
			if j == 0 {
				form = "<div><b>%s</b></div>"
			}
			fmt.Fprintf(&page, form, html.EscapeString(l))
		}
		page.WriteString("</figcaption></figure>")
		fmt.Fprintf(&plain, "%d. %s\n", i+1, strings.Join(c.Lines, " | "))
	}
	page.WriteString("</div>")
	return map[string]any{"text/html": page.String(), "text/plain": plain.String()}
}

// thumbnail scales the picture so that its longer side is side, and draws the
// boxes.
func (c Cell) thumbnail(side int) *image.RGBA {
	if c.Image == nil || c.Image.Bounds().Empty() {
		return image.NewRGBA(image.Rect(0, 0, side, side))
	}
	b := c.Image.Bounds()
	scale := float64(side) / float64(max(b.Dx(), b.Dy()))
	w, h := max(1, int(float64(b.Dx())*scale+0.5)), max(1, int(float64(b.Dy())*scale+0.5))
	img := scaled(c.Image, w, h)
	for i, box := range c.Boxes {
		outlineBox(img, box, scale, boxColors[i%len(boxColors)])
	}
	return img
}

var boxColors = []color.RGBA{{230, 25, 75, 255}, {0, 130, 200, 255}, {60, 180, 75, 255}, {245, 130, 48, 255}, {145, 30, 180, 255}, {0, 0, 0, 255}}

// scaled averages over the pixels under each new one when it shrinks a picture,
// and repeats pixels when it enlarges one.
func scaled(src image.Image, w, h int) *image.RGBA {
	b := src.Bounds()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		y0 := b.Min.Y + y*b.Dy()/h
		y1 := max(y0+1, b.Min.Y+(y+1)*b.Dy()/h)
		for x := range w {
			x0 := b.Min.X + x*b.Dx()/w
			x1 := max(x0+1, b.Min.X+(x+1)*b.Dx()/w)
			var sum [4]uint64
			for v := y0; v < y1; v++ {
				for u := x0; u < x1; u++ {
					r, g, bl, a := src.At(u, v).RGBA()
					sum[0], sum[1], sum[2], sum[3] = sum[0]+uint64(r), sum[1]+uint64(g), sum[2]+uint64(bl), sum[3]+uint64(a)
				}
			}
			n := uint64((y1-y0)*(x1-x0)) * 257
			img.SetRGBA(x, y, color.RGBA{uint8(sum[0] / n), uint8(sum[1] / n), uint8(sum[2] / n), uint8(sum[3] / n)})
		}
	}
	return img
}

func outlineBox(img *image.RGBA, box Box, scale float64, c color.RGBA) {
	limit := img.Bounds()
	x0, y0 := max(int(box.X0*scale), 0), max(int(box.Y0*scale), 0)
	x1, y1 := min(int(box.X1*scale+0.5), limit.Dx())-1, min(int(box.Y1*scale+0.5), limit.Dy())-1
	for x := x0; x <= x1; x++ {
		img.SetRGBA(x, y0, c)
		img.SetRGBA(x, y1, c)
	}
	for y := y0; y <= y1; y++ {
		img.SetRGBA(x0, y, c)
		img.SetRGBA(x1, y, c)
	}
}
