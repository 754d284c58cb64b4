package metrics_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"govle/datasets/metrics"
)

func humans(answers ...string) []metrics.HumanAnswer {
	h := make([]metrics.HumanAnswer, len(answers))
	for i, a := range answers {
		h[i] = metrics.HumanAnswer{Answer: a, Confidence: "yes", ID: i + 1}
	}
	return h
}

// TestVQAScore holds the official rules where they surprise.
func TestVQAScore(t *testing.T) {
	ten := func(a string, n int, rest string) []metrics.HumanAnswer {
		var all []string
		for i := range 10 {
			if i < n {
				all = append(all, a)
			} else {
				all = append(all, rest+strings.Repeat("x", i))
			}
		}
		return humans(all...)
	}
	for _, c := range []struct {
		why    string
		answer string
		humans []metrics.HumanAnswer
		want   float64
	}{
		{"four of ten agree", "cat", ten("cat", 4, "dog"), 1},
		{"three: left out in turn", "cat", ten("cat", 3, "dog"), (3*2./3 + 7) / 10},
		{"one", "cat", ten("cat", 1, "dog"), 9 * (1. / 3) / 10},
		{"nobody", "cow", ten("cat", 3, "dog"), 0},
		{"normalised when they differ", "The Cat!", ten("cat", 4, "dog"), 1},
		{"not normalised when all agree", "The cat", ten("cat", 10, ""), 0},
		{"but trimmed", " cat\n", ten("cat", 10, ""), 1},
		{"number words", "2", ten("two", 9, "dog"), 1},
	} {
		got, err := metrics.VQAScore(c.answer, c.humans)
		if err != nil || math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v (error %v), want %v", c.why, got, err, c.want)
		}
	}
	if _, err := metrics.VQAScore("cat", nil); err == nil {
		t.Error("a score without human answers is no error")
	}
	var v metrics.VQA
	if _, err := v.Add("cat", nil, "other", "what"); err == nil || v.Result().Questions != 0 {
		t.Error("a failed Add was counted")
	}
}

// TestPeriodCount holds the official slip of 32 periods.
func TestPeriodCount(t *testing.T) {
	if got := metrics.ProcessPunctuation(strings.Repeat(".", 40)); got != strings.Repeat(".", 8) {
		t.Errorf("40 periods became %q", got)
	}
}

// TestAUC compares with the definition, pair by pair.
func TestAUC(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		n := 2 + r.IntN(30)
		scores, labels := make([]float64, n), make([]bool, n)
		labels[0] = true
		for i := range scores {
			scores[i] = float64(r.IntN(6))
			labels[i] = labels[i] || i > 1 && r.IntN(2) == 0
		}
		var wins, pairs, pos, ap float64
		for i := range scores {
			for j := range scores {
				if labels[i] && !labels[j] {
					pairs++
					if scores[i] > scores[j] {
						wins++
					} else if scores[i] == scores[j] {
						wins += 0.5
					}
				}
			}
			if labels[i] { // precision at this positive's threshold
				pos++
				above, hits := 0., 0.
				for j := range scores {
					if scores[j] >= scores[i] {
						above++
						if labels[j] {
							hits++
						}
					}
				}
				ap += hits / above
			}
		}
		got, err := metrics.AUC(scores, labels)
		if err != nil || math.Abs(got-wins/pairs) > 1e-12 {
			t.Fatalf("AUC of %v %v: %v (error %v), want %v", scores, labels, got, err, wins/pairs)
		}
		got, err = metrics.AveragePrecision(scores, labels)
		if err != nil || math.Abs(got-ap/pos) > 1e-12 {
			t.Fatalf("AP of %v %v: %v (error %v), want %v", scores, labels, got, err, ap/pos)
		}
	}
}

func TestRecallAt(t *testing.T) {
	scores := [][]float64{
		{0.9, 0.1, 0.2}, // right first
		{0.5, 0.4, 0.3}, // right second
		{0.7, 0.7, 0.7}, // ties stand ahead
	}
	got, err := metrics.RecallAt(scores, [][]int{{0}, {1}, {2}}, 1, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{1. / 3, 2. / 3, 1} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("recall@%d %v, want %v", i+1, got[i], want)
		}
	}
	// Five captions of one picture: any of them counts.
	if got, _ := metrics.RecallAt([][]float64{{0.1, 0.8, 0.9}}, [][]int{{0, 2}}, 1); got[0] != 1 {
		t.Errorf("recall@1 with two right candidates: %v", got)
	}
}

