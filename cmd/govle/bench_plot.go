package main

import (
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// draw writes a plot of the ratios, a line a case from top to bottom: dots for
// the sides of PyTorch and others, right of the line at 1 where govle is faster.
// It reports false when there is nothing to draw.
func (r *benchReport) draw(path string) (bool, error) {
	kinds := []struct {
		label string
		match func(name string) bool
		color color.Color
		shape draw.GlyphDrawer
	}{
		{"PyTorch, float32", isPyTorch, color.NRGBA{R: 0x0b, G: 0x6e, B: 0x99, A: 0xff}, draw.CircleGlyph{}},
		{"PyTorch, bf16 or int8", isRounded, color.NRGBA{R: 0xd9, G: 0x7b, B: 0x29, A: 0xff}, draw.PyramidGlyph{}},
		{"other", func(n string) bool { return !isPyTorch(n) && !isRounded(n) && !strings.HasPrefix(n, "govle") }, color.NRGBA{R: 0x61, G: 0x6e, B: 0x7c, A: 0xff}, draw.SquareGlyph{}},
	}
	points := make([]plotter.XYs, len(kinds))
	var names []string
	for i := len(r.Rows) - 1; i >= 0; i-- {
		row := r.Rows[i]
		if len(row.Sides) < 2 {
			continue
		}
		for _, s := range row.Sides[1:] {
			for k, kind := range kinds {
				if kind.match(s.Name) && s.RatioMin > 0 {
					points[k] = append(points[k], plotter.XY{X: s.RatioMin, Y: float64(len(names))})
				}
			}
		}
		names = append(names, row.Name)
	}
	if names == nil {
		return false, nil
	}
	p := plot.New()
	p.Title.Text = "Others' time through govle's (best runs)"
	p.X.Label.Text = "right of 1: govle is faster"
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = plot.ConstantTicks(ratioTicks())
	p.X.Min, p.X.Max = 0.5, 2
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{Y: 225}, color.Gray{Y: 240}
	p.Add(grid)
	for k, xys := range points {
		if len(xys) == 0 {
			continue
		}
		s, err := plotter.NewScatter(xys)
		if err != nil {
			return false, err
		}
		s.Color, s.Shape, s.Radius = kinds[k].color, kinds[k].shape, vg.Points(3.2)
		p.Add(s)
		p.Legend.Add(kinds[k].label, s)
	}
	p.NominalY(names...)
	line, err := plotter.NewLine(plotter.XYs{{X: 1, Y: -0.5}, {X: 1, Y: float64(len(names)) - 0.5}})
	if err != nil {
		return false, err
	}
	line.Color, line.Width = color.Gray{Y: 60}, vg.Points(1)
	p.Add(line)
	p.Y.Min, p.Y.Max = -0.5, float64(len(names))-0.5
	p.Legend.Top, p.Legend.Left = false, false
	p.Legend.YOffs = vg.Points(4)
	p.Legend.XOffs = vg.Points(-4)
	return true, p.Save(vg.Points(640), vg.Points(90+17*float64(len(names))), path)
}

func isRounded(name string) bool {
	return strings.HasPrefix(name, "PyTorch") && (strings.Contains(name, "bf16") || strings.Contains(name, "int8"))
}

func isPyTorch(name string) bool { return strings.HasPrefix(name, "PyTorch") && !isRounded(name) }

// ratioTicks are where the axis of ratios is labelled.
func ratioTicks() []plot.Tick {
	var t []plot.Tick
	for _, l := range []struct {
		at    float64
		label string
	}{{0.1, "0.1"}, {0.25, "0.25"}, {0.5, "0.5"}, {0.7, "0.7"}, {1, "1"}, {1.3, "1.3"}, {1.6, ""}, {2, "2"}, {3, "3"}, {5, "5"}, {10, "10"}, {20, "20"}, {50, "50"}, {100, "100"}} {
		t = append(t, plot.Tick{Value: l.at, Label: l.label})
	}
	return t
}
