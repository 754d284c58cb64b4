package viz

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"strings"

	ximage "golang.org/x/image/draw"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/palette"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Attention lays attention weights over the picture that they look at, one
// panel a text token, all on one colour scale. Its fields may be changed until
// it is drawn.
type Attention struct {
	// Title stands above the panels.
	Title string
	// Image is the picture, at any size.
	Image image.Image
	// Tokens names the panels.
	Tokens []string
	// Weights holds, for each token, one weight a patch: row 0 of the matrix is
	// the top row of patches, column 0 the leftmost.
	Weights []mat.Matrix
	// Region is the part of Image, in its own coordinates, that the patches
	// cover. A processor that crops the centre covers less than the whole
	// picture. The zero rectangle means the whole.
	Region image.Rectangle
	// Min and Max are the ends of the colour scale. NewAttention sets them to 0
	// and to the largest weight.
	Min, Max float64
	// Smooth interpolates between patch centres; false shows every patch as
	// the square that the model saw.
	Smooth bool
	// Opacity is how much of the picture the colours hide, in [0, 1].
	Opacity float64
	// Colors maps weights to colours. The default runs from black to white, so
	// that unattended parts go dark and attended ones light up.
	Colors palette.ColorMap
	// Columns is the number of panels in a row; 0 means up to four.
	Columns int
	// PanelWidth is the width of one panel.
	PanelWidth vg.Length
}

// NewAttention returns the picture of one weight matrix per token over img. It
// returns an error when the numbers of tokens and matrices differ, when a
// matrix is empty or of another size than the first, or when a weight is
// negative or not finite.
func NewAttention(img image.Image, tokens []string, weights []mat.Matrix) (*Attention, error) {
	if img == nil || img.Bounds().Empty() {
		return nil, errors.New("viz: attention over an empty picture")
	}
	if len(weights) == 0 || len(tokens) != len(weights) {
		return nil, fmt.Errorf("viz: attention of %d tokens with %d weight matrices", len(tokens), len(weights))
	}
	rows, cols := weights[0].Dims()
	if rows == 0 || cols == 0 {
		return nil, errors.New("viz: attention over no patches")
	}
	largest := 0.0
	for i, m := range weights {
		if r, c := m.Dims(); r != rows || c != cols {
			return nil, fmt.Errorf("viz: attention of token %q is %d×%d patches, of token %q %d×%d", tokens[i], r, c, tokens[0], rows, cols)
		}
		for r := range rows {
			for c := range cols {
				w := m.At(r, c)
				if w < 0 || math.IsNaN(w) || math.IsInf(w, 0) {
					return nil, fmt.Errorf("viz: attention of token %q at patch (%d, %d) is %v", tokens[i], r, c, w)
				}
				largest = max(largest, w)
			}
		}
	}
	if largest == 0 {
		largest = 1 // an all-zero map is drawn as such, not divided by zero
	}
	return &Attention{
		Image: img, Tokens: tokens, Weights: weights,
		Max: largest, Opacity: 0.6, Colors: moreland.ExtendedBlackBody(),
		PanelWidth: 1.7 * vg.Inch,
	}, nil
}

const (
	panelGap      = vg.Length(8)
	colorBarWidth = vg.Length(52)
)

func (a *Attention) columns() int {
	if a.Columns > 0 {
		return min(a.Columns, len(a.Tokens))
	}
	return min(4, len(a.Tokens))
}

// panel returns the size of one panel's picture and of its label above.
func (a *Attention) panel() (w, h, label vg.Length) {
	b := a.Image.Bounds()
	return a.PanelWidth, a.PanelWidth * vg.Length(b.Dy()) / vg.Length(b.Dx()), labelSize + 6
}

func (a *Attention) size() (w, h vg.Length) {
	cols := a.columns()
	rows := (len(a.Tokens) + cols - 1) / cols
	pw, ph, label := a.panel()
	w = vg.Length(cols)*(pw+panelGap) + panelGap + colorBarWidth
	h = vg.Length(rows)*(ph+label+panelGap) + panelGap
	if a.Title != "" {
		h += titleSize + 10
	}
	return w, h
}

func (a *Attention) draw(c draw.Canvas) error {
	if !(a.Min < a.Max) {
		return fmt.Errorf("viz: attention scale from %v to %v", a.Min, a.Max)
	}
	a.Colors.SetMin(a.Min)
	a.Colors.SetMax(a.Max)
	top := c.Max.Y - panelGap
	if a.Title != "" {
		style := newPlot("").Title.TextStyle
		style.YAlign = draw.YTop
		c.FillText(style, vg.Point{X: c.Center().X, Y: top}, a.Title)
		top -= titleSize + 10
	}
	cols := a.columns()
	pw, ph, label := a.panel()
	style := newPlot("").X.Tick.Label
	style.XAlign, style.YAlign = draw.XCenter, draw.YTop
	for i := range a.Tokens {
		x := c.Min.X + panelGap + vg.Length(i%cols)*(pw+panelGap)
		y := top - vg.Length(i/cols)*(ph+label+panelGap)
		c.FillText(style, vg.Point{X: x + pw/2, Y: y}, shorten(a.Tokens[i], 24))
		over, err := a.overlay(i)
		if err != nil {
			return err
		}
		c.DrawImage(vg.Rectangle{
			Min: vg.Point{X: x, Y: y - label - ph},
			Max: vg.Point{X: x + pw, Y: y - label},
		}, over)
	}
	return a.drawColorBar(c, top-label, ph)
}

