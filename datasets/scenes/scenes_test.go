package scenes_test

import (
	"bytes"
	"fmt"
	"image"
	"log"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"govle/datasets"
	"govle/datasets/metrics"
	"govle/datasets/scenes"
)

func generator(t testing.TB, cfg scenes.Config) *scenes.Generator {
	t.Helper()
	g, err := scenes.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestQuestionsHaveTheRightAnswers(t *testing.T) {
	for _, cfg := range []scenes.Config{{Seed: 1}, {Seed: 2, MinObjects: 6, MaxObjects: 6, PerScene: 16}, {Seed: 3, MaxObjects: 1, PerScene: 16}} {
		g := generator(t, cfg)
		types := map[string]int{}
		vocab := scenes.Answers()
		for i := range 1500 {
			s := g.Scene(scenes.Train, i)
			texts := map[string]bool{}
			for _, q := range g.Ask(scenes.Train, i) {
				c := checker{s.Objects, func(f string, args ...any) {
					t.Errorf("scene %d of %+v, %q: %s", i, cfg, q.Text, fmt.Sprintf(f, args...))
				}}
				if got := c.answer(q.Text); got != q.Answer {
					t.Fatalf("scene %d of %+v, %q: answer %q, the objects say %q: %+v", i, cfg, q.Text, q.Answer, got, s.Objects)
				}
				if texts[q.Text] || !slices.Contains(vocab, q.Answer) {
					t.Errorf("%q is asked twice or its answer %q is not in the vocabulary", q.Text, q.Answer)
				}
				texts[q.Text] = true
				types[q.Type]++
			}
		}
		if cfg.MaxObjects != 1 && len(types) != len(scenes.Types) {
			t.Errorf("types %v, want all of %v", types, scenes.Types)
		}
	}
}

// TestAnswersAreBalanced checks that each answer of a question's form comes
// about as often as any other, so that questions alone tell nothing.
func TestAnswersAreBalanced(t *testing.T) {
	g := generator(t, scenes.Config{Seed: 5})
	count := map[string]map[string]int{}
	types := map[string]int{}
	var prior metrics.Prior
	var held []datasets.Question
	const n = 6000
	for q, err := range datasets.All(g.Questions(scenes.Train, n)) {
		if err != nil {
			t.Fatal(err)
		}
		form := q.Type
		switch {
		case strings.Contains(q.Text, "left or"):
			form = "place across"
		case strings.Contains(q.Text, "top or"):
			form = "place up and down"
		case q.AnswerType == "yes/no":
			form = q.Type + " yes/no"
		case q.Type == "relate":
			form = "relate " + strings.Fields(q.Text)[1]
		}
		if count[form] == nil {
			count[form] = map[string]int{}
		}
		count[form][q.Answer]++
		types[q.Type]++
		prior.Fit(q.Text, q.Answer)
	}
	for form, answers := range count {
		total := 0
		for _, c := range answers {
			total += c
		}
		mean := float64(total) / float64(len(answers))
		for a, c := range answers {
			// 4.5 standard deviations and 6 % for what is not exactly even.
			if math.Abs(float64(c)-mean) > 4.5*math.Sqrt(mean)+0.06*mean {
				t.Errorf("%s: answer %q comes %d times, the mean of %d answers is %.0f: %v", form, a, c, len(answers), mean, answers)
			}
		}
	}
	for _, kind := range scenes.Types {
		if types[kind] < n*6/30 {
			t.Errorf("%d questions of type %s among %d", types[kind], kind, n*6)
		}
	}
	// The question-only prior, on pictures it has not seen.
	for q, err := range datasets.All(g.Questions(scenes.Val, 2000)) {
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, q)
	}
	right, yesNos, yesNoRight := 0, 0, 0
	for _, q := range held {
		hit := prior.Answer(q.Text) == q.Answer
		if hit {
			right++
		}
		if q.AnswerType == "yes/no" {
			yesNos++
			if hit {
				yesNoRight++
			}
		}
	}
	all, yn := float64(right)/float64(len(held)), float64(yesNoRight)/float64(yesNos)
	t.Logf("question-only prior: %.1f %% of all, %.1f %% of yes/no", 100*all, 100*yn)
	if yn > 0.56 || all > 0.42 {
		t.Errorf("the question alone gives %.3f of all and %.3f of the yes/no answers", all, yn)
	}
}

// TestBoxesAreExact compares each box with what the object's pixels are when it
// is drawn alone on a ground of a colour that no object has.
func TestBoxesAreExact(t *testing.T) {
	for _, side := range []int{32, 64, 75, 224} {
		g := generator(t, scenes.Config{Seed: 9, Side: side, MaxObjects: 6})
		for i := range 1200 / side {
			s := g.Scene(scenes.Test, i)
			for _, o := range s.Objects {
				alone := scenes.Scene{Objects: []scenes.Object{o}, Background: s.Background}
				img, err := alone.Draw(side)
				if err != nil {
					t.Fatal(err)
				}
				painted := image.Rectangle{}
				for y := range side {
					for x := range side {
						if img.RGBAAt(x, y) != s.Background {
							painted = painted.Union(image.Rect(x, y, x+1, y+1))
						}
					}
				}
				b := o.Box(side)
				if got := image.Rect(int(b.X0), int(b.Y0), int(b.X1), int(b.Y1)); got != painted {
					t.Fatalf("%+v at side %d: box %v, painted %v", o, side, got, painted)
				}
				if err := b.Check(side, side); err != nil {
					t.Error(err)
				}
			}
			for a := range s.Objects {
				for b := range a {
					p, q := s.Objects[a].Box(side), s.Objects[b].Box(side)
					if p.X0 < q.X1 && q.X0 < p.X1 && p.Y0 < q.Y1 && q.Y0 < p.Y1 {
						t.Errorf("boxes %v and %v overlap in scene %d", p, q, i)
					}
				}
			}
		}
	}
}

