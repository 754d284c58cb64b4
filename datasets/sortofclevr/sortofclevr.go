// Package sortofclevr makes Sort-of-CLEVR (A. Santoro and others, "A simple
// neural network module for relational reasoning", 2017, section 4.2 and
// supplement): pictures of 75×75 pixels with six objects, each a square or a
// circle and each of its own colour, and for each picture ten questions that
// relate objects and ten that do not.
//
// The paper leaves open how large objects are, how questions are worded and
// whether they may repeat. Here objects are 10 pixels across, as in public
// implementations; questions are words; and the ten of a kind are different, drawn from the 18 that there
// are.
package sortofclevr

import (
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"strconv"

	"govle/datasets"
)

const (
	side    = 75 // pixels of a picture
	half    = 5  // pixels from an object's centre to its edge
	perKind = 10
	// PerPicture is how many questions each picture has.
	PerPicture = 2 * perKind
)

// The two types of questions.
const (
	Relational    = "relational"
	NonRelational = "non-relational"
)

// Colors are the colours; object i of a picture has colour i.
var Colors = []string{"red", "green", "blue", "orange", "gray", "yellow"}

var paints = []color.RGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 156, 0, 255}, {128, 128, 128, 255}, {255, 255, 0, 255}}

// Answers are the ten answers, in a fixed order.
func Answers() []string {
	return []string{"yes", "no", "square", "circle", "1", "2", "3", "4", "5", "6"}
}

// Object is an object of a picture; X and Y are its centre in pixels.
type Object struct {
	Circle bool
	X, Y   int
}

// Picture is a picture before it is drawn: an object of each colour.
type Picture [6]Object

// Split is a part of the data, each with its own numbers.
type Split int

// The three parts. Public implementations train on 9,800 pictures and test on 200.
const (
	Train Split = iota
	Val
	Test
)

func (s Split) String() string { return [...]string{"train", "val", "test"}[s] }

// New returns picture i of a split and its questions, the ten that do not
// relate objects first. The same seed, split and number give the same.
func New(seed uint64, split Split, i int) (Picture, []datasets.Question) {
	r := rand.New(rand.NewPCG(seed, uint64(split)<<48|uint64(i)))
	for { // again should ties leave too few questions, which is next to impossible
		p := place(r)
		if questions := p.ask(r, split, i); len(questions) == PerPicture {
			return p, questions
		}
	}
}

// place puts the six objects where they do not touch.
func place(r *rand.Rand) (p Picture) {
	for k := range p {
		p[k].Circle = r.IntN(2) == 0
		for free := false; !free; {
			p[k].X, p[k].Y = half+r.IntN(side-2*half), half+r.IntN(side-2*half)
			free = true
			for _, o := range p[:k] {
				dx, dy := p[k].X-o.X, p[k].Y-o.Y
				free = free && dx*dx+dy*dy > (2*half)*(2*half)*2 // boxes apart however they lie
			}
		}
	}
	return p
}

func (p Picture) ask(r *rand.Rand, split Split, i int) []datasets.Question {
	pic := datasets.DrawnPicture(fmt.Sprintf("sort-of-clevr %v/%d", split, i), func() (image.Image, error) { return p.Draw(), nil })
	var out []datasets.Question
	for kind, about := range []func(object, question int) (string, string, bool){p.single, p.relate} {
		n := 0
		for _, k := range r.Perm(18) {
			text, answer, ok := about(k/3, k%3)
			if !ok || n == perKind {
				continue
			}
			n++
			q := datasets.Question{ID: int64(i)*PerPicture + int64(len(out)), Picture: pic, Text: text, Answer: answer,
				Type: []string{NonRelational, Relational}[kind], AnswerType: "other"}
			switch {
			case answer == "yes" || answer == "no":
				q.AnswerType = "yes/no"
			case len(answer) == 1:
				q.AnswerType = "number"
			}
			out = append(out, q)
		}
	}
	return out
}

// single asks about one object.
func (p Picture) single(k, question int) (text, answer string, ok bool) {
	switch o := p[k]; question {
	case 0:
		return fmt.Sprintf("what is the shape of the %s object?", Colors[k]), shape(o), true
	case 1:
		return fmt.Sprintf("is the %s object on the left?", Colors[k]), yesNo(2*o.X < side), true
	default:
		return fmt.Sprintf("is the %s object at the top?", Colors[k]), yesNo(2*o.Y < side), true
	}
}

// relate asks about an object and the others. It reports false where two
// objects of different shape are equally near or far.
func (p Picture) relate(k, question int) (text, answer string, ok bool) {
	if question == 2 {
		n := 0
		for _, o := range p {
			if o.Circle == p[k].Circle {
				n++
			}
		}
		return fmt.Sprintf("how many objects have the same shape as the %s object?", Colors[k]), strconv.Itoa(n), true
	}
	best, at, tie := 0, -1, false
	for j, o := range p {
		if j == k {
			continue
		}
		dx, dy := o.X-p[k].X, o.Y-p[k].Y
		d := dx*dx + dy*dy
		if question == 1 {
			d = -d
		}
		if at >= 0 && d == best && o.Circle != p[at].Circle {
			tie = true
		}
		if at < 0 || d < best {
			best, at, tie = d, j, false
		}
	}
	form := []string{"what is the shape of the object closest to the %s object?", "what is the shape of the object furthest from the %s object?"}[question]
	return fmt.Sprintf(form, Colors[k]), shape(p[at]), !tie
}

func shape(o Object) string {
	if o.Circle {
		return "circle"
	}
	return "square"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Draw paints the picture on white, without smoothing.
func (p Picture) Draw() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for k, o := range p {
		for dy := -half; dy < half; dy++ {
			for dx := -half; dx < half; dx++ {
				// Distances of pixel centres in half pixels.
				if u, v := 2*dx+1, 2*dy+1; !o.Circle || u*u+v*v <= 4*half*half {
					img.SetRGBA(o.X+dx, o.Y+dy, paints[k])
				}
			}
		}
	}
	return img
}

// Questions is the data set of all questions about the first n pictures of a
// split, 20 to each.
func Questions(seed uint64, split Split, n int) datasets.Source[datasets.Question] {
	return source{seed, split, n}
}

type source struct {
	seed  uint64
	split Split
	n     int
}

func (s source) Len() int { return s.n * PerPicture }

func (s source) At(i int) (datasets.Question, error) {
	if i < 0 || i >= s.Len() {
		panic(fmt.Sprintf("sortofclevr: question %d of %d", i, s.Len()))
	}
	_, questions := New(s.seed, s.split, i/PerPicture)
	return questions[i%PerPicture], nil
}
