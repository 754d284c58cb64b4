package sortofclevr_test

import (
	"bytes"
	"fmt"
	"image"
	"log"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"govle/datasets"
	"govle/datasets/sortofclevr"
)

// seen is what can be read off a drawn picture: for each colour where its
// pixels lie and whether they fill a square.
type seen struct {
	square bool
	x, y   float64
}

func look(t *testing.T, img *image.RGBA) (out [6]seen) {
	t.Helper()
	byColor := map[[3]uint8][]image.Point{}
	for y := range 75 {
		for x := range 75 {
			p := img.RGBAAt(x, y)
			byColor[[3]uint8{p.R, p.G, p.B}] = append(byColor[[3]uint8{p.R, p.G, p.B}], image.Pt(x, y))
		}
	}
	if len(byColor) != 7 {
		t.Fatalf("%d colours, want white and six", len(byColor))
	}
	for i, c := range [][3]uint8{{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 156, 0}, {128, 128, 128}, {255, 255, 0}} {
		box := image.Rectangle{}
		for _, p := range byColor[c] {
			box = box.Union(image.Rectangle{p, p.Add(image.Pt(1, 1))})
		}
		if box.Dx() != 10 || box.Dy() != 10 {
			t.Fatalf("the %s object is %v large", sortofclevr.Colors[i], box.Size())
		}
		out[i] = seen{len(byColor[c]) == 100, float64(box.Min.X+box.Max.X) / 2, float64(box.Min.Y+box.Max.Y) / 2}
	}
	return out
}

// answer answers a question from the picture alone.
func answer(t *testing.T, objects [6]seen, text string) string {
	i := slices.IndexFunc(sortofclevr.Colors, func(c string) bool { return strings.Contains(text, "the "+c+" object") })
	if i < 0 {
		t.Fatalf("%q names no colour", text)
	}
	shape := func(s seen) string { return map[bool]string{true: "square", false: "circle"}[s.square] }
	yes := func(b bool) string { return map[bool]string{true: "yes", false: "no"}[b] }
	me := objects[i]
	by := func(sign float64) string {
		best, at := 0.0, -1
		for j, o := range objects {
			if d := sign * ((o.x-me.x)*(o.x-me.x) + (o.y-me.y)*(o.y-me.y)); j != i && (at < 0 || d < best) {
				best, at = d, j
			}
		}
		return shape(objects[at])
	}
	switch {
	case strings.Contains(text, "closest to"):
		return by(1)
	case strings.Contains(text, "furthest from"):
		return by(-1)
	case strings.HasPrefix(text, "how many"):
		n := 0
		for _, o := range objects {
			if o.square == me.square {
				n++
			}
		}
		return strconv.Itoa(n)
	case strings.HasPrefix(text, "what is the shape of"):
		return shape(me)
	case strings.HasSuffix(text, "on the left?"):
		return yes(me.x < 37.5)
	case strings.HasSuffix(text, "at the top?"):
		return yes(me.y < 37.5)
	}
	t.Fatalf("no form fits %q", text)
	return ""
}

func TestRulesAndAnswers(t *testing.T) {
	count, shapes := map[string]int{}, 0
	for i := range 400 {
		p, questions := sortofclevr.New(3, sortofclevr.Train, i)
		objects := look(t, p.Draw())
		texts, kinds := map[string]bool{}, map[string]int{}
		for _, q := range questions {
			if got := answer(t, objects, q.Text); got != q.Answer {
				t.Fatalf("picture %d, %q: answer %q, the picture says %q", i, q.Text, q.Answer, got)
			}
			if !slices.Contains(sortofclevr.Answers(), q.Answer) || texts[q.Text] {
				t.Errorf("%q %q comes twice or is outside the vocabulary", q.Text, q.Answer)
			}
			texts[q.Text] = true
			kinds[q.Type]++
			count[q.Answer]++
		}
		if len(questions) != sortofclevr.PerPicture || kinds[sortofclevr.Relational] != 10 || kinds[sortofclevr.NonRelational] != 10 {
			t.Fatalf("questions %v", kinds)
		}
		for _, o := range objects {
			if o.square {
				shapes++
			}
		}
	}
	if len(count) != 10 || shapes < 1080 || shapes > 1320 {
		t.Errorf("answers %v, %d squares of 2400", count, shapes)
	}
}

func TestDeterminism(t *testing.T) {
	for i := range 20 {
		p, q := sortofclevr.New(1, sortofclevr.Test, i)
		again, _ := sortofclevr.New(1, sortofclevr.Test, i)
		other, _ := sortofclevr.New(1, sortofclevr.Val, i)
		if p != again || p == other || !bytes.Equal(p.Draw().Pix, again.Draw().Pix) {
			t.Fatal("the seed does not decide the picture, or the split does not")
		}
		src := sortofclevr.Questions(1, sortofclevr.Test, 20)
		for k, want := range q {
			got, err := src.At(i*sortofclevr.PerPicture + k)
			if err != nil {
				t.Fatal(err)
			}
			got.Picture, want.Picture = datasets.Picture{}, datasets.Picture{}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%+v, want %+v", got, want)
			}
		}
	}
}

func ExampleQuestions() {
	test := sortofclevr.Questions(1, sortofclevr.Test, 200)
	q, err := test.At(15)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(test.Len(), q.Type, q.AnswerType)
	fmt.Println(q.Text, q.Answer)
	// Output:
	// 4000 relational other
	// what is the shape of the object closest to the red object? square
}
