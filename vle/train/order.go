package train

import (
	"fmt"
	"math/rand/v2"
)

// Pictured is data that knows which examples show the same picture.
// [Options.PerPicture] needs it, or [Examples], where those show one picture that
// share the memory of their pixels.
type Pictured interface {
	Data
	// Picture returns a number that the examples of one picture have in common.
	Picture(i int) int
}

// samePicture tells whether two examples share their pixels' memory.
func samePicture(a, b *Example) bool {
	return len(a.Pixels) > 0 && len(a.Pixels) == len(b.Pixels) && &a.Pixels[0] == &b.Pixels[0]
}

// sampler decides the order in which an epoch sees the examples.
type sampler struct {
	n    int
	each int // Options.PerPicture, 0 for examples one by one
	// pictures lists the examples of each picture.
	pictures [][]int
}

func newSampler(d Data, each int) (*sampler, error) {
	s := &sampler{n: d.Len(), each: each}
	if each == 0 {
		return s, nil
	}
	var picture func(i int) int
	switch d := d.(type) {
	case Pictured:
		picture = d.Picture
	case Examples:
		picture = d.picture()
	default:
		return nil, fmt.Errorf("train: options: PerPicture wants data that says which examples show one picture (train.Pictured), this is a %T", d)
	}
	at := map[int]int{}
	for i := range s.n {
		p := picture(i)
		k, ok := at[p]
		if !ok {
			k = len(s.pictures)
			at[p] = k
			s.pictures = append(s.pictures, nil)
		}
		s.pictures[k] = append(s.pictures[k], i)
	}
	return s, nil
}

// picture returns a function that numbers the examples' pictures by their
// memory.
func (d Examples) picture() func(i int) int {
	first := map[*float32]int{}
	return func(i int) int {
		if len(d[i].Pixels) == 0 {
			return i
		}
		p := &d[i].Pixels[0]
		if _, ok := first[p]; !ok {
			first[p] = i
		}
		return first[p]
	}
}

// place is an example in an epoch's order.
type place struct {
	example int
	// group numbers the places that share a picture's encoding, and picture the
	// pictures; both are -1 where pictures are not shared.
	group, picture int
}

// order returns the places of an epoch: a random permutation of the examples,
// or of groups of examples of one picture.
func (s *sampler) order(rng *rand.Rand) []place {
	out := make([]place, 0, s.n)
	if s.each == 0 {
		for _, i := range rng.Perm(s.n) {
			out = append(out, place{i, -1, -1})
		}
		return out
	}
	type group struct {
		picture  int
		examples []int
	}
	var groups []group
	for k, examples := range s.pictures {
		mixed := make([]int, len(examples))
		for j, at := range rng.Perm(len(examples)) {
			mixed[j] = examples[at]
		}
		for len(mixed) > 0 {
			n := min(s.each, len(mixed))
			groups = append(groups, group{k, mixed[:n]})
			mixed = mixed[n:]
		}
	}
	for g, at := range rng.Perm(len(groups)) {
		for _, i := range groups[at].examples {
			out = append(out, place{i, g, groups[at].picture})
		}
	}
	return out
}

// sharePixels gives neighbouring examples of one group the pixels of the first, so that
// they are encoded once.
func sharePixels(order []place, examples []*Example) {
	for k := 1; k < len(order); k++ {
		a, b := examples[k-1], examples[k]
		if order[k].group < 0 || order[k].group != order[k-1].group || len(a.Pixels) != len(b.Pixels) || samePicture(a, b) {
			continue
		}
		c := *b
		c.Pixels = a.Pixels
		examples[k] = &c
	}
}
