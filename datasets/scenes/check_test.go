package scenes_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"govle/datasets/scenes"
)

// This checker reads the words of a question and answers it from the objects
// alone. It shares no code with the generator.

// matching are the objects that a phrase such as "small red circles" names.
func matching(objects []scenes.Object, phrase string) (found []int, err error) {
	for i, o := range objects {
		fits := true
		for _, w := range strings.Fields(phrase) {
			if w == "crosses" {
				w = "cross"
			} else if w != "cross" {
				w = strings.TrimSuffix(w, "s")
			}
			switch {
			case w == "object" || w == "a" || w == "an" || w == "the":
			case slices.Contains(scenes.Shapes, w):
				fits = fits && o.Shape == w
			case slices.Contains(scenes.Colors, w):
				fits = fits && o.Color == w
			case slices.Contains(scenes.Sizes, w):
				fits = fits && o.Size == w
			case slices.Contains(scenes.Textures, w):
				fits = fits && o.Texture == w
			default:
				return nil, fmt.Errorf("unknown word %q in %q", w, phrase)
			}
		}
		if fits {
			found = append(found, i)
		}
	}
	return found, nil
}

func value(o scenes.Object, attribute string) string {
	return map[string]string{"color": o.Color, "shape": o.Shape, "size": o.Size, "texture": o.Texture}[attribute]
}

// beyond is how far a lies in a direction from b.
func beyond(dir string, a, b scenes.Object) float64 {
	switch dir {
	case "left of", "leftmost":
		return b.X - a.X
	case "right of", "rightmost":
		return a.X - b.X
	case "above", "highest":
		return b.Y - a.Y
	case "below", "lowest":
		return a.Y - b.Y
	}
	panic(dir)
}

var questionForms = []struct {
	form   *regexp.Regexp
	answer func(c checker, m []string) string
}{
	{regexp.MustCompile(`^is there (a .*?)(?: in the image)?\?$`), func(c checker, m []string) string { return yesNo(len(c.all(m[1])) > 0) }},
	{regexp.MustCompile(`^does the image contain (a .*)\?$`), func(c checker, m []string) string { return yesNo(len(c.all(m[1])) > 0) }},
	{regexp.MustCompile(`^how many (.*?) (?:are there|does the image contain)\?$`), func(c checker, m []string) string { return strconv.Itoa(len(c.all(m[1]))) }},
	{regexp.MustCompile(`^what (color|shape) is the object (left of|right of|above|below) (the .*)\?$`), func(c checker, m []string) string {
		from, found := c.one(m[3]), []string{}
		for _, o := range c.objects {
			if o != from && beyond(m[2], o, from) > 0 {
				found = append(found, value(o, m[1]))
			}
		}
		if len(found) != 1 {
			c.fail("%d objects lie there", len(found))
			return ""
		}
		return found[0]
	}},
	{regexp.MustCompile(`^what (color|shape) is the (leftmost|rightmost|highest|lowest) object\?$`), func(c checker, m []string) string {
		return value(slices.MaxFunc(c.objects, func(a, b scenes.Object) int {
			if beyond(m[2], a, b) > 0 {
				return 1
			}
			return -1
		}), m[1])
	}},
	{regexp.MustCompile(`^what (color|shape|size) is (the .*)\?$`), func(c checker, m []string) string { return value(c.one(m[2]), m[1]) }},
	{regexp.MustCompile(`^what (texture) does (the .*) have\?$`), func(c checker, m []string) string { return value(c.one(m[2]), m[1]) }},
	{regexp.MustCompile(`^what is the (color|shape|size|texture) of (the .*)\?$`), func(c checker, m []string) string { return value(c.one(m[2]), m[1]) }},
	{regexp.MustCompile(`^is (the .*) on the left or on the right\?$`), func(c checker, m []string) string {
		return map[bool]string{true: "left", false: "right"}[c.one(m[1]).X < 0.5]
	}},
	{regexp.MustCompile(`^is (the .*) at the top or at the bottom\?$`), func(c checker, m []string) string {
		return map[bool]string{true: "top", false: "bottom"}[c.one(m[1]).Y < 0.5]
	}},
	{regexp.MustCompile(`^are there more (.*) than (.*)\?$`), func(c checker, m []string) string { return yesNo(len(c.all(m[1])) > len(c.all(m[2]))) }},
	{regexp.MustCompile(`^do (the .*) and (the .*) have the same (.*)\?$`), func(c checker, m []string) string {
		return yesNo(value(c.one(m[1]), m[3]) == value(c.one(m[2]), m[3]))
	}},
	{regexp.MustCompile(`^is (the .*) larger than (the .*)\?$`), func(c checker, m []string) string {
		return yesNo(c.one(m[1]).Size == "large" && c.one(m[2]).Size == "small")
	}},
	{regexp.MustCompile(`^is (the .*) (left of|right of|above|below) (the .*)\?$`), func(c checker, m []string) string {
		return yesNo(beyond(m[2], c.one(m[1]), c.one(m[3])) > 0)
	}},
}

