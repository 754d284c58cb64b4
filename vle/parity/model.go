package parity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/checkpoint"
	"govle/vle/nn"
)

// findModel finds a head's folder: params.json, case_*.npz and grad_*, beside
// ckpt-HEAD/ with the weights.
func findModel(f *folder) []testCase {
	files := slices.DeleteFunc(f.names(".npz"), func(n string) bool { return !strings.HasPrefix(n, "case_") })
	if len(files) == 0 {
		return nil
	}
	name := filepath.Base(f.dir)
	ckpt := filepath.Join(filepath.Dir(f.dir), "ckpt-"+name)
	h, known := heads[name]
	var cases []testCase
	add := func(label string, run func(c *check) error) {
		tc := testCase{name: f.caseName(label)}
		if known {
			tc.run = func(_ context.Context, c *check) error { return run(c) }
		} else {
			tc.unsupported = fmt.Sprintf("head %q", name)
		}
		cases = append(cases, tc)
	}
	if f.has["params.json"] {
		add("params.json", func(c *check) error { return checkParams(c, h, f.path("params.json"), ckpt) })
	}
	for _, file := range files {
		f.path(file)
		label := strings.TrimSuffix(file, ".npz")
		add(label, func(c *check) error { return checkModel(c, h, f, label, ckpt) })
	}
	for _, file := range f.names(".norms.json") {
		stem := strings.TrimSuffix(file, ".norms.json")
		f.path(stem + ".npz")
		f.path("grad_weight.npz")
		add(stem, func(c *check) error { return checkGradients(c, h, f, stem, ckpt) })
	}
	return cases
}

// loaded is a model with the file that its parameters are views of.
type loaded struct {
	vle.Parameterized
	store *checkpoint.Store
}

func (l loaded) Close() error { return l.store.Close() }

// load opens a model folder's configuration and one of its weight files, or
// the usual one for "".
func load(h head, dir, weights string, opts vle.LoadOptions) (loaded, error) {
	cfg, err := vle.ReadConfig(dir)
	if err != nil {
		return loaded{}, err
	}
	m, err := h.open(cfg)
	if err != nil {
		return loaded{}, err
	}
	store, err := checkpoint.Open(filepath.Join(dir, weights))
	if err != nil {
		return loaded{}, err
	}
	rep, err := vle.Load(m, store, opts)
	if err == nil && len(rep.Missing)+len(rep.Unexpected) > 0 {
		err = fmt.Errorf("the weights in %s do not fit: %s", store.Path(), rep)
	}
	if err != nil {
		store.Close()
		return loaded{}, err
	}
	return loaded{m, store}, nil
}

// checkParams holds the recorded names and shapes against the weight file and
// against what the model asks for.
func checkParams(c *check, h head, path, ckpt string) error {
	var recorded map[string]struct {
		Shape []int `json:"shape"`
	}
	if err := readJSON(path, &recorded); err != nil {
		return err
	}
	m, err := load(h, ckpt, "", vle.LoadOptions{})
	if err != nil {
		return err
	}
	defer m.Close()
	names := sortedKeys(recorded)
	same(c, "names in the file", m.store.Names(), names)
	for _, name := range names {
		same(c, name+": shape in the file", m.store.Shape(name), recorded[name].Shape)
	}
	m.Visit(func(name string, shape []int, _ **spago.Param) {
		p, ok := recorded[name]
		c.item(ok, "%s: the model has it, the reference does not", name)
		if ok {
			same(c, name+": shape in the model", shape, p.Shape)
		}
	})
	return nil
}

// caseInfo is what case_C.json says beside the arrays. For the multiple-choice
// heads, Boxes and Types have one more level outside: the choice.
type caseInfo struct {
	Boxes json.RawMessage `json:"patch_ids"`
	Types json.RawMessage `json:"extend_token_type_ids"`

	VQALabels [][]int     `json:"vqa_labels"`
	VQAScores [][]float32 `json:"vqa_scores"`
	ITMLabels []int       `json:"itm_labels"`
	PBCLabels [][]int     `json:"pbc_labels"`
	MLMLabels [][]int     `json:"mlm_labels"`
	Labels    []int       `json:"labels"` // of the choices
}