func TestPointing(t *testing.T) {
	for _, c := range []struct {
		scores []float64
		inside []bool
		want   float64
	}{
		{[]float64{1, 3, 2}, []bool{false, true, false}, 1},
		{[]float64{1, 3, 4}, []bool{false, true, false}, 0},
		{[]float64{5, 5, 0}, []bool{true, false, false}, 0.5},
	} {
		if got, err := metrics.Pointing(c.scores, c.inside); err != nil || got != c.want {
			t.Errorf("%v: %v (error %v), want %v", c.scores, got, err, c.want)
		}
	}
}

func TestVCRAndAccuracy(t *testing.T) {
	var v metrics.VCR
	v.Add(0, 1, 0, 1)
	v.Add(0, 1, 0, 2)
	v.Add(3, 1, 0, 1)
	v.Add(3, 3, 0, 1)
	if got := v.Result(); got != (metrics.VCRResult{Q2A: 0.5, QA2R: 0.5, Q2AR: 0.25, Questions: 4}) {
		t.Errorf("%+v", got)
	}
	got, err := metrics.Accuracy([]int{5, 6, 7, 8}, []int{5, metrics.MLMIgnore, 9, 8}, metrics.MLMIgnore)
	if err != nil || math.Abs(got-2./3) > 1e-12 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestErrors(t *testing.T) {
	nan := math.NaN()
	two := func(_ float64, err error) error { return err }
	list := func(_ []float64, err error) error { return err }
	for want, err := range map[string]error{
		"2 scores for 1 labels":       two(metrics.AUC([]float64{1, 2}, []bool{true})),
		"needs positives and negativ": two(metrics.AUC([]float64{1, 2}, []bool{true, true})),
		"score 1 is not a number":     two(metrics.AUC([]float64{1, nan}, []bool{true, false})),
		"at least one positive":       two(metrics.AveragePrecision([]float64{1}, []bool{false})),
		"0 scores for 0 labels":       two(metrics.Pointing(nil, nil)),
		"names candidate 3 of 1":      list(metrics.RecallAt([][]float64{{1}}, [][]int{{3}}, 1)),
		"no right candidate":          list(metrics.RecallAt([][]float64{{1}}, [][]int{{}}, 1)),
		"query 0 and candidate 0":     list(metrics.RecallAt([][]float64{{nan}}, [][]int{{0}}, 1)),
		"1 predictions for 2 labels":  two(metrics.Accuracy([]int{1}, []int{1, 2}, -100)),
		"none of 1 labels counts":     two(metrics.Accuracy([]int{1}, []int{-100}, -100)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

func TestPrior(t *testing.T) {
	var p metrics.Prior
	if p.Answer("what?") != "" {
		t.Error("an empty prior answers")
	}
	for range 3 {
		p.Fit("is it red?", "no")
	}
	p.Fit("what color?", "blue")
	p.Fit("what color?", "azure")
	for q, want := range map[string]string{"is it red?": "no", "what color?": "azure", "never met": "no"} {
		if got := p.Answer(q); got != want {
			t.Errorf("%s %q, want %q", q, got, want)
		}
	}
}

func TestSubmission(t *testing.T) {
	var out bytes.Buffer
	s := metrics.NewSubmission(&out)
	for i, a := range []string{"yes", `a "b"`, "naïve"} {
		if err := s.Add(int64(i), a); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Add(1, "no"); err == nil || !strings.Contains(err.Error(), "question 1 is answered twice") {
		t.Errorf("error %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var got []struct {
		ID     int64  `json:"question_id"`
		Answer string `json:"answer"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got) != 3 || got[1].Answer != `a "b"` {
		t.Errorf("%s: %v %v", out.Bytes(), got, err)
	}
	out.Reset()
	if err := metrics.NewSubmission(&out).Close(); err != nil || strings.TrimSpace(out.String()) != "[]" {
		t.Errorf("empty submission %q, %v", out.String(), err)
	}
}

func BenchmarkVQAScore(b *testing.B) {
	h := humans("the cat", "cat", "a cat.", "black/white", "cat", "dog", "cats", "2,000", "don't know", "cat")
	for b.Loop() {
		if _, err := metrics.VQAScore("Cat", h); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleVQA() {
	var v metrics.VQA
	v.Add("two", humans("2", "2", "3", "2", "2", "2", "4", "2", "2", "2"), "number", "how many")
	v.Add("dog", humans("cat", "cat", "dog", "cat", "cat", "cat", "cat", "cat", "cat", "cat"), "other", "what animal is")
	r := v.Result()
	fmt.Println(r.Overall, r.PerAnswerType)
	// Output: 65 map[number:100 other:30]
}

func ExampleSubmission() {
	s := metrics.NewSubmission(os.Stdout)
	s.Add(262148000, "down")
	s.Add(262148001, "spectators")
	s.Close()
	// Output:
	// [
	// {"question_id":262148000,"answer":"down"},
	// {"question_id":262148001,"answer":"spectators"}
	// ]
}
