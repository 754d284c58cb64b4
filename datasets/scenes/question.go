package scenes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
)

// QA is a question about a scene with its answer.
type QA struct {
	// Type is one of Types.
	Type, Text, Answer string
}

// Types are the types of questions.
var Types = []string{"exist", "count", "color", "shape", "size", "texture", "place", "compare", "relate"}

// AnswerType is "yes/no", "number" or "other", as VQA's scores are broken down.
func (q QA) AnswerType() string {
	switch {
	case q.Answer == "yes" || q.Answer == "no":
		return "yes/no"
	case q.Answer[0] >= '0' && q.Answer[0] <= '9':
		return "number"
	}
	return "other"
}

// asker writes questions about a scene. Each method reports false when the
// scene offers no such question. A question of yes or no is asked only where
// both answers could have been asked for, and then either is as likely.
type asker struct {
	Scene
	r *rand.Rand
}

// questions returns n questions with different texts, at most one of them a
// count, their types drawn evenly from those that the scene offers.
func (s Scene) questions(r *rand.Rand, n int) []QA {
	a := asker{s, r}
	seen := map[string]bool{}
	var out []QA
	for len(out) < n {
		q, ok := a.ask(pick(r, Types))
		if !ok || seen[q.Text] {
			continue
		}
		seen[q.Text] = true
		if q.Type == "count" { // in another wording it would be the same question
			for _, form := range countForms {
				seen[fmt.Sprintf(form, s.theme.plural())] = true
			}
		}
		out = append(out, q)
	}
	return out
}

func (a asker) ask(kind string) (QA, bool) {
	var text, answer string
	var ok bool
	switch kind {
	case "exist":
		text, answer, ok = a.exist()
	case "count":
		text, answer, ok = a.howMany(), strconv.Itoa(a.count(a.theme)), true
	case "color":
		text, answer, ok = a.attribute(byColor)
	case "shape":
		text, answer, ok = a.attribute(byShape)
	case "size":
		text, answer, ok = a.attribute(bySize)
	case "texture":
		text, answer, ok = a.attribute(byTexture)
	case "place":
		text, answer, ok = a.place()
	case "compare":
		text, answer, ok = pick(a.r, []func() (string, string, bool){a.more, a.same, a.larger})()
	case "relate":
		text, answer, ok = pick(a.r, []func() (string, string, bool){a.side, a.neighbour, a.most})()
	}
	return QA{kind, text, answer}, ok
}

func (a asker) yes() bool { return a.r.IntN(2) == 0 }

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// exist asks for a phrase that fits an object, or for one that fits none; half
// of the latter are one attribute away from an object.
func (a asker) exist() (string, string, bool) {
	by := pick(a.r, manners[:8])
	there := of(pick(a.r, a.Objects), by)
	missing, found := there, false
	for range 20 {
		if a.yes() {
			missing = of(pick(a.r, a.Objects), by)
			k := pick(a.r, by)
			missing[k] = pick(a.r, k.values())
		} else {
			for _, k := range by {
				missing[k] = pick(a.r, k.values())
			}
		}
		if found = a.count(missing) == 0; found {
			break
		}
	}
	if !found {
		return "", "", false
	}
	yes := a.yes()
	p := missing
	if yes {
		p = there
	}
	form := pick(a.r, []string{"is there a %s?", "does the image contain a %s?", "is there a %s in the image?"})
	return fmt.Sprintf(form, p), yesNo(yes), true
}

var countForms = []string{"how many %s are there?", "how many %s does the image contain?"}

// howMany asks for the number of the scene's theme, the only one whose
// answers are spread evenly.
func (a asker) howMany() string {
	return fmt.Sprintf(pick(a.r, countForms), a.theme.plural())
}

func (a asker) attribute(k attribute) (string, string, bool) {
	i, p, ok := a.referAny(a.r, nil, k)
	if !ok {
		return "", "", false
	}
	form := "what is the %s of the %s?"
	if a.yes() {
		form = "what %s is the %s?"
		if k == byTexture {
			form = "what %s does the %s have?"
		}
	}
	return fmt.Sprintf(form, k, p), k.of(a.Objects[i]), true
}

