package parity

import (
	"context"
	"fmt"
	"image"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"govle/vle"
	"govle/vle/imageproc"
	"govle/vle/nn"
)

// vcrCall is one call of the reference's VCR pipeline.
type vcrCall struct {
	Scores [][]float64 `json:"scores"` // the logits, [1][choices]
	Pred   [][]int     `json:"pred"`
	Labels []int       `json:"vcr_labels"`
	Loss   float64     `json:"loss"`
}

// vcrLine is one line of vcr.jsonl: a question asked twice through one pipeline
// object, which remembers whom it has named.
type vcrLine struct {
	Kind      string `json:"kind"`
	Head      string `json:"head"`
	Sample    string `json:"sample"`
	ImageRoot string `json:"image_root"`
	Meta      struct {
		Image    string `json:"img_fn"`
		Metadata string `json:"metadata_fn"` // with the boxes
		Answer   int    `json:"answer_label"`
		vle.VCRQuestion
	} `json:"meta"`
	Call0 vcrCall `json:"call0"`
	Call1 vcrCall `json:"call1"`
}

var vcrTasks = map[string]vle.VCRTask{"vcr_q2a": vle.Q2A, "vcr_qa2r": vle.QA2R}

// findVCR finds vcr.jsonl and what the VCR pipelines are made of:
// build_text.jsonl, patch_box.jsonl and related_box.jsonl.
func findVCR(f *folder) []testCase {
	var cases []testCase
	if f.has["vcr.jsonl"] {
		cases = groupLines(f, "vcr.jsonl", func(l vcrLine) (kind, group string) { return l.Kind, l.Head + " " + l.Sample },
			func(_ context.Context, c *check, kind string, lines []vcrLine) error {
				for _, l := range lines {
					if err := l.check(c, f); err != nil {
						return err
					}
				}
				return nil
			})
	}
	if f.has["patch_box.jsonl"] {
		path := f.path("patch_box.jsonl")
		cases = append(cases, testCase{name: f.caseName("patch_box.jsonl"), run: func(_ context.Context, c *check) error { return checkPatchBoxes(c, path) }})
	}
	if f.has["build_text.jsonl"] {
		f.path("build_text.jsonl")
		cases = append(cases, testCase{name: f.caseName("build_text.jsonl"), run: func(_ context.Context, c *check) error { return checkVCRTexts(c, f) }})
	}
	if f.has["related_box.jsonl"] {
		path := f.path("related_box.jsonl")
		cases = append(cases, testCase{name: f.caseName("related_box.jsonl"), run: func(_ context.Context, c *check) error { return checkRelatedObjects(c, path) }})
	}
	return cases
}

// openVCR loads a VCR pipeline that does as the reference does.
func openVCR(f *folder, kind, name string) (*vle.VCRPipeline, func() error, error) {
	if vcrTasks[name] == 0 {
		return nil, nil, fmt.Errorf("head %q is not known", name)
	}
	m, proc, err := openPipeline(f, kind, name)
	if err != nil {
		return nil, nil, err
	}
	return &vle.VCRPipeline{Model: m.Parameterized.(*vle.VCR), Processor: proc, Reference: true}, m.Close, nil
}

func (l vcrLine) check(c *check, f *folder) error {
	p, done, err := openVCR(f, l.Kind, l.Head)
	if err != nil {
		return err
	}
	defer done()
	root := filepath.ToSlash(filepath.Clean(l.ImageRoot))
	img, err := imageproc.DecodeFile(f.path(root+"/"+l.Meta.Image), nil)
	if err != nil {
		return err
	}
	var objects struct {
		Boxes [][]float64 `json:"boxes"`
	}
	if err := readJSON(f.path(root+"/"+l.Meta.Metadata), &objects); err != nil {
		return err
	}
	q := l.Meta.VCRQuestion
	q.Boxes = objects.Boxes
	for i, want := range []vcrCall{l.Call0, l.Call1} {
		label := fmt.Sprintf("call %d", i)
		if len(want.Scores) != 1 || len(want.Pred) != 1 || len(want.Pred[0]) != 1 {
			return fmt.Errorf("%s: scores or prediction of one sample were expected", label)
		}
		got, err := p.Choose(img, &q, l.Meta.Answer)
		if err != nil {
			return err
		}
		close(c, closely, label+": logits", got.Logits, want.Scores[0])
		c.item(got.Best == want.Pred[0][0], "%s: choice %d, recorded %d", label, got.Best, want.Pred[0][0])
		if len(want.Labels) == 1 {
			r := nn.NewRun()
			logits := make([]float32, len(got.Logits))
			for k, v := range got.Logits {
				logits[k] = float32(v)
			}
			loss := nn.Floats(nn.CrossEntropy(r, nn.Dense(1, len(logits), logits), want.Labels))[0]
			close(c, closely, label+": loss", []float32{loss}, []float64{want.Loss})
			r.Close()
		}
	}
	return nil
}

// checkRelatedObjects holds the order in which the reference appends the boxes
// of the objects that a text names.
func checkRelatedObjects(c *check, path string) error {
	lines, err := readLines[struct {
		Tags    []int `json:"obj_tags"`
		Related []int `json:"related_box_ids"`
	}](path)
	if err != nil {
		return err
	}
	for i, l := range lines {
		got := vle.RelatedObjects(l.Tags, true)
		c.item(slices.Equal(got, l.Related), "line %d: objects %v, recorded %v", i+1, got, l.Related)
	}
	return nil
}

// patchBoxLine is one line of patch_box.jsonl: boxes of a picture and the
// patches that each covers; ids may be left out where there are many.
type patchBoxLine struct {
	Boxes     [][]float64 `json:"boxes"`
	Width     int         `json:"width"`
	Height    int         `json:"height"`
	PatchSize int         `json:"patch_size"`
	ImageSize int         `json:"image_size"`
	Result    []struct {
		Box []float64 `json:"box"` // what the patches cover together
		IDs []int     `json:"ids"`
		N   int       `json:"n"`
		Sum int       `json:"sum"`
	} `json:"result"`
}

func checkPatchBoxes(c *check, path string) error {
	lines, err := readLines[patchBoxLine](path)
	if err != nil {
		return err
	}
	for i, l := range lines {
		g, err := imageproc.New(l.ImageSize).Geometry(l.Width, l.Height)
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		g = g.Stretched() // as the reference takes it
		if len(l.Boxes) != len(l.Result) {
			return fmt.Errorf("line %d: %d boxes with %d results", i+1, len(l.Boxes), len(l.Result))
		}
		for k, want := range l.Result {
			b := l.Boxes[k]
			if len(b) < 4 {
				return fmt.Errorf("line %d: box %v", i+1, b)
			}
			ids, box := g.Patches(l.PatchSize, imageproc.Box{X0: b[0], Y0: b[1], X1: b[2], Y1: b[3]})
			sum := 0
			for _, id := range ids {
				sum += id
			}
			ok := len(ids) == want.N && sum == want.Sum && (want.IDs == nil || slices.Equal(ids, want.IDs))
			c.item(ok, "line %d, box %v: patches %v, recorded %v", i+1, b, ids, want.IDs)
			if len(ids) > 0 {
				close(c, tolerance{1e-6, 1e-9}, fmt.Sprintf("line %d, box %v: what the patches cover", i+1, b), []float64{box.X0, box.Y0, box.X1, box.Y1}, want.Box)
			}
		}
	}
	return nil
}

// builtText is what one of the two pipelines makes of a question.
type builtText struct {
	InputIDs [][]int `json:"input_ids"` // of each choice, padded
}

// buildTextLine is one line of build_text.jsonl; person_name_id says how many
// persons the pipeline object had named before.
type buildTextLine struct {
	Objects    []string        `json:"objects"`
	Question   []vle.VCRWord   `json:"question"`
	Answers    [][]vle.VCRWord `json:"answers"`
	Rationales [][]vle.VCRWord `json:"rationales"`
	Answer     int             `json:"answer_label"`
	Named      int             `json:"person_name_id"`
	Q2A        builtText       `json:"q2a"`
	QA2R       builtText       `json:"qa2r"`
}

// checkVCRTexts asks the questions on an empty picture and compares the texts
// of the choices as the model read them. They do not depend on the model, so the
// first one that is there serves.
func checkVCRTexts(c *check, f *folder) error {
	lines, err := readLines[buildTextLine](f.path("build_text.jsonl"))
	if err != nil {
		return err
	}
	var kind string
	for name := range f.subs {
		if k, ok := strings.CutPrefix(name, "processor-"); ok && (kind == "" || k > kind) {
			kind = k
		}
	}
	for _, name := range sortedKeys(vcrTasks) {
		for i, l := range lines {
			p, done, err := openVCR(f, kind, name)
			if err != nil {
				return err
			}
			want := l.Q2A
			if vcrTasks[name] == vle.QA2R {
				want = l.QA2R
			}
			err = l.compare(c, p, fmt.Sprintf("line %d, %s", i+1, name), want)
			done()
			if err != nil {
				return fmt.Errorf("line %d, %s: %w", i+1, name, err)
			}
		}
	}
	return nil
}

func (l buildTextLine) compare(c *check, p *vle.VCRPipeline, label string, want builtText) error {
	canvas := image.NewRGBA(image.Rect(0, 0, 32, 32))
	// Boxes outside of the picture add no tokens, so that any number of objects
	// fits any model.
	outside := func(n int) [][]float64 { return slices.Repeat([][]float64{{-9, -9, -8, -8}}, n) }
	word := []vle.VCRWord{{Text: "why"}}
	if l.Named > 0 {
		persons := slices.Repeat([]string{"person"}, l.Named)
		before := &vle.VCRQuestion{Objects: persons, Boxes: outside(l.Named), Question: word,
			Answers: [][]vle.VCRWord{word, word, word, word}, Rationales: [][]vle.VCRWord{word, word, word, word}}
		if _, err := p.Choose(canvas, before, 0); err != nil {
			return err
		}
	}
	q := &vle.VCRQuestion{Objects: l.Objects, Boxes: outside(len(l.Objects)), Question: l.Question, Answers: l.Answers, Rationales: l.Rationales}
	got, err := p.Choose(canvas, q, l.Answer)
	if err != nil {
		return err
	}
	tok := p.Processor.Tokenizer
	var texts []string
	for _, ids := range want.InputIDs {
		end := len(ids)
		for end > 0 && ids[end-1] == tok.PadID() {
			end--
		}
		texts = append(texts, tok.Decode(ids[:end], true))
	}
	same(c, label, got.Texts, texts)
	for _, v := range got.Logits {
		c.item(!math.IsNaN(v), "%s: a logit is not a number", label)
	}
	return nil
}