type checker struct {
	objects []scenes.Object
	fail    func(format string, args ...any)
}

func (c checker) all(phrase string) []int {
	found, err := matching(c.objects, phrase)
	if err != nil {
		c.fail("%v", err)
	}
	return found
}

// one is the object that a phrase names; naming another number of them is a fault of the
// question.
func (c checker) one(phrase string) scenes.Object {
	found := c.all(phrase)
	if len(found) != 1 {
		c.fail("%q names %d objects", phrase, len(found))
		return scenes.Object{}
	}
	return c.objects[found[0]]
}

func (c checker) answer(question string) string {
	for _, f := range questionForms {
		if m := f.form.FindStringSubmatch(question); m != nil {
			return f.answer(c, m)
		}
	}
	c.fail("no form fits the question")
	return ""
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// claim reports whether a sentence about numbered objects is true.
func (c checker) claim(text string) bool {
	tag := func(s string) scenes.Object {
		i, err := strconv.Atoi(strings.Trim(s, "[]"))
		if err != nil || i < 0 || i >= len(c.objects) {
			c.fail("no object %s", s)
			return scenes.Object{}
		}
		return c.objects[i]
	}
	named := func(o scenes.Object, phrase string) bool {
		return slices.ContainsFunc(c.all(phrase), func(i int) bool { return c.objects[i] == o })
	}
	for _, f := range claimForms {
		m := f.form.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		switch f.kind {
		case "quadrant":
			a, b := tag(m[1]), tag(m[4])
			return beyond(m[2], a, b) > 0 && beyond(m[3], a, b) > 0
		case "are":
			return named(tag(m[1]), m[2]) && named(tag(m[3]), m[4])
		case "compare":
			a, b := tag(m[1]), tag(m[4])
			how := a.Size == "large" && b.Size == "small"
			if m[3] != "larger than" {
				how = beyond(m[3], a, b) > 0
			}
			return named(a, m[2]) && named(b, m[5]) && how
		}
	}
	c.fail("no form fits %q", text)
	return false
}

var claimForms = []struct {
	kind string
	form *regexp.Regexp
}{
	{"quadrant", regexp.MustCompile(`^(\[\d\]) is (above|below) and (left of|right of) (\[\d\]) \.$`)},
	{"are", regexp.MustCompile(`^(\[\d\]) is (a .*) and (\[\d\]) is (a .*) \.$`)},
	{"compare", regexp.MustCompile(`^(\[\d\]) , (a .*) , is (left of|right of|above|below|larger than) (\[\d\]) , (a .*) \.$`)},
}

var (
	commonQuestion = regexp.MustCompile(`^what do (\[\d\]) and (\[\d\]) have in common \?$`)
	mostQuestion   = regexp.MustCompile(`^which object is the (leftmost|rightmost|highest|lowest) \?$`)
	sameAnswer     = regexp.MustCompile(`^they have the same (.*) \.$`)
	tagAnswer      = regexp.MustCompile(`^\[(\d)\] \.$`)
)

// right reports whether an answer to a choice question is true.
func (c checker) right(question, answer string) bool {
	at := func(s string) scenes.Object {
		i, _ := strconv.Atoi(strings.Trim(s, "[]"))
		return c.objects[i]
	}
	if m := sameAnswer.FindStringSubmatch(answer); m != nil {
		q := commonQuestion.FindStringSubmatch(question)
		return value(at(q[1]), m[1]) == value(at(q[2]), m[1])
	}
	if m := tagAnswer.FindStringSubmatch(answer); m != nil {
		me := at(m[1])
		if q := mostQuestion.FindStringSubmatch(question); q != nil {
			return !slices.ContainsFunc(c.objects, func(o scenes.Object) bool { return beyond(q[1], o, me) > 0 })
		}
		return strings.HasPrefix(question, "which is the largest of") && me.Size == "large"
	}
	return c.claim(answer)
}
