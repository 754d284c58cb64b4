package datasets

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
)

// ShapeKinds are the shapes of easy-VQA, in alphabetical order.
var ShapeKinds = []string{"circle", "rectangle", "triangle"}

// ShapeColors are the colours of easy-VQA by name, with their CSS values.
var ShapeColors = map[string]color.RGBA{
	"black":  {0x00, 0x00, 0x00, 0xff},
	"blue":   {0x00, 0x00, 0xff, 0xff},
	"brown":  {0xa5, 0x2a, 0x2a, 0xff},
	"gray":   {0x80, 0x80, 0x80, 0xff},
	"green":  {0x00, 0xff, 0x00, 0xff},
	"red":    {0xff, 0x00, 0x00, 0xff},
	"teal":   {0x00, 0x80, 0x80, 0xff},
	"yellow": {0xff, 0xff, 0x00, 0xff},
}

// colorNames are the keys of ShapeColors in a fixed order, so that a seed means
// the same picture everywhere.
var colorNames = []string{"black", "blue", "brown", "gray", "green", "red", "teal", "yellow"}

// Shape is a picture in the style of easy-VQA: one flat shape on a pale ground.
// Lengths are fractions of the picture's side.
type Shape struct {
	// Kind is one of ShapeKinds, Color a name in ShapeColors.
	Kind, Color string
	// X and Y are the centre of the shape's bounding box, from the left and the
	// top.
	X, Y float64
	// W and H are the sides of that box. A circle fills the smaller of them.
	W, H float64
	// Background is the colour of the ground.
	Background color.RGBA
}

// RandomShape returns a shape that lies wholly within the picture. The same
// state of r gives the same shape.
func RandomShape(r *rand.Rand) Shape {
	s := Shape{
		Kind:  ShapeKinds[r.IntN(len(ShapeKinds))],
		Color: colorNames[r.IntN(len(colorNames))],
	}
	s.W = 0.15 + 0.35*r.Float64()
	s.H = s.W
	switch s.Kind {
	case "rectangle":
		s.H = 0.15 + 0.35*r.Float64()
	case "triangle":
		s.H = s.W * math.Sqrt(3) / 2 // equilateral
	}
	s.X = s.W/2 + (1-s.W)*r.Float64()
	s.Y = s.H/2 + (1-s.H)*r.Float64()
	pale := func() uint8 { return uint8(230 + r.IntN(26)) }
	s.Background = color.RGBA{pale(), pale(), pale(), 0xff}
	return s
}

// String names the picture as a caption would: "a red circle".
func (s Shape) String() string { return fmt.Sprintf("a %s %s", s.Color, s.Kind) }

// supersample is the number of samples a side for each pixel; edges get
// supersample² + 1 levels.
const supersample = 4

// Draw paints the shape on a side×side picture with smooth edges. It returns
// an error that names the field when the kind or colour is unknown, a length
// is not positive, or side is outside [1, 4096].
func (s Shape) Draw(side int) (*image.RGBA, error) {
	if side < 1 || side > 4096 {
		return nil, fmt.Errorf("datasets: picture side %d is outside 1 to 4096", side)
	}
	ink, ok := ShapeColors[s.Color]
	if !ok {
		return nil, fmt.Errorf("datasets: unknown colour %q; known are %v", s.Color, colorNames)
	}
	if !(s.W > 0 && s.H > 0) {
		return nil, fmt.Errorf("datasets: shape of width %v and height %v", s.W, s.H)
	}
	inside, err := s.region()
	if err != nil {
		return nil, err
	}
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			hits := 0
			for i := range supersample * supersample {
				u := (float64(x) + (float64(i%supersample)+0.5)/supersample) / float64(side)
				v := (float64(y) + (float64(i/supersample)+0.5)/supersample) / float64(side)
				if inside(u-s.X, v-s.Y) {
					hits++
				}
			}
			img.SetRGBA(x, y, mix(s.Background, ink, float64(hits)/(supersample*supersample)))
		}
	}
	return img, nil
}

// region returns the test for whether a point, relative to the centre of the
// bounding box, belongs to the shape.
func (s Shape) region() (func(x, y float64) bool, error) {
	switch s.Kind {
	case "circle":
		r := min(s.W, s.H) / 2
		return func(x, y float64) bool { return x*x+y*y <= r*r }, nil
	case "rectangle":
		return func(x, y float64) bool { return math.Abs(x) <= s.W/2 && math.Abs(y) <= s.H/2 }, nil
	case "triangle": // apex on top
		return func(x, y float64) bool {
			down := y/s.H + 0.5 // 0 at the apex, 1 at the base
			return down >= 0 && down <= 1 && math.Abs(x) <= s.W/2*down
		}, nil
	}
	return nil, fmt.Errorf("datasets: unknown shape %q; known are %v", s.Kind, ShapeKinds)
}

func mix(a, b color.RGBA, t float64) color.RGBA {
	f := func(a, b uint8) uint8 { return uint8(math.Round(float64(a)*(1-t) + float64(b)*t)) }
	return color.RGBA{f(a.R, b.R), f(a.G, b.G), f(a.B, b.B), 0xff}
}