// place asks on which side of the middle an object lies.
func (a asker) place() (string, string, bool) {
	across := a.yes()
	at := func(o Object) float64 {
		if across {
			return o.X - 0.5
		}
		return o.Y - 0.5
	}
	i, p, ok := a.referAny(a.r, func(o Object) bool { return math.Abs(at(o)) >= clear/2 })
	if !ok {
		return "", "", false
	}
	before := at(a.Objects[i]) < 0
	switch {
	case across && before:
		return fmt.Sprintf("is the %s on the left or on the right?", p), "left", true
	case across:
		return fmt.Sprintf("is the %s on the left or on the right?", p), "right", true
	case before:
		return fmt.Sprintf("is the %s at the top or at the bottom?", p), "top", true
	}
	return fmt.Sprintf("is the %s at the top or at the bottom?", p), "bottom", true
}

// more compares the numbers of two values of an attribute, of which the scene
// has one at least.
func (a asker) more() (string, string, bool) {
	k := pick(a.r, []attribute{byColor, byShape, byTexture})
	p := phrase{}.with(k, k.of(pick(a.r, a.Objects)))
	q := phrase{}.with(k, pick(a.r, k.values()))
	if a.yes() { // prefer one that is there
		q = phrase{}.with(k, k.of(pick(a.r, a.Objects)))
	}
	m, n := a.count(p), a.count(q)
	if m == n {
		return "", "", false
	}
	if a.yes() {
		p, q, m, n = q, p, n, m
	}
	return fmt.Sprintf("are there more %s than %s?", p.plural(), q.plural()), yesNo(m > n), true
}

// same asks whether two objects share an attribute.
func (a asker) same() (string, string, bool) {
	k := pick(a.r, attributes)
	var p, q [2]phrase
	for want := range 2 {
		var ok bool
		_, _, p[want], q[want], ok = a.referPair(a.r, func(x, y Object) bool { return (k.of(x) == k.of(y)) == (want == 1) }, k)
		if !ok {
			return "", "", false
		}
	}
	want := a.r.IntN(2)
	return fmt.Sprintf("do the %s and the %s have the same %s?", p[want], q[want], k), yesNo(want == 1), true
}

func (a asker) larger() (string, string, bool) {
	_, _, p, q, ok := a.referPair(a.r, func(x, y Object) bool { return x.Size == "large" && y.Size == "small" }, bySize)
	yes := a.yes()
	if !yes {
		p, q = q, p
	}
	return fmt.Sprintf("is the %s larger than the %s?", p, q), yesNo(yes), ok
}

// side asks whether one object is left of another, and so on.
func (a asker) side() (string, string, bool) {
	d := pick(a.r, directions)
	_, _, p, q, ok := a.referPair(a.r, d.holds)
	yes := a.yes()
	if !yes {
		p, q = q, p
	}
	return fmt.Sprintf("is the %s %v the %s?", p, d, q), yesNo(yes), ok
}

// neighbour asks for the colour or shape of the only object that lies in a
// direction from another.
func (a asker) neighbour() (string, string, bool) {
	d, k := pick(a.r, directions), pick(a.r, []attribute{byColor, byShape})
	for _, i := range a.r.Perm(len(a.Objects)) {
		at, n, sure := 0, 0, true
		for j, o := range a.Objects {
			if j == i {
				continue
			}
			sure = sure && !d.unclear(o, a.Objects[i])
			if d.holds(o, a.Objects[i]) {
				at, n = j, n+1
			}
		}
		if n != 1 || !sure {
			continue
		}
		if p, ok := a.refer(a.r, i); ok {
			return fmt.Sprintf("what %s is the object %v the %s?", k, d, p), k.of(a.Objects[at]), true
		}
	}
	return "", "", false
}

// extremes are the words for what lies furthest in a direction.
var extremes = [...]string{"leftmost", "rightmost", "highest", "lowest"}

// most asks for the colour or shape of the leftmost object, and so on.
func (a asker) most() (string, string, bool) {
	d, k := pick(a.r, directions), pick(a.r, []attribute{byColor, byShape})
	i, ok := a.furthest(d)
	if !ok || len(a.Objects) < 2 {
		return "", "", false
	}
	return fmt.Sprintf("what %s is the %s object?", k, extremes[d]), k.of(a.Objects[i]), true
}

// furthest is the object that clearly lies in a direction from all others.
func (s Scene) furthest(d direction) (int, bool) {
	for i, o := range s.Objects {
		all := true
		for j, p := range s.Objects {
			all = all && (i == j || d.holds(o, p))
		}
		if all {
			return i, true
		}
	}
	return 0, false
}
