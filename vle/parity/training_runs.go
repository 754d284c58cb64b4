package parity

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/nn"
	"govle/vle/train"
)

// trainingRun is RUN.json: a fine-tuning from start_checkpoint, step by step.
type trainingRun struct {
	Start    string `json:"start_checkpoint"`
	Settings struct {
		LR    float64         `json:"lr"`
		Decay float64         `json:"wd"`
		Head  float64         `json:"mh"`
		Cross float64         `json:"mc"`
		Warm  float64         `json:"warm"`
		Total int             `json:"total"`
		End   float64         `json:"end"`
		Power json.RawMessage `json:"power"` // an exponent or "cosine"
		Clip  *float64        `json:"clip"`
		Accum int             `json:"accum"`
	} `json:"settings"`
	Groups []struct {
		Decay  float64  `json:"weight_decay"`
		LR     float64  `json:"lr"`
		Params []string `json:"params"`
	} `json:"groups"`
	Log []struct {
		Step   int                `json:"step"`
		Micro  int                `json:"micro"`
		Loss   float64            `json:"loss"`
		Labels [][]int            `json:"labels"`
		Scores [][]float32        `json:"scores"`
		Norm   *float64           `json:"grad_norm"`
		LRs    []float64          `json:"lrs"`
		L2     map[string]float64 `json:"param_l2_after"`
	} `json:"log"`
}

func (run *trainingRun) schedule() train.Schedule {
	s := train.Schedule{Kind: train.Polynomial, Warmup: run.Settings.Warm, End: run.Settings.End}
	if json.Unmarshal(run.Settings.Power, &s.Power) != nil {
		s.Kind = train.Cosine
	}
	return s
}

// inTraining is for what a training computes: errors of the weights grow from
// step to step.
var inTraining = tolerance{2e-5, 1e-4}

// checkTrainingRun trains the start checkpoint again on the recorded inputs.
func checkTrainingRun(ctx context.Context, c *check, path string) error {
	var run trainingRun
	if err := readJSON(path, &run); err != nil {
		return err
	}
	z, err := readNPZ(strings.TrimSuffix(path, ".json") + ".npz")
	if err != nil {
		return err
	}
	// The checkpoint lies beside the folder of the recordings.
	dir := filepath.Join(filepath.Dir(path), "..", filepath.FromSlash(run.Start))
	m, err := load(heads["vqa"], dir, "", vle.LoadOptions{Trainable: true})
	if err != nil {
		return err
	}
	defer m.Close()
	s := run.Settings
	params, err := train.Group(m.Parameterized, train.GroupOptions{LR: s.LR, WeightDecay: s.Decay, HeadLR: s.Head, CrossModalLR: s.Cross})
	if err != nil {
		return err
	}
	byName := map[string]*train.Parameter{}
	for _, p := range params {
		byName[p.Name] = p
	}
	compareGroups(c, &run, byName)
	schedule := run.schedule()
	noise := map[string]bool{}
	var grads [][]float32
	for i, l := range run.Log {
		if err := ctx.Err(); err != nil {
			return err
		}
		in := map[string]array{}
		prefix := fmt.Sprintf("s%d.%d.", l.Step, l.Micro)
		for name, a := range z {
			if rest, ok := strings.CutPrefix(name, prefix); ok {
				in[rest] = a
			}
		}
		b, err := makeBatch(in, "", nil, nil)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", path, prefix, err)
		}
		r := nn.NewGraphRun(false, 0)
		x, err := m.Parameterized.(*vle.VQA).Forward(r, b)
		if err != nil {
			return err
		}
		close(c, inTraining, prefix+"logits", nn.Floats(x), in["logits"].floats)
		targets, err := vle.VQATargets(l.Labels, l.Scores, x.Shape()[1])
		if err != nil {
			return err
		}
		loss := nn.BinaryCrossEntropy(r, x, targets, float32(x.Shape()[1]))
		close(c, inTraining, prefix+"loss", nn.Floats(loss), []float64{l.Loss})
		if err := nn.Backward(loss, 1/float32(max(1, s.Accum))); err != nil {
			return err
		}
		if l.Norm == nil {
			continue // more micro-batches to come
		}
		grads = takeGradients(m.Parameterized)
		limit := math.Inf(1)
		if s.Clip != nil {
			limit = *s.Clip
		}
		markNoise(params, grads, noise)
		close(c, inTraining, prefix+"gradient norm", []float64{train.Clip(grads, limit)}, []float64{*l.Norm})
		factor := schedule.Factor(l.Step, s.Total, s.LR)
		for k, g := range run.Groups {
			close(c, inTraining, fmt.Sprintf("step %d: learning rate of group %d", l.Step, k), []float64{g.LR * factor}, []float64{l.LRs[k]})
		}
		train.AdamW{}.Step(params, grads, factor)
		for _, name := range slices.Sorted(maps.Keys(l.L2)) {
			if p := byName[name]; p == nil {
				c.miss("parameter %s is recorded and the model lacks it", name)
			} else if !noise[name] {
				close(c, inTraining, fmt.Sprintf("step %d: norm of %s", l.Step, name), []float64{train.Norm([][]float32{p.Value})}, []float64{l.L2[name]})
			}
		}
		compareAfter(c, z, fmt.Sprintf("s%d.after.", l.Step), byName, noise)
		if i == len(run.Log)-1 {
			compareFinal(c, z, m.Parameterized.(*vle.VQA), b, byName)
		}
	}
	return nil
}

