package vle

import "fmt"

// VQATargets returns the soft targets [items × classes] of VQA's loss: each
// item's score at each of its labels, 0 elsewhere. A label given twice keeps
// its last score, as in the reference.
func VQATargets(labels [][]int, scores [][]float32, classes int) ([]float32, error) {
	if len(labels) != len(scores) {
		return nil, fmt.Errorf("vle: labels of %d items, scores of %d", len(labels), len(scores))
	}
	t := make([]float32, len(labels)*classes)
	for i := range labels {
		if len(labels[i]) != len(scores[i]) {
			return nil, fmt.Errorf("vle: item %d has %d labels and %d scores", i, len(labels[i]), len(scores[i]))
		}
		for j, l := range labels[i] {
			if l < 0 || l >= classes {
				return nil, fmt.Errorf("vle: item %d: label %d is outside the %d answers", i, l, classes)
			}
			t[i*classes+l] = scores[i][j]
		}
	}
	return t, nil
}
