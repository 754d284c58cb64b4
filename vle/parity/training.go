package parity

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"govle/vle"
	"govle/vle/checkpoint"
	"govle/vle/nn"
)

// notYet are recordings that are known and wait for what they record.
var notYet = map[string]string{
	"get_score.json":         "soft scores of annotators' answers",
	"normalize_word.jsonl":   "normalisation of annotators' answers",
	"vqa_eval_official.json": "the official VQA evaluation",
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
		why := notYet[name]
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

// findQuirks finds quirks.json, behaviours of the reference that were tried out.
// Those with a counterpart that files alone decide are run: which parameters are
// missing or left over when a head's weights meet another model.
func findQuirks(f *folder) []testCase {
	if !f.has["quirks.json"] {
		return nil
	}
	path := f.path("quirks.json")
	var cases []testCase
	for _, q := range []struct{ name, weights, model string }{
		{"base_checkpoint_into_vqa_head", "base", "vqa"},
		{"vqa_checkpoint_into_base", "vqa", "base"},
	} {
		cases = append(cases, testCase{name: f.caseName("quirks/" + q.name), run: func(_ context.Context, c *check) error {
			var quirks map[string]struct {
				Result json.RawMessage `json:"result"` // of its own type for each
			}
			if err := readJSON(path, &quirks); err != nil {
				return err
			}
			var recorded struct {
				Missing    []string `json:"missing_keys"`
				Unexpected []string `json:"unexpected_keys"`
			}
			if err := json.Unmarshal(quirks[q.name].Result, &recorded); err != nil {
				return fmt.Errorf("reading %s: %q: %w", path, q.name, err)
			}
			models, err := filepath.Glob(filepath.Join(f.dir, "model-*", "ckpt-"+q.model))
			if err != nil || len(models) == 0 {
				return fmt.Errorf("no model-*/ckpt-%s beside quirks.json", q.model)
			}
			for _, dir := range models {
				rep, err := loadInto(heads[q.model], dir, filepath.Join(filepath.Dir(dir), "ckpt-"+q.weights))
				if err != nil {
					return err
				}
				same(c, dir+": missing", sorted(rep.Missing), sorted(recorded.Missing))
				same(c, dir+": unexpected", sorted(rep.Unexpected), sorted(recorded.Unexpected))
			}
			return nil
		}})
	}
	return cases
}

func sorted(names []string) []string { return slices.Sorted(slices.Values(names)) }

// loadInto loads the weights of one folder into the model of another.
func loadInto(h head, dir, weights string) (*vle.LoadReport, error) {
	cfg, err := vle.ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	m, err := h.open(cfg)
	if err != nil {
		return nil, err
	}
	store, err := checkpoint.Open(weights)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	return vle.Load(m, store, vle.LoadOptions{Fresh: true})
}