// takeGradients takes the gradients in the order of train.Group.
func takeGradients(m vle.Parameterized) [][]float32 {
	var out [][]float32
	m.Visit(func(_ string, _ []int, p **spago.Param) {
		var g []float32
		if (*p).HasGrad() {
			g = nn.Floats((*p).Grad())
			(*p).ZeroGrad()
		}
		out = append(out, g)
	})
	return out
}

// markNoise marks the parameters whose gradient is zero but for rounding, such
// as the bias of attention keys: Adam makes steps of full length of it, in
// directions that no two programs share. Nothing the model computes depends on
// their values.
func markNoise(params []*train.Parameter, grads [][]float32, noise map[string]bool) {
	most := 0.0
	for _, g := range grads {
		most = max(most, largest(g))
	}
	for i, g := range grads {
		if largest(g) <= 1e-6*most {
			noise[params[i].Name] = true
		}
	}
}

func compareGroups(c *check, run *trainingRun, byName map[string]*train.Parameter) {
	n := 0
	for _, g := range run.Groups {
		for _, name := range g.Params {
			n++
			p := byName[name]
			c.item(p != nil && math.Abs(p.LR-g.LR) <= 1e-9*g.LR && p.Decay == g.Decay, "%s: %+v, recorded learning rate %g and decay %g", name, p, g.LR, g.Decay)
		}
	}
	c.item(n == len(byName), "%d parameters, recorded %d", len(byName), n)
}

// compareAfter compares the parameters recorded after a step element by element.
func compareAfter(c *check, z map[string]array, prefix string, byName map[string]*train.Parameter, noise map[string]bool) {
	for _, key := range sortedKeys(z) {
		name, ok := strings.CutPrefix(key, prefix)
		if !ok || noise[name] {
			continue
		}
		want := z[key]
		if name == "word_embeddings_rows0_40" {
			rows := byName["vle.text_model.embeddings.word_embeddings.weight"]
			close(c, inTraining, key, rows.Value[:len(want.floats)], want.floats)
			continue
		}
		if p := byName[name]; p == nil {
			c.miss("%s: the model has no such parameter", key)
		} else {
			close(c, inTraining, key, p.Value, want.floats)
		}
	}
}

// compareFinal compares the logits that the trained model gives for the last
// inputs, and the optimiser's moments.
func compareFinal(c *check, z map[string]array, m *vle.VQA, b *vle.Batch, byName map[string]*train.Parameter) {
	r := nn.NewRun()
	defer r.Close()
	var x mat.Tensor
	x, err := m.Forward(r, b)
	if err != nil {
		c.miss("final logits: %v", err)
		return
	}
	close(c, inTraining, "final.logits", nn.Floats(x), z["final.logits"].floats)
	for _, key := range sortedKeys(z) {
		for prefix, pick := range map[string]func(m, v []float32) []float32{
			"final.exp_avg.":    func(m, _ []float32) []float32 { return m },
			"final.exp_avg_sq.": func(_, v []float32) []float32 { return v },
		} {
			if name, ok := strings.CutPrefix(key, prefix); ok {
				p := byName[name]
				if p == nil {
					c.miss("%s: the model has no such parameter", key)
					continue
				}
				close(c, inTraining, key, pick(p.Moments()), z[key].floats)
			}
		}
	}
}

// checkSchedules holds schedules.json, learning rates by step: KIND_wW_tT, with
// _endE for the rate it falls to, KIND being cosine or poly and its exponent.
func checkSchedules(c *check, path string) error {
	var rec struct {
		Base float64              `json:"base_lr"`
		LRs  map[string][]float64 `json:"lr_per_step"`
	}
	if err := readJSON(path, &rec); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(rec.LRs)) {
		s := train.Schedule{Kind: train.Polynomial}
		total := 0
		for i, part := range strings.Split(name, "_") {
			var err error
			switch {
			case i == 0 && part == "cosine":
				s.Kind = train.Cosine
			case strings.HasPrefix(part, "poly"):
				_, err = fmt.Sscanf(part, "poly%g", &s.Power)
			case strings.HasPrefix(part, "w"):
				_, err = fmt.Sscanf(part, "w%g", &s.Warmup)
			case strings.HasPrefix(part, "t"):
				_, err = fmt.Sscanf(part, "t%d", &total)
			case strings.HasPrefix(part, "end"):
				_, err = fmt.Sscanf(part, "end%g", &s.End)
			default:
				err = fmt.Errorf("unknown")
			}
			if err != nil {
				return fmt.Errorf("%s: %q: %q: %w", path, name, part, err)
			}
		}
		got := make([]float64, len(rec.LRs[name]))
		for step := range got {
			got[step] = rec.Base * s.Factor(step, total, rec.Base)
		}
		close(c, tolerance{1e-12, 1e-9}, name, got, rec.LRs[name])
	}
	return nil
}