// drawColorBar draws the scale at the right edge, as high as one panel.
func (a *Attention) drawColorBar(c draw.Canvas, top, height vg.Length) error {
	p := newPlot("")
	p.Add(&plotter.ColorBar{ColorMap: a.Colors, Vertical: true, Colors: 128})
	p.HideX()
	p.Y.Tick.Label.Font, p.Y.Tick.Label.Color = sans(smallSize), faintInk
	p.Y.Tick.Marker = plot.ConstantTicks{
		{Value: a.Min, Label: fmt.Sprintf("%.3g", a.Min)},
		{Value: a.Max, Label: fmt.Sprintf("%.3g", a.Max)},
	}
	bar := c
	bar.Rectangle = vg.Rectangle{
		Min: vg.Point{X: c.Max.X - colorBarWidth, Y: top - height},
		Max: vg.Point{X: c.Max.X - panelGap, Y: top},
	}
	p.Draw(bar)
	return nil
}

// overlaySide is the length in pixels of the longer side of a composed panel:
// enough for the sharpest output, whatever the picture's own size.
const overlaySide = 448

// overlay returns the picture with the weights of token i over it.
func (a *Attention) overlay(i int) (image.Image, error) {
	src := a.Image.Bounds()
	scale := float64(overlaySide) / float64(max(src.Dx(), src.Dy()))
	w, h := max(1, int(math.Round(float64(src.Dx())*scale))), max(1, int(math.Round(float64(src.Dy())*scale)))
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	kernel := ximage.Interpolator(ximage.CatmullRom)
	if scale > 2 {
		kernel = ximage.NearestNeighbor // a small drawn picture keeps its pixels
	}
	kernel.Scale(out, out.Bounds(), a.Image, src, ximage.Src, nil)

	region := a.Region
	if region.Empty() {
		region = src
	}
	x0, y0 := float64(region.Min.X-src.Min.X)*scale, float64(region.Min.Y-src.Min.Y)*scale
	rw, rh := float64(region.Dx())*scale, float64(region.Dy())*scale
	rows, cols := a.Weights[i].Dims()
	for y := range h {
		v := (float64(y) + 0.5 - y0) / rh * float64(rows)
		for x := range w {
			u := (float64(x) + 0.5 - x0) / rw * float64(cols)
			px := out.RGBAAt(x, y)
			if u < 0 || v < 0 || u >= float64(cols) || v >= float64(rows) {
				out.SetRGBA(x, y, fade(px)) // not seen by the model
				continue
			}
			weight := a.at(i, u, v)
			heat, err := a.Colors.At(min(max(weight, a.Min), a.Max))
			if err != nil {
				return nil, fmt.Errorf("viz: colour of weight %v: %w", weight, err)
			}
			out.SetRGBA(x, y, blend(px, heat, a.Opacity))
		}
	}
	return out, nil
}

// at returns the weight of token i at patch coordinates (u, v): column and row,
// patch k spanning [k, k+1).
func (a *Attention) at(i int, u, v float64) float64 {
	m := a.Weights[i]
	rows, cols := m.Dims()
	if !a.Smooth {
		return m.At(min(int(v), rows-1), min(int(u), cols-1))
	}
	u, v = min(max(u-0.5, 0), float64(cols-1)), min(max(v-0.5, 0), float64(rows-1))
	c0, r0 := int(u), int(v)
	c1, r1 := min(c0+1, cols-1), min(r0+1, rows-1)
	fu, fv := u-float64(c0), v-float64(r0)
	return (m.At(r0, c0)*(1-fu)+m.At(r0, c1)*fu)*(1-fv) + (m.At(r1, c0)*(1-fu)+m.At(r1, c1)*fu)*fv
}

func blend(under color.RGBA, over color.Color, alpha float64) color.RGBA {
	r, g, b, _ := over.RGBA()
	mix := func(u uint8, o uint32) uint8 {
		return uint8(math.Round(float64(u)*(1-alpha) + float64(o>>8)*alpha))
	}
	return color.RGBA{R: mix(under.R, r), G: mix(under.G, g), B: mix(under.B, b), A: 0xff}
}

// fade greys out what lies outside the patches.
func fade(c color.RGBA) color.RGBA {
	return blend(c, color.Gray{Y: 0xc8}, 0.6)
}

// WritePNG writes the picture as PNG at 144 pixels per inch.
func (a *Attention) WritePNG(w io.Writer) error { return writePNG(w, a) }

// WriteSVG writes the picture as an SVG document.
func (a *Attention) WriteSVG(w io.Writer) error { return writeSVG(w, a) }

// MIMEBundle returns the picture as image/svg+xml and image/png beside a line
// of text for each token.
func (a *Attention) MIMEBundle() map[string]any { return bundle(a, a.String()) }

// String says for each token which patch it looks at most.
func (a *Attention) String() string {
	var b strings.Builder
	for i, m := range a.Weights {
		rows, cols := m.Dims()
		br, bc := 0, 0
		for r := range rows {
			for c := range cols {
				if m.At(r, c) > m.At(br, bc) {
					br, bc = r, c
				}
			}
		}
		fmt.Fprintf(&b, "%s: most at row %d, column %d of %d×%d patches (%.3g)\n", a.Tokens[i], br+1, bc+1, rows, cols, m.At(br, bc))
	}
	return strings.TrimRight(b.String(), "\n")
}
