package parity

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"govle/vle/nn"
)

// elsewhere are recordings of what no model computes, which need a Kind of the
// caller's.
var elsewhere = map[string]string{
	"get_score.json":         "soft scores of annotators' answers: run govle parity",
	"normalize_word.jsonl":   "normalisation of annotators' answers: run govle parity",
	"vqa_eval_official.json": "the official VQA evaluation: run govle parity",
}

// findTraining finds losses.npz, schedules.json and training runs (X.json with
// its X.npz whose start is a checkpoint), and lists what else belongs to them.
func findTraining(f *folder) []testCase {
	var cases []testCase
	if f.has["losses.npz"] {
		path := f.path("losses.npz")
		cases = append(cases, testCase{name: f.caseName("losses.npz"), run: func(_ context.Context, c *check) error { return checkLosses(c, path) }})
	}
	if f.has["schedules.json"] {
		path := f.path("schedules.json")
		cases = append(cases, testCase{name: f.caseName("schedules.json"), run: func(_ context.Context, c *check) error { return checkSchedules(c, path) }})
	}
	for _, name := range append(f.names(".json"), f.names(".jsonl")...) {
		why := elsewhere[name]
		if f.opts.Kinds[name] != nil {
			continue
		}
		if stem := strings.TrimSuffix(name, ".json"); why == "" && f.has[stem+".npz"] {
			var run struct {
				Start string `json:"start_checkpoint"`
			}
			if err := readJSON(filepath.Join(f.dir, name), &run); err == nil && run.Start != "" {
				path := f.path(name)
				f.path(stem + ".npz")
				cases = append(cases, testCase{name: f.caseName(name), run: func(ctx context.Context, c *check) error { return checkTrainingRun(ctx, c, path) }})
			}
		}
		if why != "" {
			f.path(name)
			cases = append(cases, testCase{name: f.caseName(name), unsupported: why})
		}
	}
	return cases
}

// checkLosses: logits and targets [rows × classes], bce_times_labels of both,
// and cross_entropy_…_labels_A_B_C of the logits, a class a row, m100 for −100.
func checkLosses(c *check, path string) error {
	z, err := readNPZ(path)
	if err != nil {
		return err
	}
	logits, targets := z["logits"], z["targets"]
	if len(logits.shape) != 2 || len(targets.floats) != len(logits.floats) {
		return fmt.Errorf("%s: logits of shape %v, targets of shape %v", path, logits.shape, targets.shape)
	}
	r := nn.NewRun()
	defer r.Close()
	x := nn.Dense(logits.shape[0], logits.shape[1], logits.float32s())
	for _, name := range sortedKeys(z) {
		_, list, isCE := strings.Cut(name, "_labels_")
		switch {
		case name == "bce_times_labels":
			close(c, closely, name, nn.Floats(nn.BinaryCrossEntropy(r, x, targets.float32s(), float32(logits.shape[1]))), z[name].floats)
		case strings.HasPrefix(name, "cross_entropy") && isCE:
			var classes []int
			for _, s := range strings.Split(list, "_") {
				n, err := strconv.Atoi(strings.Replace(s, "m", "-", 1))
				if err != nil {
					return fmt.Errorf("%s: array %q does not end in a list of classes", path, name)
				}
				classes = append(classes, n)
			}
			close(c, closely, name, nn.Floats(nn.CrossEntropy(r, x, classes)), z[name].floats)
		}
	}
	return nil
}
