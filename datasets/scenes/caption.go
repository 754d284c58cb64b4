package scenes

import (
	"math/rand/v2"
	"slices"
	"strings"

	"govle/datasets"
)

// negatives is how many false captions come with a true one.
const negatives = 3

// statement is what a caption says: a list of things that are there, each
// another object, or, with a direction, the first of two lies in it from the second.
type statement struct {
	things  []phrase
	related bool
	dir     direction
}

func (c statement) String() string {
	var w []string
	for _, p := range c.things {
		w = append(w, "a "+p.String())
	}
	if c.related {
		return w[0] + " " + c.dir.String() + " " + w[1]
	}
	if len(w) == 1 {
		return w[0]
	}
	return strings.Join(w[:len(w)-1], ", ") + " and " + w[len(w)-1]
}

// falseOf reports that the scene clearly is not what the statement says.
func (s Scene) falseOf(c statement) bool {
	if !c.related {
		return !s.match(c.things, make([]bool, len(s.Objects)))
	}
	for i, a := range s.Objects {
		for j, b := range s.Objects {
			if i != j && c.things[0].fits(a) && c.things[1].fits(b) && c.dir.lead(a, b) > -clear {
				return false
			}
		}
	}
	return true
}

// match finds a different object for each phrase.
func (s Scene) match(things []phrase, used []bool) bool {
	if len(things) == 0 {
		return true
	}
	for i, o := range s.Objects {
		if used[i] || !things[0].fits(o) {
			continue
		}
		used[i] = true
		if s.match(things[1:], used) {
			return true
		}
		used[i] = false
	}
	return false
}

// describe says something true about the scene: all objects from the left to
// the right, or how two of them lie to each other.
func (s Scene) describe(r *rand.Rand) statement {
	by := pick(r, manners)
	if r.IntN(2) == 0 && len(s.Objects) > 1 {
		d, n := pick(r, directions), len(s.Objects)
		for _, k := range r.Perm(n * n) {
			if a, b := s.Objects[k/n], s.Objects[k%n]; d.holds(a, b) {
				return statement{[]phrase{of(a, by), of(b, by)}, true, d}
			}
		}
	}
	objects := slices.Clone(s.Objects)
	slices.SortFunc(objects, func(a, b Object) int {
		if a.X < b.X {
			return -1
		}
		return 1
	})
	var c statement
	for _, o := range objects {
		c.things = append(c.things, of(o, by))
	}
	return c
}

// spoil changes one word of a statement until it is false; it reports false
// when that takes too long.
func (s Scene) spoil(r *rand.Rand, c statement) (statement, bool) {
	for range 30 {
		f := c
		f.things = slices.Clone(c.things)
		if c.related && r.IntN(3) == 0 {
			f.dir = direction(int(c.dir) ^ 1) // left and right, above and below
		} else {
			p := &f.things[r.IntN(len(f.things))]
			k := pick(r, attributes)
			if p[k] == "" {
				continue
			}
			p[k] = pick(r, k.values())
		}
		if s.falseOf(f) {
			return f, true
		}
	}
	return c, false
}

// caption writes a true caption of the scene with false ones that differ in a
// word, and the boxes of everything that the caption's phrases fit.
func (s Scene) caption(r *rand.Rand, side int) datasets.Caption {
	for {
		said := s.describe(r)
		c := datasets.Caption{Text: said.String()}
		for range 30 {
			if f, ok := s.spoil(r, said); ok && !slices.Contains(c.Negatives, f.String()) {
				c.Negatives = append(c.Negatives, f.String())
			}
			if len(c.Negatives) == negatives {
				break
			}
		}
		if len(c.Negatives) < negatives {
			continue // too vague a caption to spoil
		}
		for i, p := range said.things {
			if !slices.Contains(said.things[:i], p) {
				c.Regions = append(c.Regions, s.region(p, side))
			}
		}
		return c
	}
}

func (s Scene) region(p phrase, side int) datasets.Region {
	g := datasets.Region{Phrase: "a " + p.String()}
	for _, o := range s.Objects {
		if p.fits(o) {
			g.Boxes = append(g.Boxes, o.Box(side))
		}
	}
	return g
}
