package parity

import (
	"context"
	"fmt"
	"image"
	"math"

	"govle/vle"
	"govle/vle/imageproc"
)

// pbcLine is one line of pbc.jsonl: the patches of a picture for a text, row by
// row.
type pbcLine struct {
	Kind    string       `json:"kind"`
	Image   string       `json:"image"`
	Text    string       `json:"text"`
	Logits  [][2]float64 `json:"logits"`
	Score   [][2]float64 `json:"score"`                // softmax over a patch's two classes
	Focus   []float64    `json:"patch_softmax_class1"` // softmax over the patches
	Overlay string       `json:"overlay"`              // what is painted from Focus
}

// findPBC finds pbc.jsonl: one case for each model and picture.
func findPBC(f *folder) []testCase {
	if !f.has["pbc.jsonl"] {
		return nil
	}
	return groupLines(f, "pbc.jsonl", func(l pbcLine) (kind, group string) { return l.Kind, l.Image },
		func(_ context.Context, c *check, kind string, lines []pbcLine) error {
			m, proc, err := openPipeline(f, kind, "pbc")
			if err != nil {
				return err
			}
			defer m.Close()
			p := &vle.PBCPipeline{Model: m.Parameterized.(*vle.PBC), Processor: proc}
			for _, l := range lines {
				if err := l.check(c, f, p); err != nil {
					return err
				}
			}
			return nil
		})
}

func (l pbcLine) check(c *check, f *folder, p *vle.PBCPipeline) error {
	img, err := imageproc.DecodeFile(f.path("inputs/"+l.Image), nil)
	if err != nil {
		return err
	}
	got, err := p.Locate(img, l.Text)
	if err != nil {
		return err
	}
	label := fmt.Sprintf("%s, %.40q", l.Image, l.Text)
	var inside []float64
	for _, s := range l.Score {
		inside = append(inside, s[1])
	}
	close(c, closely, label+": logits", flat(got.Logits), flat(l.Logits))
	close(c, closely, label+": scores", got.Inside, inside)
	close(c, closely, label+": softmax over patches", got.Focus, l.Focus)
	if l.Overlay == "" {
		return nil
	}
	want, err := readPNG(f.path(l.Overlay))
	if err != nil {
		return err
	}
	sameOverlay(c, label+": overlay", got.Paint(vle.Stretched), want, got.Grid)
	return nil
}

func flat(rows [][2]float64) []float64 {
	var out []float64
	for _, r := range rows {
		out = append(out, r[0], r[1])
	}
	return out
}

// overlayEdge and overlayLevels say how the painted pictures are compared. The
// reference paints through a plot that blurs the patches' edges and puts them
// half a pixel off, so pixels near an edge are left out; and its own rounding of
// transparency shows as up to three levels of 255.
const (
	overlayEdge   = 4 // in pixels of the painted picture
	overlayLevels = 3
)

// sameOverlay compares a painted picture of grid×grid patches with the recorded
// one, which may have been made smaller by averaging.
func sameOverlay(c *check, label string, painted image.Image, want image.Image, grid int) {
	got, ref := imageproc.ToRGB(painted), imageproc.ToRGB(want)
	shrunk := math.Round(float64(got.Width) / float64(ref.Width))
	edge := overlayEdge/shrunk + 1
	if shrunk > 1 {
		got = imageproc.Resize(got, ref.Width, ref.Height, imageproc.BoxFilter)
	} else if got.Width != ref.Width || got.Height != ref.Height {
		c.item(false, "%s: %d×%d, recorded %d×%d", label, got.Width, got.Height, ref.Width, ref.Height)
		return
	}
	inner := func(v, n int) bool {
		patch := float64(n) / float64(grid)
		at := math.Mod(float64(v)+0.5, patch)
		return at > edge && at < patch-edge
	}
	compared, off, most := 0, 0, 0
	for y := range ref.Height {
		for x := range ref.Width {
			if !inner(x, ref.Width) || !inner(y, ref.Height) {
				continue
			}
			for ch := range 3 {
				at := 3*(y*ref.Width+x) + ch
				d := int(got.Pix[at]) - int(ref.Pix[at])
				if d = max(d, -d); d > overlayLevels {
					off++
				}
				most = max(most, d)
			}
			compared++
		}
	}
	c.item(compared > ref.Width*ref.Height/4, "%s: only %d of %d pixels could be compared", label, compared, ref.Width*ref.Height)
	c.item(off == 0, "%s: %d of %d bytes are off by more than %d levels, by %d at most", label, off, 3*compared, overlayLevels, most)
}
