package parity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/checkpoint"
	"govle/vle/nn"
)

// quirk is a behaviour of the reference that was tried out: what came of it, or
// the error.
type quirk struct {
	OK     bool            `json:"ok"`
	Result json.RawMessage `json:"result"` // of its own type for each
}

// findQuirks finds quirks.json beside model-tiny. Where the reference gives a
// result, it is held as far as the recording tells what led to it; where it
// fails, ours gives the result that was meant or an error that says what to do.
// A quirk that quirkChecks does not know is listed as such.
func findQuirks(f *folder) []testCase {
	if !f.has["quirks.json"] {
		return nil
	}
	path := f.path("quirks.json")
	var quirks map[string]quirk
	if err := readJSON(path, &quirks); err != nil {
		return []testCase{{name: f.caseName("quirks.json"), run: func(context.Context, *check) error { return err }}}
	}
	var cases []testCase
	for _, name := range sortedKeys(quirks) {
		tc := testCase{name: f.caseName("quirks/" + name)}
		if run := quirkChecks[name]; run != nil {
			tc.run = func(_ context.Context, c *check) error {
				p, err := newQuirkProbe(f, c, quirks[name])
				if err != nil {
					return err
				}
				defer p.close()
				return run(p)
			}
		} else {
			tc.unsupported = "this behaviour"
		}
		cases = append(cases, tc)
	}
	return cases
}

// quirkProbe is what the checks share: one question to a model with a VQA head.
type quirkProbe struct {
	*check
	quirk
	f     *folder
	vqa   loaded
	batch *vle.Batch
	plain []float64 // its recorded logits
	info  *caseInfo
}

const quirkModel = "model-tiny"

func newQuirkProbe(f *folder, c *check, q quirk) (*quirkProbe, error) {
	z, info, err := readCase(f, quirkModel+"/vqa/case_single")
	if err != nil {
		return nil, err
	}
	bs, err := makeBatches(z, info)
	if err != nil {
		return nil, err
	}
	m, err := load(heads["vqa"], f.path(quirkModel+"/ckpt-vqa"), "", vle.LoadOptions{})
	if err != nil {
		return nil, err
	}
	return &quirkProbe{c, q, f, m, bs[0], z["out.logits"].floats, info}, nil
}

func (p *quirkProbe) close() { p.vqa.Close() }

// result reads what the reference gave.
func (p *quirkProbe) result(v any) error {
	if !p.OK {
		return errors.New("the reference's result is asked for, and it gave none")
	}
	return json.Unmarshal(p.Result, v)
}

// logits asks the question with a change.
func (p *quirkProbe) logits(change func(*vle.Batch)) ([]float32, error) {
	b := *p.batch
	change(&b)
	r := nn.NewRun()
	defer r.Close()
	y, err := p.vqa.Parameterized.(*vle.VQA).Forward(r, &b)
	if err != nil {
		return nil, err
	}
	return slices.Clone(nn.Floats(y)), nil
}

// asPlain is for changes that must change nothing.
func asPlain(change func(*vle.Batch)) func(*quirkProbe) error {
	return func(p *quirkProbe) error {
		y, err := p.logits(change)
		if err == nil {
			close(p.check, closely, "logits", y, p.plain)
		}
		return err
	}
}

// refused is for changes that are an error in both; ours says why.
func refused(says string, change func(*vle.Batch)) func(*quirkProbe) error {
	return func(p *quirkProbe) error {
		_, err := p.logits(change)
		p.item(!p.OK, "the reference takes it")
		p.item(err != nil && strings.Contains(err.Error(), says), "the error is %v, not one that says %q", err, says)
		return nil
	}
}

// finite is for changes whose recorded results were of other inputs: ours are
// as many numbers.
func finite(change func(*vle.Batch)) func(*quirkProbe) error {
	return func(p *quirkProbe) error {
		y, err := p.logits(change)
		if err != nil {
			return err
		}
		p.item(p.OK && len(y) == len(p.plain), "%d logits of %d", len(y), len(p.plain))
		for i, v := range y {
			p.item(!math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0), "logit %d is %v", i, v)
		}
		return nil
	}
}

// shapes compares with recorded shapes.
func (p *quirkProbe) shapes(got [][]int) error {
	var want [][]int
	if err := p.result(&want); err != nil {
		return err
	}
	p.item(len(got) == len(want), "%d results, recorded %d", len(got), len(want))
	for i := range min(len(got), len(want)) {
		same(p.check, fmt.Sprintf("shape %d", i), got[i], want[i])
	}
	return nil
}

