package metrics

import (
	"fmt"
	"math"
	"slices"
)

// AUC returns the area under the ROC curve: the chance that a positive is
// scored above a negative, ties counting half. It needs both kinds and no NaN.
func AUC(scores []float64, positive []bool) (float64, error) {
	order, err := descending(scores, positive)
	if err != nil {
		return 0, err
	}
	var pos, neg, wins float64 // positives and negatives so far, from the top
	for i := 0; i < len(order); {
		var p, n float64
		for score := scores[order[i]]; i < len(order) && scores[order[i]] == score; i++ {
			if positive[order[i]] {
				p++
			} else {
				n++
			}
		}
		wins += n * (pos + p/2)
		pos += p
		neg += n
	}
	if pos == 0 || neg == 0 {
		return 0, fmt.Errorf("metrics: AUC needs positives and negatives, there are %g and %g", pos, neg)
	}
	return wins / (pos * neg), nil
}

// AveragePrecision returns Σ (Rₙ − Rₙ₋₁)·Pₙ over the thresholds that the scores
// give, precision and recall without interpolation; equal scores are one
// threshold. It needs at least one positive.
func AveragePrecision(scores []float64, positive []bool) (float64, error) {
	order, err := descending(scores, positive)
	if err != nil {
		return 0, err
	}
	var hits, sum float64
	for i := 0; i < len(order); {
		found := 0.0
		for score := scores[order[i]]; i < len(order) && scores[order[i]] == score; i++ {
			if positive[order[i]] {
				found++
			}
		}
		hits += found
		sum += found * hits / float64(i)
	}
	if hits == 0 {
		return 0, fmt.Errorf("metrics: average precision needs at least one positive among %d", len(scores))
	}
	return sum / hits, nil
}

// Pointing reports whether the patch with the highest score is one of the
// box's, as a fraction: where several patches share the highest score, how many
// of them are. It needs as many scores as patches and at least one.
func Pointing(scores []float64, inside []bool) (float64, error) {
	order, err := descending(scores, inside)
	if err != nil {
		return 0, err
	}
	n, hits := 0.0, 0.0
	for _, i := range order {
		if scores[i] != scores[order[0]] {
			break
		}
		n++
		if inside[i] {
			hits++
		}
	}
	return hits / n, nil
}

// RecallAt returns, for each k, the fraction of queries for which one of the
// right candidates is among the k best scored. scores[q][c] is how well
// candidate c fits query q; right[q] lists the right candidates of q. Ties are
// counted against the model: a wrong candidate with an equal score stands ahead.
// For the other direction, hand in the transposed scores.
func RecallAt(scores [][]float64, right [][]int, ks ...int) ([]float64, error) {
	if len(scores) == 0 || len(scores) != len(right) {
		return nil, fmt.Errorf("metrics: scores of %d queries, right candidates of %d", len(scores), len(right))
	}
	recall := make([]float64, len(ks))
	for q, row := range scores {
		if i := slices.IndexFunc(row, math.IsNaN); i >= 0 {
			return nil, fmt.Errorf("metrics: score of query %d and candidate %d is not a number", q, i)
		}
		if len(right[q]) == 0 {
			return nil, fmt.Errorf("metrics: query %d has no right candidate", q)
		}
		best := math.Inf(-1)
		for _, c := range right[q] {
			if c < 0 || c >= len(row) {
				return nil, fmt.Errorf("metrics: query %d names candidate %d of %d", q, c, len(row))
			}
			best = max(best, row[c])
		}
		ahead := 0
		for c, s := range row {
			if s >= best && !slices.Contains(right[q], c) {
				ahead++
			}
		}
		for i, k := range ks {
			if ahead < k {
				recall[i]++
			}
		}
	}
	for i := range recall {
		recall[i] /= float64(len(scores))
	}
	return recall, nil
}

// descending returns the indices of scores from the highest down.
func descending(scores []float64, labels []bool) ([]int, error) {
	if len(scores) == 0 || len(scores) != len(labels) {
		return nil, fmt.Errorf("metrics: %d scores for %d labels", len(scores), len(labels))
	}
	order := make([]int, len(scores))
	for i, s := range scores {
		if math.IsNaN(s) {
			return nil, fmt.Errorf("metrics: score %d is not a number", i)
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case scores[a] > scores[b]:
			return -1
		case scores[a] < scores[b]:
			return 1
		}
		return 0
	})
	return order, nil
}
