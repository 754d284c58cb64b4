package scenes

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"govle/datasets"
)

// samples is the number of samples a side for each pixel: edges have 17 levels.
const samples = 4

const (
	hollowness  = 0.55    // side of a hollow object's hole, to the object's
	stripe      = 1. / 32 // height of a stripe: 2 pixels of 64
	tint        = 0.30    // share of ink in a pale stripe
	maxSide     = 4096    // pixels
	goldenFifth = math.Pi / 5
)

// Draw paints the scene on a side×side picture with smooth edges. A side
// outside 8 to 4096 pixels is an error.
func (s Scene) Draw(side int) (*image.RGBA, error) {
	if side < 8 || side > maxSide {
		return nil, fmt.Errorf("scenes: a picture of side %d is outside 8 to %d pixels", side, maxSide)
	}
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for i := 0; i < len(img.Pix); i += 4 {
		img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = s.Background.R, s.Background.G, s.Background.B, 255
	}
	white := color.RGBA{255, 255, 255, 255}
	for _, o := range s.Objects {
		ink := datasets.ShapeColors[o.Color]
		pale := mix(white, ink, tint)
		o.cover(side, func(x, y int, full, light float64) {
			c := mix(img.RGBAAt(x, y), ink, full)
			if light > 0 { // of what the ink has left
				c = mix3(img.RGBAAt(x, y), ink, pale, full, light)
			}
			img.SetRGBA(x, y, c)
		})
	}
	return img, nil
}

// cover calls paint for every pixel that the object touches, with the shares of
// it in full ink and in its pale tint.
func (o Object) cover(side int, paint func(x, y int, full, light float64)) {
	scale := float64(side)
	x0, x1 := max(0, int((o.X-o.W/2)*scale)-1), min(side-1, int((o.X+o.W/2)*scale)+1)
	y0, y1 := max(0, int((o.Y-o.H/2)*scale)-1), min(side-1, int((o.Y+o.H/2)*scale)+1)
	inside := outline(o.Shape)
	cx, cy := centroid(o.Shape)
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			full, light := 0, 0
			for i := range samples * samples {
				// The sample in the object's own box, -0.5 to 0.5 each way.
				u := ((float64(x)+(float64(i%samples)+0.5)/samples)/scale - o.X) / o.W
				v := ((float64(y)+(float64(i/samples)+0.5)/samples)/scale - o.Y) / o.H
				if !inside(u, v) {
					continue
				}
				switch o.Texture {
				case "hollow":
					if inside(cx+(u-cx)/hollowness, cy+(v-cy)/hollowness) {
						continue
					}
				case "striped":
					if int(math.Floor((v+0.5)*o.H/stripe))%2 == 1 {
						light++
						continue
					}
				}
				full++
			}
			if full+light > 0 {
				paint(x, y, float64(full)/(samples*samples), float64(light)/(samples*samples))
			}
		}
	}
}

// outline returns the test for whether a point of the unit box around 0 lies in
// the shape.
func outline(shape string) func(u, v float64) bool {
	switch shape {
	case "circle":
		return func(u, v float64) bool { return u*u+v*v <= 0.25 }
	case "rectangle":
		return func(u, v float64) bool { return math.Abs(u) <= 0.5 && math.Abs(v) <= 0.5 }
	case "triangle": // apex on top
		return func(u, v float64) bool { return math.Abs(v) <= 0.5 && math.Abs(u) <= (v+0.5)/2 }
	case "cross": // upright, its arms a third wide
		return func(u, v float64) bool {
			u, v = math.Abs(u), math.Abs(v)
			return max(u, v) <= 0.5 && min(u, v) <= 1./6
		}
	}
	return inStar
}

// starPoints are the corners of a five-pointed star that fills the unit box, a
// point on top; the inner corners lie at 0.45 of the radius.
var starPoints = func() (p [10][2]float64) {
	width, height := 2*math.Sin(2*goldenFifth), 1+math.Cos(goldenFifth)
	for i := range p {
		r := 1.0
		if i%2 == 1 {
			r = 0.45
		}
		a := float64(i) * goldenFifth
		p[i] = [2]float64{r * math.Sin(a) / width, (1-r*math.Cos(a))/height - 0.5}
	}
	return p
}()

func inStar(u, v float64) bool {
	in := false
	for i, a := range starPoints {
		b := starPoints[(i+1)%len(starPoints)]
		if (a[1] > v) != (b[1] > v) && u < a[0]+(v-a[1])/(b[1]-a[1])*(b[0]-a[0]) {
			in = !in
		}
	}
	return in
}

// centroid is the point that a hollow shape's hole shrinks towards, such that
// the wall is as thick all round.
func centroid(shape string) (u, v float64) {
	switch shape {
	case "triangle":
		return 0, 1. / 6
	case "star":
		return 0, 1/(1+math.Cos(goldenFifth)) - 0.5
	}
	return 0, 0
}

func mix(a, b color.RGBA, t float64) color.RGBA { return mix3(a, b, b, t, 0) }

// mix3 paints shares tb of b and tc of c over a.
func mix3(a, b, c color.RGBA, tb, tc float64) color.RGBA {
	f := func(a, b, c uint8) uint8 {
		return uint8(math.Round(float64(a)*(1-tb-tc) + float64(b)*tb + float64(c)*tc))
	}
	return color.RGBA{f(a.R, b.R, c.R), f(a.G, b.G, c.G), f(a.B, b.B, c.B), 255}
}
