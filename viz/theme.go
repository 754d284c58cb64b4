package viz

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// One look for every picture: quiet greys around one accent colour. The accent
// and the muted bar differ in lightness as well as in hue, so that they stay
// apart in print and for colour-blind readers.
var (
	background = color.White
	ink        = color.NRGBA{R: 0x1f, G: 0x29, B: 0x33, A: 0xff}
	faintInk   = color.NRGBA{R: 0x61, G: 0x6e, B: 0x7c, A: 0xff}
	accent     = color.NRGBA{R: 0x0b, G: 0x6e, B: 0x99, A: 0xff}
	muted      = color.NRGBA{R: 0xa9, G: 0xc9, B: 0xd8, A: 0xff}
)

const (
	titleSize = font.Length(12)
	labelSize = font.Length(10)
	smallSize = font.Length(8.5)
)

// sans is the typeface of every text; it is compiled into gonum/plot, so a
// picture has the same pixels on every machine.
func sans(size font.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// newPlot returns an empty plot in the house style.
func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = background
	p.Title.Text = title
	p.Title.Padding = vg.Points(8)
	p.Title.TextStyle.Font = sans(titleSize)
	p.Title.TextStyle.Color = ink
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle.Width = 0
		axis.Label.TextStyle.Font = sans(labelSize)
		axis.Label.TextStyle.Color = faintInk
		axis.Tick.Label.Font = sans(labelSize)
		axis.Tick.Label.Color = ink
		axis.Tick.LineStyle.Width = 0
		axis.Tick.Length = 0
	}
	return p
}
