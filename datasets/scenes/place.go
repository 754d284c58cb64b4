package scenes

import (
	"image/color"
	"math"
	"math/rand/v2"
)

const (
	gap    = 0.035 // least distance between two boxes: 2 pixels of 64
	margin = 0.016 // and to the edge: 1 pixel
)

// sample makes a scene. c, the number of objects that share the theme, is
// uniform, which is what balances the answers of count questions; everything else
// is drawn so that the values of an attribute can be exchanged for one another
// without changing how likely a scene is, which balances most other answers.
func sample(r *rand.Rand, least, most int) Scene {
	for {
		s := Scene{}
		c := r.IntN(most + 1)
		n := max(c, least) + r.IntN(most-max(c, least)+1)
		pale := func() uint8 { return uint8(230 + r.IntN(26)) }
		s.Background = color.RGBA{pale(), pale(), pale(), 255}
		s.Objects = make([]Object, n)
		for i := range s.Objects {
			for _, a := range attributes {
				*a.field(&s.Objects[i]) = pick(r, a.values())
			}
		}
		for i := range s.Objects {
			s.Objects[i].Size = Sizes[0]
		}
		for i := range largeObjects(r, n) {
			s.Objects[i].Size = Sizes[1]
		}
		theme := pick(r, []attribute{byColor, byShape, byTexture})
		value := pick(r, theme.values())
		s.theme = phrase{}.with(theme, value)
		for k, i := range r.Perm(n) {
			field := theme.field(&s.Objects[i])
			for k >= c && *field == value {
				*field = pick(r, theme.values())
			}
			if k < c {
				*field = value
			}
		}
		if other := pick(r, attributes); n > 1 && other != theme && other != bySize && r.IntN(2) == 0 {
			p := r.Perm(n) // twins, so that comparisons have something to find
			*other.field(&s.Objects[p[0]]) = other.of(s.Objects[p[1]])
		}
		for range 200 { // other places before another scene, or full scenes would be rarer
			if s.place(r) {
				return s
			}
		}
	}
}

// largeObjects is how many of n objects are large: at most three fit with ease.
// Up to three objects large and small are equally likely; above, there is one of each at
// least. The first are large; places are drawn later, so that says nothing.
func largeObjects(r *rand.Rand, n int) int {
	if n <= 3 {
		return r.IntN(n + 1)
	}
	return 1 + r.IntN(3)
}

// place puts the objects where they do not touch, large ones first since they
// come first. It reports false when it found no room.
func (s *Scene) place(r *rand.Rand) bool {
	for i := range s.Objects {
		o := &s.Objects[i]
		long := 0.185 + 0.03*r.Float64()
		if o.Size == Sizes[1] {
			long = 0.30 + 0.04*r.Float64()
		}
		o.W, o.H = long, long
		switch {
		case o.Shape == "triangle":
			o.H = long * math.Sqrt(3) / 2
		case o.Shape == "rectangle" && r.IntN(2) == 0:
			o.H = long * 0.65
		case o.Shape == "rectangle":
			o.W = long * 0.65
		}
		placed := false
		for range 50 {
			o.X = margin + o.W/2 + (1-2*margin-o.W)*r.Float64()
			o.Y = margin + o.H/2 + (1-2*margin-o.H)*r.Float64()
			if placed = !s.touches(i); placed {
				break
			}
		}
		if !placed {
			return false
		}
	}
	return true
}

// touches reports that object i comes too near an earlier one.
func (s *Scene) touches(i int) bool {
	o := s.Objects[i]
	for _, p := range s.Objects[:i] {
		if math.Abs(o.X-p.X) < (o.W+p.W)/2+gap && math.Abs(o.Y-p.Y) < (o.H+p.H)/2+gap {
			return true
		}
	}
	return false
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }
