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

	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/checkpoint"
	"govle/vle/nn"
)

// head is how one kind of model is opened and run. Forward gives the body's
// output and, but for the bare body, the head's logits.
type head struct {
	open    func(*vle.Config) (vle.Parameterized, error)
	forward func(m vle.Parameterized, r *nn.Run, b *vle.Batch) (*vle.Output, mat.Tensor, error)
	body    func(m vle.Parameterized) *vle.Model
}

// heads are the folders' names below a model's.
var heads = map[string]head{
	"base": {
		open: func(c *vle.Config) (vle.Parameterized, error) { return vle.NewModel(c) },
		forward: func(m vle.Parameterized, r *nn.Run, b *vle.Batch) (*vle.Output, mat.Tensor, error) {
			out, err := m.(*vle.Model).Forward(r, b)
			return out, nil, err
		},
		body: func(m vle.Parameterized) *vle.Model { return m.(*vle.Model) },
	},
	"vqa": {
		open: func(c *vle.Config) (vle.Parameterized, error) { return vle.NewVQA(c) },
		forward: func(m vle.Parameterized, r *nn.Run, b *vle.Batch) (*vle.Output, mat.Tensor, error) {
			v := m.(*vle.VQA)
			out, err := v.Body.Forward(r, b)
			if err != nil {
				return nil, nil, err
			}
			return out, v.Head.Forward(r, out.Pooled), nil
		},
		body: func(m vle.Parameterized) *vle.Model { return m.(*vle.VQA).Body },
	},
}

// findModel finds a head's folder: params.json and case_*.npz, beside
// ckpt-HEAD/ with the weights.
func findModel(f *folder) []testCase {
	files := f.names(".npz")
	files = slices.DeleteFunc(files, func(n string) bool { return !strings.HasPrefix(n, "case_") })
	if len(files) == 0 {
		return nil
	}
	name := filepath.Base(f.dir)
	ckpt := filepath.Join(filepath.Dir(f.dir), "ckpt-"+name)
	h, known := heads[name]
	var cases []testCase
	add := func(label string, run func(ctx context.Context, c *check) error) {
		tc := testCase{name: f.caseName(label), run: run}
		if !known {
			tc.run, tc.unsupported = nil, fmt.Sprintf("head %q", name)
		}
		cases = append(cases, tc)
	}
	if f.has["params.json"] {
		add("params.json", func(_ context.Context, c *check) error { return checkParams(c, h, f.path("params.json"), ckpt) })
	}
	for _, file := range files {
		f.path(file)
		label := strings.TrimSuffix(file, ".npz")
		if strings.HasPrefix(name, "vcr") {
			add(label, func(_ context.Context, c *check) error { return checkChoices(c, h, f, label, ckpt) })
			continue
		}
		add(label, func(_ context.Context, c *check) error { return checkModel(c, h, f, label, ckpt) })
	}
	return append(cases, findGradients(f, h, known, ckpt)...)
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

// checkParams holds the recorded names, shapes and types against the weight
// file and against what the model asks for.
func checkParams(c *check, h head, path, ckpt string) error {
	var recorded map[string]struct {
		Shape []int  `json:"shape"`
		DType string `json:"dtype"`
	}
	if err := readJSON(path, &recorded); err != nil {
		return err
	}
	m, err := load(h, ckpt, "", vle.LoadOptions{})
	if err != nil {
		return err
	}
	defer m.Close()
	var names []string
	for name, p := range recorded {
		names = append(names, name)
		same(c, name+": shape in the file", m.store.Shape(name), p.Shape)
	}
	sort.Strings(names)
	same(c, "names in the file", m.store.Names(), names)
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
}

// readCase reads case_C.npz and case_C.json, which may be absent.
func readCase(f *folder, label string) (map[string]array, caseInfo, error) {
	var info caseInfo
	z, err := readNPZ(f.path(label + ".npz"))
	if err != nil {
		return nil, info, err
	}
	if err := readJSON(f.path(label+".json"), &info); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, info, err
	}
	return z, info, nil
}

