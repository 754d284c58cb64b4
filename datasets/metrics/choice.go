package metrics

import "fmt"

// VCR gathers the three accuracies of Visual Commonsense Reasoning. Its zero
// value is ready.
type VCR struct {
	n, answers, rationales, both int
}

// Add counts one question: the chosen answer and the chosen rationale (picked with the
// right answer given, as VCR does) beside the right ones.
func (v *VCR) Add(answer, rationale, rightAnswer, rightRationale int) {
	v.n++
	a, r := answer == rightAnswer, rationale == rightRationale
	if a {
		v.answers++
	}
	if r {
		v.rationales++
	}
	if a && r {
		v.both++
	}
}

// VCRResult holds fractions of 1. Chance is 1/4, 1/4 and 1/16.
type VCRResult struct {
	Q2A       float64 `json:"q2a"`
	QA2R      float64 `json:"qa2r"`
	Q2AR      float64 `json:"q2ar"` // both right
	Questions int     `json:"questions"`
}

// Result returns the accuracies so far; without a question they are 0.
func (v *VCR) Result() VCRResult {
	n := float64(max(v.n, 1))
	return VCRResult{float64(v.answers) / n, float64(v.rationales) / n, float64(v.both) / n, v.n}
}

// Accuracy returns the fraction of predictions equal to their labels. A label of
// ignore is not counted: MLM marks the words that were not masked with -100.
// It is an error when the lengths differ or nothing is left to count.
func Accuracy(predicted, labels []int, ignore int) (float64, error) {
	if len(predicted) != len(labels) {
		return 0, fmt.Errorf("metrics: %d predictions for %d labels", len(predicted), len(labels))
	}
	n, right := 0, 0
	for i, l := range labels {
		if l == ignore {
			continue
		}
		n++
		if predicted[i] == l {
			right++
		}
	}
	if n == 0 {
		return 0, fmt.Errorf("metrics: none of %d labels counts (all are %d)", len(labels), ignore)
	}
	return float64(right) / float64(n), nil
}

// MLMIgnore is the label of a word that was not masked.
const MLMIgnore = -100