// readCase reads case_C.npz and case_C.json, which may be absent.
func readCase(f *folder, label string) (map[string]array, *caseInfo, error) {
	info := &caseInfo{}
	z, err := readNPZ(f.path(label + ".npz"))
	if err != nil {
		return nil, nil, err
	}
	if err := readJSON(f.path(label+".json"), info); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	return z, info, nil
}

// makeBatches builds the input of a case: one batch, or one a choice from the
// arrays in.input_ids.0, in.input_ids.1 and so on.
func makeBatches(z map[string]array, info *caseInfo) ([]*vle.Batch, error) {
	if _, ok := z["in.input_ids"]; ok {
		b, err := makeBatch(z, "", info.Boxes, info.Types)
		return []*vle.Batch{b}, err
	}
	var boxes, types []json.RawMessage
	if err := errors.Join(unmarshal(info.Boxes, &boxes), unmarshal(info.Types, &types)); err != nil {
		return nil, fmt.Errorf("patch_ids, extend_token_type_ids: %w", err)
	}
	var out []*vle.Batch
	for {
		i := len(out)
		suffix := fmt.Sprintf(".%d", i)
		if _, ok := z["in.input_ids"+suffix]; !ok {
			break
		}
		var bx, ty json.RawMessage
		if i < len(boxes) && i < len(types) {
			bx, ty = boxes[i], types[i]
		}
		b, err := makeBatch(z, suffix, bx, ty)
		if err != nil {
			return nil, fmt.Errorf("choice %d: %w", i, err)
		}
		out = append(out, b)
	}
	if len(out) == 0 {
		return nil, errors.New("no array in.input_ids")
	}
	return out, nil
}

// unmarshal is json.Unmarshal that takes nothing for null.
func unmarshal(raw json.RawMessage, v any) error {
	if len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, v)
}

func makeBatch(z map[string]array, suffix string, boxes, types json.RawMessage) (*vle.Batch, error) {
	b := &vle.Batch{Pixels: z["in.pixel_values"].float32s()}
	for name, to := range map[string]*[][]int{"input_ids": &b.IDs, "attention_mask": &b.Mask, "token_type_ids": &b.TypeIDs} {
		a, ok := z["in."+name+suffix]
		if !ok {
			continue
		}
		rows, err := a.rows()
		if err != nil {
			return nil, fmt.Errorf("in.%s%s: %w", name, suffix, err)
		}
		*to = rows
	}
	var both [2][][]int // of the boxes, of the text
	if err := errors.Join(unmarshal(boxes, &b.Boxes), unmarshal(types, &both)); err != nil {
		return nil, fmt.Errorf("patch_ids, extend_token_type_ids: %w", err)
	}
	b.BoxTypes, b.TextTypes = both[0], both[1]
	return b, nil
}

// rows cuts a matrix of whole numbers into its rows.
func (a array) rows() ([][]int, error) {
	if len(a.shape) != 2 || len(a.ints) != a.shape[0]*a.shape[1] {
		return nil, fmt.Errorf("an array of shape %v is no matrix of whole numbers", a.shape)
	}
	flat := a.asInts()
	var out [][]int
	for i := range a.shape[0] {
		out = append(out, flat[i*a.shape[1]:(i+1)*a.shape[1]])
	}
	return out, nil
}

// shown collects what a watched run computes.
type shown map[string]array

func (s shown) watch(name string, shape []int, data []float32) {
	a := array{shape: slices.Clone(shape), floats: make([]float64, len(data))}
	for i, v := range data {
		a.floats[i] = float64(v)
	}
	s[name] = a
}