// body runs the bare body over a batch.
func (p *quirkProbe) body(b *vle.Batch, f func(*vle.Output) error) error {
	r := nn.NewRun()
	defer r.Close()
	out, err := p.vqa.Parameterized.(*vle.VQA).Body.Forward(r, b)
	if err != nil {
		return err
	}
	return f(out)
}

var twoBoxes = [][][]int{{{0, 1}, {5}}}

// untypedBoxes: boxes without token types get the types that VCR gives them.
func untypedBoxes(p *quirkProbe) error {
	typed, err := p.logits(func(b *vle.Batch) { b.Boxes, b.BoxTypes, b.TextTypes = twoBoxes, [][]int{{2, 3}}, [][]int{{0}} })
	if err != nil {
		return err
	}
	untyped, err := p.logits(func(b *vle.Batch) { b.Boxes = twoBoxes })
	if err != nil {
		return err
	}
	p.item(!p.OK, "the reference takes it")
	close(p.check, exact, "boxes without types", untyped, typed)
	p.item(!slices.Equal(untyped, slices.Clone(toFloat32(p.plain))), "boxes change nothing")
	return nil
}

func toFloat32(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

// quirkChecks are the checks by the recorded names.
var quirkChecks = map[string]func(*quirkProbe) error{
	"attention_mask_none":                     asPlain(func(b *vle.Batch) { b.Mask = nil }),
	"token_type_ids_none":                     asPlain(func(b *vle.Batch) { b.TypeIDs = nil }),
	"patch_ids_without_extend_token_type_ids": untypedBoxes,
	"vqa_with_patch_ids":                      untypedBoxes,
	"empty_patch_list_for_a_box":              refused("box 0 covers no patch", func(b *vle.Batch) { b.Boxes = [][][]int{{{}}} }),
	"no_boxes_at_all":                         asPlain(func(b *vle.Batch) { b.Boxes = [][][]int{{}} }),
	"no_boxes_equals_plain":                   noBoxes,
	"text_token_types_longer_than_text": refused("fusion token types", func(b *vle.Batch) {
		b.TextTypes = [][]int{make([]int, len(b.IDs[0])+2)}
	}),
	"wrong_image_size":                           refused("ResizeImages", func(b *vle.Batch) { b.Pixels = make([]float32, 3*40*40) }),
	"return_dict_false":                          func(p *quirkProbe) error { return p.shapes([][]int{{1, len(p.plain)}}) },
	"base_return_dict_false":                     bodyShapes,
	"all_text_masked":                            finite(func(b *vle.Batch) { b.Mask = [][]int{make([]int, len(b.IDs[0]))} }),
	"pbc_labels_B_N":                             patchLabels,
	"pbc_labels_B_2":                             twoPatchLabels,
	"vqa_loss_without_return_loss":               noLoss,
	"long_text_700_tokens":                       finite(longText),
	"duplicate_vqa_label_last_score_wins":        duplicateLabel,
	"id2label_as_list":                           labelList,
	"config_without_model_type":                  noModelType,
	"config_vision_model_type_clip_nested":       nestedVision,
	"config_mutates_passed_dict":                 configUnchanged,
	"config_round_trip":                          configRoundTrip,
	"mlm_tying":                                  mlmTying,
	"base_checkpoint_into_vqa_head":              loadedInto("base", "vqa"),
	"vqa_checkpoint_into_base":                   loadedInto("vqa", "base"),
	"processor_pixel_and_text":                   processorShapes,
	"processor_padding_max_length_no_truncation": paddedNotCut,
	"pad_token_embedding_row_is_masked_not_zero": padRow,
}

func longText(b *vle.Batch) {
	b.IDs, b.Mask, b.TypeIDs = [][]int{slices.Repeat([]int{7, 42, 301, 9}, 175)}, nil, nil
}

func noBoxes(p *quirkProbe) error {
	var equal bool
	if err := p.result(&equal); err != nil {
		return err
	}
	none, err := p.logits(func(b *vle.Batch) { b.Boxes = [][][]int{{}} })
	if err != nil {
		return err
	}
	plain, err := p.logits(func(*vle.Batch) {})
	if err != nil {
		return err
	}
	p.item(equal == slices.Equal(none, plain), "an empty list of boxes is the same as none: %v, recorded %v", !equal, equal)
	return nil
}

// bodyShapes: the recording's text had four tokens.
func bodyShapes(p *quirkProbe) error {
	b := &vle.Batch{IDs: [][]int{p.batch.IDs[0][:4]}, Pixels: p.batch.Pixels}
	return p.body(b, func(o *vle.Output) error {
		pooled, text, image := o.Pooled.Shape(), o.Text.Shape(), o.Image.Shape()
		return p.shapes([][]int{pooled, {1, text[0], text[1]}, {1, image[0], image[1]}})
	})
}

// patchLabels: a label for each patch, which the reference's loss refuses, is
// the mean over the patches.
func patchLabels(p *quirkProbe) error {
	x := []float32{0.5, -1, 2, 0.25, 0, 0, -3, 1}
	labels := []int{1, 0, 1, 1}
	want := 0.0
	for i, l := range labels {
		a, b := float64(x[2*i]), float64(x[2*i+1])
		want += (math.Log(math.Exp(a)+math.Exp(b)) - []float64{a, b}[l]) / float64(len(labels))
	}
	r := nn.NewRun()
	defer r.Close()
	p.item(!p.OK, "the reference takes it")
	close(p.check, closely, "loss", nn.Floats(nn.CrossEntropy(r, nn.Dense(len(labels), 2, x), labels)), []float64{want})
	return nil
}

// twoPatchLabels: labels of shape [items, 2], of other inputs than the recorded
// ones: the loss over the patches of a case.
func twoPatchLabels(p *quirkProbe) error {
	var recorded float64
	if err := p.result(&recorded); err != nil {
		return err
	}
	z, info, err := readCase(p.f, quirkModel+"/pbc/case_single")
	if err != nil {
		return err
	}
	var of struct {
		Loss float64 `json:"loss"`
	}
	if err := readJSON(p.f.path(quirkModel+"/pbc/case_single.json"), &of); err != nil {
		return err
	}
	x := z["out.logits"].float32s()
	close(p.check, closely, "loss", []float64{lossOverPatches(nn.Dense(len(x)/2, 2, x), info.PBCLabels)}, []float64{of.Loss})
	p.item(recorded > 0, "the recorded loss is %g", recorded)
	return nil
}

// noLoss: without labels there is no loss, only logits.
func noLoss(p *quirkProbe) error {
	p.item(string(p.Result) == "null", "the recorded loss is %s", p.Result)
	y, err := p.logits(func(*vle.Batch) {})
	if err == nil {
		close(p.check, closely, "logits", y, p.plain)
	}
	return err
}

// duplicateLabel: two losses were recorded, of a label given twice and of its
// last score alone.
func duplicateLabel(p *quirkProbe) error {
	var losses []float64
	if err := p.result(&losses); err != nil {
		return err
	}
	n := len(p.plain)
	twice, err := vle.VQATargets([][]int{{3, 5, 3}}, [][]float32{{0.3, 1, 0.9}}, n)
	if err != nil {
		return err
	}
	once, err := vle.VQATargets([][]int{{5, 3}}, [][]float32{{1, 0.9}}, n)
	if err != nil {
		return err
	}
	p.item(len(losses) == 2 && losses[0] == losses[1], "the recorded losses are %v", losses)
	same(p.check, "targets", twice, once)
	return nil
}

// changedConfig parses the model's config.json with a change.
func (p *quirkProbe) changedConfig(change func(map[string]any)) (*vle.Config, error) {
	var c map[string]any
	if err := readJSON(p.f.path(quirkModel+"/ckpt-vqa/config.json"), &c); err != nil {
		return nil, err
	}
	change(c)
	data, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	return vle.ParseConfig(data)
}

// labelList: the list of labels that the reference's own README shows, and its
// code refuses.
func labelList(p *quirkProbe) error {
	c, err := p.changedConfig(func(c map[string]any) { c["id2label"] = []string{"yes", "no", "2"} })
	if err != nil {
		return err
	}
	p.item(!p.OK, "the reference takes it")
	same(p.check, "labels", c.Labels, []string{"yes", "no", "2"})
	return nil
}

// noModelType: the reference needs the name of its own model.
func noModelType(p *quirkProbe) error {
	c, err := p.changedConfig(func(c map[string]any) { delete(c, "model_type") })
	if err == nil {
		p.item(!p.OK && c.HiddenSize > 0, "a configuration of width %d", c.HiddenSize)
	}
	return err
}

// nestedVision: of a whole CLIP configuration the vision part is taken.
func nestedVision(p *quirkProbe) error {
	var recorded int
	if err := p.result(&recorded); err != nil {
		return err
	}
	c, err := p.changedConfig(func(c map[string]any) {
		v := c["vision_config"].(map[string]any)
		v["intermediate_size"] = recorded
		c["vision_config"] = map[string]any{"model_type": "clip", "vision_config": v, "text_config": map[string]any{"intermediate_size": recorded + 1}}
	})
	if err == nil {
		same(p.check, "the vision part's value", []int{c.Vision.IntermediateSize}, []int{recorded})
	}
	return err
}

// configUnchanged: reading a configuration changes nothing of what is read.
func configUnchanged(p *quirkProbe) error {
	var changed []string
	if err := p.result(&changed); err != nil {
		return err
	}
	c, err := vle.ReadConfig(p.f.path(quirkModel + "/ckpt-vqa"))
	if err != nil {
		return err
	}
	before, err := json.Marshal(c)
	if err != nil {
		return err
	}
	copied := slices.Clone(before)
	if _, err := vle.ParseConfig(before); err != nil {
		return err
	}
	p.item(slices.Equal(before, copied) == (len(changed) == 0), "the configuration's text was changed")
	return nil
}

func configRoundTrip(p *quirkProbe) error {
	var recorded struct {
		Equal bool `json:"equal"`
	}
	if err := p.result(&recorded); err != nil {
		return err
	}
	c, err := vle.ReadConfig(p.f.path(quirkModel + "/ckpt-vqa"))
	if err != nil {
		return err
	}
	first, err := json.Marshal(c)
	if err != nil {
		return err
	}
	again, err := vle.ParseConfig(first)
	if err != nil {
		return err
	}
	second, err := json.Marshal(again)
	if err != nil {
		return err
	}
	p.item(slices.Equal(first, second) == recorded.Equal, "written and read again: %.200s, was %.200s", second, first)
	return nil
}

// mlmTying: the head's names, and which of them are one parameter.
func mlmTying(p *quirkProbe) error {
	var recorded struct {
		Tied       bool     `json:"tied_after_tie_weights"`
		BiasShared bool     `json:"bias_shared"`
		Keys       []string `json:"keys"`
	}
	if err := p.result(&recorded); err != nil {
		return err
	}
	m, err := load(heads["mlm"], p.f.path(quirkModel+"/ckpt-mlm"), "", vle.LoadOptions{})
	if err != nil {
		return err
	}
	defer m.Close()
	var keys []string
	at := map[string]*spago.Param{}
	m.Visit(func(name string, _ []int, param **spago.Param) {
		at[name] = *param
		if strings.HasPrefix(name, "mlm_score") {
			keys = append(keys, name)
		}
	})
	same(p.check, "keys", sorted(keys), sorted(recorded.Keys))
	const decoder = "mlm_score.1.predictions."
	p.item((at[decoder+"decoder.weight"] == at["vle.text_model.embeddings.word_embeddings.weight"]) == recorded.Tied, "the decoder's weight is not tied as recorded")
	p.item((at[decoder+"decoder.bias"] == at[decoder+"bias"]) == recorded.BiasShared, "the bias is not shared as recorded")
	return nil
}

// loadedInto: which parameters are missing or left over when the weights of one
// head meet another model, of every kind.
func loadedInto(weights, model string) func(*quirkProbe) error {
	return func(p *quirkProbe) error {
		var recorded struct {
			Missing    []string `json:"missing_keys"`
			Unexpected []string `json:"unexpected_keys"`
		}
		if err := p.result(&recorded); err != nil {
			return err
		}
		models, err := filepath.Glob(filepath.Join(p.f.dir, "model-*", "ckpt-"+model))
		if err != nil || len(models) == 0 {
			return fmt.Errorf("no model-*/ckpt-%s beside quirks.json", model)
		}
		for _, dir := range models {
			rep, err := loadInto(heads[model], dir, filepath.Join(filepath.Dir(dir), "ckpt-"+weights))
			if err != nil {
				return err
			}
			same(p.check, dir+": missing", sorted(rep.Missing), sorted(recorded.Missing))
			same(p.check, dir+": unexpected", sorted(rep.Unexpected), sorted(recorded.Unexpected))
		}
		return nil
	}
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
