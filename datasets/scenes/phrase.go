package scenes

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// phrase names objects by some of their attributes; an empty entry says
// nothing. It is indexed by attribute.
type phrase [4]string

func (p phrase) with(a attribute, value string) phrase {
	p[a] = value
	return p
}

// of describes an object by the given attributes.
func of(o Object, by []attribute) phrase {
	var p phrase
	for _, a := range by {
		p[a] = a.of(o)
	}
	return p
}

func (p phrase) fits(o Object) bool {
	for _, a := range attributes {
		if p[a] != "" && p[a] != a.of(o) {
			return false
		}
	}
	return true
}

// String is "small striped red circle", with "object" for a missing shape.
func (p phrase) String() string { return p.words(p.noun()) }

// plural is "red circles".
func (p phrase) plural() string {
	noun := p.noun() + "s"
	if p[byShape] == "cross" {
		noun = "crosses"
	}
	return p.words(noun)
}

func (p phrase) noun() string {
	if p[byShape] == "" {
		return "object"
	}
	return p[byShape]
}

func (p phrase) words(noun string) string {
	w := make([]string, 0, 4)
	for _, a := range []attribute{bySize, byTexture, byColor} {
		if p[a] != "" {
			w = append(w, p[a])
		}
	}
	return strings.Join(append(w, noun), " ")
}

// count is how many objects the phrase fits.
func (s Scene) count(p phrase) int {
	n := 0
	for _, o := range s.Objects {
		if p.fits(o) {
			n++
		}
	}
	return n
}

// manners are the sets of attributes that objects are named by, short ones first.
var manners = [][]attribute{
	{byShape}, {byColor}, {byColor, byShape}, {bySize, byShape}, {byTexture, byShape}, {bySize, byColor},
	{bySize, byColor, byShape}, {byTexture, byColor, byShape}, {bySize, byTexture, byShape},
	{bySize, byTexture, byColor, byShape},
}

// short is how many manners have at most two attributes; longer names are used
// only where no short one will do.
const short = 6

// refer names object i alone, without the attributes in not. It reports false
// if no name fits only that object.
func (s Scene) refer(r *rand.Rand, i int, not ...attribute) (phrase, bool) {
	var found []phrase
	for k, by := range manners {
		if k == short && len(found) > 0 {
			break
		}
		if slices.ContainsFunc(by, func(a attribute) bool { return slices.Contains(not, a) }) {
			continue
		}
		if p := of(s.Objects[i], by); s.count(p) == 1 {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return phrase{}, false
	}
	return pick(r, found), true
}

// referAny names any object alone, the first that can be in a random order.
func (s Scene) referAny(r *rand.Rand, suits func(Object) bool, not ...attribute) (int, phrase, bool) {
	for _, i := range r.Perm(len(s.Objects)) {
		if suits != nil && !suits(s.Objects[i]) {
			continue
		}
		if p, ok := s.refer(r, i, not...); ok {
			return i, p, true
		}
	}
	return 0, phrase{}, false
}

// referPair names two different objects, each alone.
func (s Scene) referPair(r *rand.Rand, suits func(a, b Object) bool, not ...attribute) (i, j int, p, q phrase, ok bool) {
	n := len(s.Objects)
	for _, k := range r.Perm(n * n) {
		if i, j = k/n, k%n; i == j || !suits(s.Objects[i], s.Objects[j]) {
			continue
		}
		if p, ok = s.refer(r, i, not...); !ok {
			continue
		}
		if q, ok = s.refer(r, j, not...); ok {
			return i, j, p, q, true
		}
	}
	return 0, 0, phrase{}, phrase{}, false
}
