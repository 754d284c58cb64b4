package metrics

import (
	"fmt"
	"strconv"
)

// HumanAnswer is one annotator's answer in VQA's annotations.
type HumanAnswer struct {
	Answer     string `json:"answer"`
	Confidence string `json:"answer_confidence"`
	ID         int    `json:"answer_id"`
}

// VQAScore returns the accuracy, 0 to 1, of an answer against the annotators',
// as the official evaluation computes it: each annotator is left out in turn, the answer
// scores min(1, matches/3) against the others, and the mean is taken. Answers
// are normalised only when the annotators do not all agree. Without human
// answers there is nothing to compare with, and the score is an error.
func VQAScore(answer string, humans []HumanAnswer) (float64, error) {
	if len(humans) == 0 {
		return 0, fmt.Errorf("metrics: no human answers to score %q against", answer)
	}
	answer = trimAnswer(answer)
	gts := make([]HumanAnswer, len(humans))
	agree := true
	for i, h := range humans {
		h.Answer = trimAnswer(h.Answer)
		gts[i] = h
		agree = agree && h.Answer == gts[0].Answer
	}
	if !agree {
		answer = ProcessDigitArticle(ProcessPunctuation(answer))
		for i, h := range gts {
			if i > 0 && h.Answer == humans[i-1].Answer { // runs of one answer are common
				gts[i].Answer = gts[i-1].Answer
				continue
			}
			gts[i].Answer = ProcessDigitArticle(ProcessPunctuation(h.Answer))
		}
	}
	// The official code leaves out every annotation equal to this one in all its
	// fields, not only this one; with the official files, whose ids differ, that
	// is the same.
	sum := 0.0
	for _, left := range gts {
		matches := 0
		for _, h := range gts {
			if h.Answer == answer && h != left {
				matches++
			}
		}
		sum += min(1, float64(matches)/3)
	}
	return sum / float64(len(gts)), nil
}

// VQA gathers the accuracy of answers over a data set. Its zero value is ready.
type VQA struct {
	all                  tally
	byAnswer, byQuestion map[string]*tally
}

type tally struct {
	sum float64
	n   int
}

func under(m map[string]*tally, key string) *tally {
	t := m[key]
	if t == nil {
		t = new(tally)
		m[key] = t
	}
	return t
}

func (t *tally) add(x float64) { t.sum += x; t.n++ }

// percent is what the official code reports: two decimals, rounded as Python does.
func (t *tally) percent() float64 { return round2(100 * t.sum / float64(t.n)) }

// Add scores one answer, counts it under its types and returns its accuracy, 0
// to 1. An error leaves the totals as they were.
func (v *VQA) Add(answer string, humans []HumanAnswer, answerType, questionType string) (float64, error) {
	acc, err := VQAScore(answer, humans)
	if err != nil {
		return 0, err
	}
	v.all.add(acc)
	if v.byAnswer == nil {
		v.byAnswer, v.byQuestion = map[string]*tally{}, map[string]*tally{}
	}
	under(v.byAnswer, answerType).add(acc)
	under(v.byQuestion, questionType).add(acc)
	return acc, nil
}

// VQAResult is a VQA score in per cent with two decimals, as the official
// evaluation prints it and as its JSON names it.
type VQAResult struct {
	Overall         float64            `json:"overall"`
	PerAnswerType   map[string]float64 `json:"perAnswerType"`
	PerQuestionType map[string]float64 `json:"perQuestionType"`
	// Questions is how many answers were scored.
	Questions int `json:"questions"`
}

// Result returns the score so far; without a single answer it is all zero.
func (v *VQA) Result() VQAResult {
	r := VQAResult{PerAnswerType: map[string]float64{}, PerQuestionType: map[string]float64{}, Questions: v.all.n}
	if v.all.n == 0 {
		return r
	}
	r.Overall = v.all.percent()
	for k, t := range v.byAnswer {
		r.PerAnswerType[k] = t.percent()
	}
	for k, t := range v.byQuestion {
		r.PerQuestionType[k] = t.percent()
	}
	return r
}

// round2 rounds to two decimals half to even on the exact value, as Python's
// round does.
func round2(x float64) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'f', 2, 64), 64)
	return r
}
