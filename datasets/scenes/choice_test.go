package scenes_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"govle/datasets"
	"govle/datasets/scenes"
)

// TestChoices checks that one answer and one rationale of each question are
// true, and that neither its place nor the kind of question gives it away.
func TestChoices(t *testing.T) {
	g := generator(t, scenes.Config{Seed: 21})
	kinds, answers, rationales, same := map[string]int{}, [4]int{}, [4]int{}, map[string]int{}
	const n = 1200
	src := g.Choices(scenes.Train, n)
	for i := range n {
		c, err := src.At(i)
		if err != nil {
			t.Fatal(err)
		}
		objects := g.ChoiceScene(scenes.Train, i).Objects
		if len(c.Answers) != 4 || len(c.Rationales) != 4 || len(c.Objects) != len(objects) || len(objects) < 4 {
			t.Fatalf("choice %d has %d answers, %d rationales, %d boxes", i, len(c.Answers), len(c.Rationales), len(c.Objects))
		}
		for k, o := range objects {
			if c.Objects[k].Box != o.Box(64) {
				t.Fatalf("choice %d: box %v of object %d, want %v", i, c.Objects[k].Box, k, o.Box(64))
			}
		}
		check := checker{objects, func(f string, args ...any) {
			t.Fatalf("choice %d, %s: %s", i, datasets.Words(c.Question), fmt.Sprintf(f, args...))
		}}
		question := datasets.Words(c.Question)
		for k := range 4 {
			if got := check.right(question, datasets.Words(c.Answers[k])); got != (k == c.Answer) {
				t.Fatalf("choice %d, %q: answer %q is %v, label %d", i, question, datasets.Words(c.Answers[k]), got, c.Answer)
			}
			if got := check.claim(datasets.Words(c.Rationales[k])); got != (k == c.Rationale) {
				t.Fatalf("choice %d, %q: rationale %q is %v, label %d: %+v", i, question, datasets.Words(c.Rationales[k]), got, c.Rationale, objects)
			}
		}
		answers[c.Answer]++
		rationales[c.Rationale]++
		kinds[strings.Join(strings.Fields(question)[:2], " ")]++
		if strings.HasPrefix(question, "what do") {
			same[datasets.Words(c.Answers[c.Answer])]++
		}
	}
	even := func(what string, c, of, ways int) {
		mean := float64(of) / float64(ways)
		if math.Abs(float64(c)-mean) > 4.5*math.Sqrt(mean) {
			t.Errorf("%s comes %d times of %d, %d ways", what, c, of, ways)
		}
	}
	for k := range 4 {
		even(fmt.Sprint("answer ", k), answers[k], n, 4)
		even(fmt.Sprint("rationale ", k), rationales[k], n, 4)
	}
	for what, c := range kinds {
		even(what, c, n, 4)
	}
	for what, c := range same {
		even(what, c, kinds["what do"], 4)
	}
	if len(kinds) != 4 || len(same) != 4 {
		t.Errorf("kinds %v, common %v", kinds, same)
	}
}