// checkModel runs one case, once watched to compare every recorded array and
// once as users do, without padding and with buffers reused, which may change
// nothing.
func checkModel(c *check, h head, f *folder, label, ckpt string) error {
	z, info, err := readCase(f, label)
	if err != nil {
		return err
	}
	weights := ""
	if stem, typ, ok := weightsOf(label); ok {
		weights = "model." + typ + ".safetensors"
		if err := takeInputs(f, stem, z, info); err != nil {
			return err
		}
	}
	m, err := load(h, ckpt, weights, vle.LoadOptions{})
	if err != nil {
		return err
	}
	defer m.Close()
	if size, ok := z["image_size"]; ok {
		if err := h.body(m.Parameterized).ResizeImages(int(size.ints[0])); err != nil {
			return err
		}
	}
	batches, err := makeBatches(z, info)
	if err != nil {
		return err
	}

	got := shown{}
	m.Visit(func(name string, _ []int, p **spago.Param) {
		if strings.HasSuffix(name, "position_embedding.weight") {
			got.watch("position_embedding", nil, nn.Floats(*p))
		}
	})
	watched := nn.NewRun().WithWatch(got.watch)
	defer watched.Close()
	x, err := h.run(m.Parameterized, watched, batches)
	if err != nil {
		return err
	}
	got.watch("logits", nil, nn.Floats(x))
	compareArrays(c, z, got)

	plain := nn.NewRun()
	defer plain.Close()
	if x, err = h.run(m.Parameterized, plain, batches); err != nil {
		return err
	}
	for _, name := range []string{"out.logits", "out.pooler_output"} {
		if a, ok := z[name]; ok {
			close(c, closely, name+", not watched", nn.Floats(x), a.floats)
		}
	}
	if a, ok := z["out.loss"]; ok && h.loss != nil {
		_, loss, err := h.loss(plain, x, info)
		if err != nil {
			return err
		}
		close(c, closely, "out.loss", []float64{loss}, a.floats)
	}
	return nil
}

// weightsOf splits case_pad3_fp16_weights into case_pad3 and fp16.
func weightsOf(label string) (stem, typ string, ok bool) {
	label, ok = strings.CutSuffix(label, "_weights")
	if i := strings.LastIndexByte(label, '_'); ok && i > 0 {
		return label[:i], label[i+1:], true
	}
	return "", "", false
}

// takeInputs gives a case without inputs those of another one.
func takeInputs(f *folder, from string, z map[string]array, info *caseInfo) error {
	if _, ok := z["in.input_ids"]; ok {
		return nil
	}
	other, otherInfo, err := readCase(f, from)
	if err != nil {
		return err
	}
	for name, a := range other {
		if strings.HasPrefix(name, "in.") {
			z[name] = a
		}
	}
	*info = *otherInfo
	return nil
}

// compareArrays compares the recorded arrays mid.* and out.* (of a choice:
// mid.0.*) with what a run has shown. The body's results are recorded as out.X
// where the model is the bare body and as mid.vle.X inside a head.
func compareArrays(c *check, z map[string]array, got shown) {
	names := make([]string, 0, len(z))
	for name := range z {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, "mid.")
		if !ok {
			rest, ok = strings.CutPrefix(name, "out.")
		}
		if !ok || rest == "loss" {
			continue
		}
		a, ok := got[rest]
		if !ok {
			choice, bare, isChoice := strings.Cut(rest, ".")
			if isChoice {
				a, ok = got[choice+".vle."+bare]
			} else {
				a, ok = got["vle."+rest]
			}
		}
		switch want := z[name]; {
		case !ok:
			c.miss("%s: the model shows no such array", name)
		case a.shape != nil && !slices.Equal(a.shape, want.shape):
			c.miss("%s: shape %v, recorded %v", name, a.shape, want.shape)
		default:
			close(c, closely, name, a.floats, want.floats)
		}
	}
}
