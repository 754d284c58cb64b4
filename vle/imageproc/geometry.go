package imageproc

import "math"

// Box is a rectangle in a picture's pixels, (0, 0) at the top left corner of the
// top left pixel, (X1, Y1) exclusive.
type Box struct{ X0, Y0, X1, Y1 float64 }

// Empty reports whether the box has no area.
func (b Box) Empty() bool { return b.X1 <= b.X0 || b.Y1 <= b.Y0 }

// Intersect is the common part of two boxes, empty when there is none.
func (b Box) Intersect(o Box) Box {
	b = Box{max(b.X0, o.X0), max(b.Y0, o.Y0), min(b.X1, o.X1), min(b.Y1, o.Y1)}
	if b.Empty() {
		return Box{}
	}
	return b
}

// Geometry says how a picture was scaled and cropped into the model's input, and
// so which part of the picture a patch looks at.
type Geometry struct {
	SourceW, SourceH   int // the picture
	ResizedW, ResizedH int // the whole picture after scaling
	Left, Top          int // where the crop starts in the scaled picture; negative where it was padded
	Width, Height      int // the model's input
}

// Stretched is the geometry that the reference assumes when it paints PBC scores
// and turns boxes into patches: the whole picture stretched over the whole input,
// though the processor crops.
func (g Geometry) Stretched() Geometry {
	g.ResizedW, g.ResizedH, g.Left, g.Top = g.Width, g.Height, 0, 0
	return g
}

// Grid is the number of whole patches, rows × columns, for patches of patch×patch
// input pixels; zero when patch is not positive.
func (g Geometry) Grid(patch int) (rows, cols int) {
	if patch <= 0 {
		return 0, 0
	}
	return g.Height / patch, g.Width / patch
}

// ToSource maps a point of the model's input to the picture.
func (g Geometry) ToSource(x, y float64) (float64, float64) {
	return (x + float64(g.Left)) * float64(g.SourceW) / float64(g.ResizedW),
		(y + float64(g.Top)) * float64(g.SourceH) / float64(g.ResizedH)
}

// ToInput maps a point of the picture to the model's input; the point may lie
// outside of it.
func (g Geometry) ToInput(x, y float64) (float64, float64) {
	return x*float64(g.ResizedW)/float64(g.SourceW) - float64(g.Left),
		y*float64(g.ResizedH)/float64(g.SourceH) - float64(g.Top)
}

// PatchBox is the rectangle of the picture that the patch in row r and column c
// covers. It may reach outside of the picture where the crop was padded; see
// [Box.Intersect] and [Geometry.Picture].
func (g Geometry) PatchBox(patch, r, c int) Box {
	x0, y0 := g.ToSource(float64(c*patch), float64(r*patch))
	x1, y1 := g.ToSource(float64((c+1)*patch), float64((r+1)*patch))
	return Box{x0, y0, x1, y1}
}

// Picture is the whole picture.
func (g Geometry) Picture() Box { return Box{0, 0, float64(g.SourceW), float64(g.SourceH)} }

// Visible is the part of the picture that the model sees.
func (g Geometry) Visible() Box {
	x0, y0 := g.ToSource(0, 0)
	x1, y1 := g.ToSource(float64(g.Width), float64(g.Height))
	return Box{x0, y0, x1, y1}.Intersect(g.Picture())
}

// Patches lists, in ascending order, the patches (row·columns + column) that a box
// of the picture touches, and the rectangle of the picture that they cover
// together. Edges count: a box that ends exactly on a patch's border touches the
// patch behind it too, as in the reference, so that a box inside of the picture,
// however thin, has at least one patch. What lies outside of the picture or of
// what the model sees is left out; nothing may remain.
func (g Geometry) Patches(patch int, box Box) (ids []int, covered Box) {
	rows, cols := g.Grid(patch)
	x0, y0 := g.ToInput(max(box.X0, 0), max(box.Y0, 0))
	x1, y1 := g.ToInput(min(box.X1, float64(g.SourceW)), min(box.Y1, float64(g.SourceH)))
	c0, c1 := touched(x0, x1, patch, cols)
	r0, r1 := touched(y0, y1, patch, rows)
	if c0 >= c1 || r0 >= r1 {
		return nil, Box{}
	}
	for r := r0; r < r1; r++ {
		for c := c0; c < c1; c++ {
			ids = append(ids, r*cols+c)
		}
	}
	first, last := g.PatchBox(patch, r0, c0), g.PatchBox(patch, r1-1, c1-1)
	return ids, Box{first.X0, first.Y0, last.X1, last.Y1}.Intersect(g.Picture())
}

// touched is the range of patches that [lo, hi] reaches, within [0, n); empty when
// hi < lo or either is not a number.
func touched(lo, hi float64, patch, n int) (int, int) {
	// A millionth of a pixel keeps rounding from moving an edge off a border.
	const slack = 1e-6
	if n == 0 || !(lo <= hi) || hi < 0 || lo >= float64(n*patch) {
		return 0, 0
	}
	p := float64(patch)
	return int(math.Floor((max(lo, 0) + slack) / p)), int(math.Floor((min(hi, float64(n*patch-1))+slack)/p)) + 1
}