// makeBatch builds the input of a case; suffix is ".0" and so on for a choice.
func makeBatch(z map[string]array, suffix string, boxes, types json.RawMessage) (*vle.Batch, error) {
	b := &vle.Batch{Pixels: z["in.pixel_values"].float32s()}
	for name, to := range map[string]*[][]int{"input_ids": &b.IDs, "attention_mask": &b.Mask, "token_type_ids": &b.TypeIDs} {
		a, ok := z["in."+name+suffix]
		if !ok {
			if name == "input_ids" {
				return nil, fmt.Errorf("no array in.input_ids%s", suffix)
			}
			continue
		}
		if len(a.shape) != 2 {
			return nil, fmt.Errorf("in.%s%s has shape %v", name, suffix, a.shape)
		}
		ids := a.asInts()
		for i := range a.shape[0] {
			*to = append(*to, ids[i*a.shape[1]:(i+1)*a.shape[1]])
		}
	}
	if len(boxes) > 0 && string(boxes) != "null" {
		var both [2][][]int // of the boxes, of the text
		if err := errors.Join(json.Unmarshal(boxes, &b.Boxes), json.Unmarshal(types, &both)); err != nil {
			return nil, fmt.Errorf("patch_ids, extend_token_type_ids: %w", err)
		}
		b.BoxTypes, b.TextTypes = both[0], both[1]
	}
	return b, nil
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

// keep adds a result of the run under a name, without a shape.
func (s shown) keep(name string, t mat.Tensor) {
	if t != nil {
		s.watch(name, nil, nn.Floats(t))
	}
}

// checkModel runs one case and compares every recorded array.
func checkModel(c *check, h head, f *folder, label, ckpt string) error {
	z, info, err := readCase(f, label)
	if err != nil {
		return err
	}
	weights := ""
	if stem, typ, ok := weightsOf(label); ok {
		weights = "model." + typ + ".safetensors"
		if _, has := z["in.input_ids"]; !has { // the inputs are those of the plain case
			plain, plainInfo, err := readCase(f, stem)
			if err != nil {
				return err
			}
			info = plainInfo
			for name, a := range plain {
				if strings.HasPrefix(name, "in.") {
					z[name] = a
				}
			}
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
	b, err := makeBatch(z, "", info.Boxes, info.Types)
	if err != nil {
		return err
	}
	got, err := runModel(h, m.Parameterized, b)
	if err != nil {
		return err
	}
	if _, ok := z["mid.position_embedding"]; ok {
		m.Visit(func(name string, _ []int, p **spago.Param) {
			if strings.HasSuffix(name, "position_embedding.weight") {
				got.keep("position_embedding", *p)
			}
		})
	}
	compareArrays(c, z, got, "")
	return checkPlain(c, h, m.Parameterized, b, z)
}

// checkPlain runs the batch as users do, without a watcher: padding is then
// left out and buffers are reused, which may change nothing.
func checkPlain(c *check, h head, m vle.Parameterized, b *vle.Batch, z map[string]array) error {
	r := nn.NewRun()
	defer r.Close()
	out, logits, err := h.forward(m, r, b)
	if err != nil {
		return err
	}
	if a, ok := z["out.logits"]; ok {
		close(c, closely, "out.logits, not watched", nn.Floats(logits), a.floats)
	}
	if a, ok := z["out.pooler_output"]; ok {
		close(c, closely, "out.pooler_output, not watched", nn.Floats(out.Pooled), a.floats)
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

// runModel runs a batch with a watcher and gathers everything that a case may
// have recorded, by its name there.
func runModel(h head, m vle.Parameterized, b *vle.Batch) (shown, error) {
	got := shown{}
	r := nn.NewRun().WithWatch(got.watch)
	defer r.Close()
	out, logits, err := h.forward(m, r, b)
	if err != nil {
		return nil, err
	}
	got.keep("logits", logits)
	got.keep("vle.pooler_output", out.Pooled)
	got.keep("vle.text_embeds", out.Text)
	got.keep("vle.image_embeds", out.Image)
	got.keep("text_features", out.TextFeatures)
	got.keep("image_features", out.ImageFeatures)
	return got, nil
}

// compareArrays compares the recorded arrays mid.* and out.* (with a choice's
// number: mid.0.*) with what a run has shown.
func compareArrays(c *check, z map[string]array, got shown, choice string) {
	names := make([]string, 0, len(z))
	for name := range z {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, "mid."+choice)
		if !ok {
			rest, ok = strings.CutPrefix(name, "out."+choice)
		}
		if !ok || rest == "loss" {
			continue // inputs; losses belong to training
		}
		if choice == "" && len(rest) > 1 && rest[1] == '.' && rest[0] >= '0' && rest[0] <= '9' {
			continue // a single choice's
		}
		a, ok := got[rest]
		if !ok {
			a, ok = got["vle."+rest] // the bare body's outputs
		}
		if !ok {
			c.miss("%s: the model shows no such array", name)
			continue
		}
		if a.shape != nil && !slices.Equal(a.shape, z[name].shape) {
			c.miss("%s: shape %v, recorded %v", name, a.shape, z[name].shape)
			continue
		}
		close(c, closely, name, a.floats, z[name].floats)
	}
}

// checkChoices runs one case of a multiple-choice head.
func checkChoices(*check, head, *folder, string, string) error {
	return errors.New("multiple choice is not wired")
}
