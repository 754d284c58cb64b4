package scenes

import (
	"math/rand/v2"
	"slices"
	"strings"

	"govle/datasets"
)

// choice is a question with four answers and four rationales before they are
// written; the first of each is the right one.
type choice struct {
	question            []datasets.Word
	answers, rationales [][]datasets.Word
}

// choiceKinds make one kind of question each. They report false when the scene does
// not offer it with what they drew; the caller then draws another scene, not
// another kind, which keeps kinds and answers even.
var choiceKinds = []func(s Scene, r *rand.Rand, d direction, k attribute) (choice, bool){
	Scene.chooseWhere, Scene.chooseCommon, Scene.chooseMost, Scene.chooseLargest,
}

// say writes words about objects: a string is split at spaces, a number is an
// object's tag.
func say(parts ...any) []datasets.Word {
	var w []datasets.Word
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			for _, s := range strings.Fields(p) {
				w = append(w, datasets.Word{Text: s})
			}
		case []int:
			w = append(w, datasets.Word{Objects: p})
		case int:
			w = append(w, datasets.Word{Objects: []int{p}})
		}
	}
	return w
}

// quadrants are the ways in which an object can lie to another, by their place
// across and their place up and down. Exactly one is true of two objects clear of
// each other on both axes, and the words alone do not tell which.
var quadrants = [4][2]direction{{leftOf, above}, {rightOf, above}, {leftOf, below}, {rightOf, below}}

// chooseWhere: where is [a] from [b]?
func (s Scene) chooseWhere(r *rand.Rand, d direction, _ attribute) (choice, bool) {
	right := quadrants[d]
	a, b, ok := s.pair(r, func(a, b Object) bool { return right[0].holds(a, b) && right[1].holds(a, b) })
	if !ok {
		return choice{}, false
	}
	c := choice{question: say("where is", a, "?")}
	for i := range quadrants {
		q := quadrants[(int(d)+i)%4]
		c.answers = append(c.answers, say(a, "is "+q[1].String()+" and "+q[0].String(), b, "."))
	}
	e := s.evidence(r, a, b, pick(r, manners[:8]))
	for _, e := range e.four() {
		c.rationales = append(c.rationales, say(a, "is a "+e[0].String()+" and", b, "is a "+e[1].String()+" ."))
	}
	return c, true
}

// pair is a random pair of different objects that suits.
func (s Scene) pair(r *rand.Rand, suits func(a, b Object) bool) (a, b int, ok bool) {
	n := len(s.Objects)
	for _, k := range r.Perm(n * n) {
		if a, b = k/n, k%n; a != b && suits(s.Objects[a], s.Objects[b]) {
			return a, b, true
		}
	}
	return 0, 0, false
}

// evidence is what a rationale says about two objects, with a change to either
// that makes it false. The four combinations, of which one is true, all look
// alike: the picture alone tells them apart.
type evidence struct {
	a, b, falseA, falseB phrase
}

func (e evidence) four() [4][2]phrase {
	return [4][2]phrase{{e.a, e.b}, {e.falseA, e.b}, {e.a, e.falseB}, {e.falseA, e.falseB}}
}

// evidence describes two objects in a manner and changes a word of each.
func (s Scene) evidence(r *rand.Rand, a, b int, by []attribute) evidence {
	e := evidence{a: of(s.Objects[a], by), b: of(s.Objects[b], by)}
	k := pick(r, by)
	e.falseA = e.a.with(k, otherThan(r, k, e.a[k]))
	k = pick(r, by)
	e.falseB = e.b.with(k, otherThan(r, k, e.b[k]))
	return e
}

// otherThan is a random value of an attribute other than the given ones.
func otherThan(r *rand.Rand, k attribute, not ...string) string {
	for {
		if v := pick(r, k.values()); !slices.Contains(not, v) {
			return v
		}
	}
}

// chooseCommon: what do [a] and [b] have in common? They share attribute k and
// no other.
func (s Scene) chooseCommon(r *rand.Rand, _ direction, k attribute) (choice, bool) {
	a, b, ok := s.pair(r, func(a, b Object) bool {
		return !slices.ContainsFunc(attributes, func(o attribute) bool { return (o.of(a) == o.of(b)) != (o == k) })
	})
	if !ok {
		return choice{}, false
	}
	c := choice{question: say("what do", a, "and", b, "have in common ?")}
	for _, o := range append([]attribute{k}, others(k)...) {
		c.answers = append(c.answers, say("they have the same "+o.String()+" ."))
	}
	// The rationale names the shared value and what tells the two apart. Its
	// changes keep the shared shared and the different different.
	rest := pick(r, slices.DeleteFunc(others(k), func(o attribute) bool { return o == bySize }))
	p, q := of(s.Objects[a], []attribute{k, rest}), of(s.Objects[b], []attribute{k, rest})
	v := otherThan(r, k, p[k])
	w := otherThan(r, rest, p[rest], q[rest])
	for _, e := range [4][2]phrase{
		{p, q}, {p.with(k, v), q.with(k, v)}, {p.with(rest, w), q}, {p.with(k, v).with(rest, w), q.with(k, v)},
	} {
		c.rationales = append(c.rationales, say(a, "is a "+e[0].String()+" and", b, "is a "+e[1].String()+" ."))
	}
	return c, true
}

func others(k attribute) []attribute {
	return slices.DeleteFunc(slices.Clone(attributes), func(a attribute) bool { return a == k })
}

// chooseMost: which object is the leftmost? The answers are four objects.
func (s Scene) chooseMost(r *rand.Rand, d direction, _ attribute) (choice, bool) {
	best, ok := s.furthest(d)
	if !ok || len(s.Objects) < 4 {
		return choice{}, false
	}
	tags := s.withOthers(r, best, func(int) bool { return true })
	c := choice{question: say("which object is the "+extremes[d], "?")}
	s.compareBest(r, &c, tags, "is "+d.String(), manners[:8])
	return c, true
}

// chooseLargest: which of four objects is the largest? One is large, three are
// small.
func (s Scene) chooseLargest(r *rand.Rand, _ direction, _ attribute) (choice, bool) {
	best := slices.IndexFunc(s.Objects, func(o Object) bool { return o.Size == "large" })
	if best < 0 {
		return choice{}, false
	}
	tags := s.withOthers(r, best, func(i int) bool { return s.Objects[i].Size == "small" })
	if len(tags) < 4 {
		return choice{}, false
	}
	all := slices.Clone(tags)
	slices.Sort(all)
	c := choice{question: say("which is the largest of", all, "?")}
	s.compareBest(r, &c, tags, "is larger than", [][]attribute{{byShape}, {byColor}, {byColor, byShape}, {byTexture, byShape}})
	return c, true
}

// compareBest answers with the tags, the first being right, and gives as
// rationale how the first compares with another.
func (s Scene) compareBest(r *rand.Rand, c *choice, tags []int, how string, by [][]attribute) {
	for _, t := range tags {
		c.answers = append(c.answers, say(t, "."))
	}
	e := s.evidence(r, tags[0], tags[1], pick(r, by))
	for _, e := range e.four() {
		c.rationales = append(c.rationales, say(tags[0], ", a "+e[0].String()+" ,", how, tags[1], ", a "+e[1].String()+" ."))
	}
}

// withOthers is object first and three others that suit, or fewer.
func (s Scene) withOthers(r *rand.Rand, first int, suits func(int) bool) []int {
	tags := []int{first}
	for _, i := range r.Perm(len(s.Objects)) {
		if i != first && len(tags) < 4 && suits(i) {
			tags = append(tags, i)
		}
	}
	return tags
}