func TestSizesSuitPatches(t *testing.T) {
	g := generator(t, scenes.Config{Seed: 4})
	for i := range 2000 {
		for _, o := range g.Scene(scenes.Train, i).Objects {
			long := 64 * max(o.W, o.H)
			if low, high := 11.5, 14.0; o.Size == "small" && (long < low || long > high) {
				t.Fatalf("small object of %.1f pixels", long)
			}
			if low, high := 19.0, 22.0; o.Size == "large" && (long < low || long > high) {
				t.Fatalf("large object of %.1f pixels", long)
			}
		}
	}
}

func TestCaptions(t *testing.T) {
	g := generator(t, scenes.Config{Seed: 6})
	relation := regexp.MustCompile(`^(a .*) (left of|right of|above|below) (a .*)$`)
	for i := range 800 {
		s := g.Scene(scenes.Train, i)
		c, err := g.Captions(scenes.Train, 800).At(i)
		if err != nil {
			t.Fatal(err)
		}
		check := checker{s.Objects, func(f string, args ...any) { t.Errorf("caption %d: %s", i, fmt.Sprintf(f, args...)) }}
		// holds finds objects for a caption's phrases by trying all.
		holds := func(text string) bool {
			if m := relation.FindStringSubmatch(text); m != nil {
				for _, a := range check.all(m[1]) {
					for _, b := range check.all(m[3]) {
						if a != b && beyond(m[2], s.Objects[a], s.Objects[b]) > 0 {
							return true
						}
					}
				}
				return false
			}
			phrases := strings.Split(strings.ReplaceAll(text, " and ", ", "), ", ")
			var try func(k int, used int) bool
			try = func(k, used int) bool {
				if k == len(phrases) {
					return true
				}
				for _, o := range check.all(phrases[k]) {
					if used&(1<<o) == 0 && try(k+1, used|1<<o) {
						return true
					}
				}
				return false
			}
			return try(0, 0)
		}
		if !holds(c.Text) {
			t.Fatalf("caption %q is false of %+v", c.Text, s.Objects)
		}
		if len(c.Negatives) != 3 {
			t.Errorf("%d negatives", len(c.Negatives))
		}
		for _, n := range c.Negatives {
			if holds(n) || n == c.Text {
				t.Fatalf("false caption %q is true of %+v", n, s.Objects)
			}
		}
		if len(c.Regions) == 0 {
			t.Errorf("%q has no regions", c.Text)
		}
		for _, r := range c.Regions {
			var want []datasets.Box
			for _, o := range check.all(r.Phrase) {
				want = append(want, s.Objects[o].Box(64))
			}
			if !strings.Contains(c.Text, r.Phrase) || !reflect.DeepEqual(r.Boxes, want) || len(want) == 0 {
				t.Errorf("%q: boxes %v, want %v", r.Phrase, r.Boxes, want)
			}
		}
	}
}

func TestDeterminism(t *testing.T) {
	cfg := scenes.Config{Seed: 11}
	a, b, other := generator(t, cfg), generator(t, cfg), generator(t, scenes.Config{Seed: 12})
	for i := range 40 {
		if !reflect.DeepEqual(a.Scene(scenes.Train, i), b.Scene(scenes.Train, i)) || !reflect.DeepEqual(a.Ask(scenes.Val, i), b.Ask(scenes.Val, i)) {
			t.Fatal("the same seed gives different scenes")
		}
		for _, s := range []scenes.Scene{a.Scene(scenes.Val, i), a.Scene(scenes.Test, i), other.Scene(scenes.Train, i)} {
			if reflect.DeepEqual(a.Scene(scenes.Train, i), s) {
				t.Fatal("another split or seed gives the same scene")
			}
		}
		x, _ := a.Scene(scenes.Train, i).Draw(64)
		y, _ := b.Scene(scenes.Train, i).Draw(64)
		if !bytes.Equal(x.Pix, y.Pix) {
			t.Fatal("the same seed draws different pictures")
		}
	}
	// A question is the same however it is reached.
	qs := a.Questions(scenes.Train, 10)
	for i := range qs.Len() {
		q, _ := qs.At(i)
		if want := a.Ask(scenes.Train, i/6)[i%6]; q.Text != want.Text || q.Answer != want.Answer {
			t.Fatalf("question %d is %q, want %q", i, q.Text, want.Text)
		}
	}
}

func TestBadConfigurations(t *testing.T) {
	for want, cfg := range map[string]scenes.Config{
		"side":             {Side: 5000},
		"objects a scene":  {MaxObjects: 7},
		"9 to 5 objects":   {MinObjects: 9},
		"questions a scen": {PerScene: 17},
	} {
		if _, err := scenes.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	if _, err := (scenes.Scene{}).Draw(3); err == nil {
		t.Error("a picture of side 3 is drawn")
	}
}

func ExampleGenerator_Questions() {
	g, err := scenes.New(scenes.Config{Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	train := g.Questions(scenes.Train, 1000)
	q, err := train.At(0)
	if err != nil {
		log.Fatal(err)
	}
	img, err := q.Picture.Image()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(train.Len(), img.Bounds().Size(), q.Text, q.Answer)
	// Output: 6000 (64,64) is the green triangle left of the small gray object? yes
}
