package vle

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestVCRTexts compares the texts of the reference's two VCR pipelines, token by
// token with the objects they name.
func TestVCRTexts(t *testing.T) {
	proc := goldenProcessor(t, "tiny")
	type texts struct {
		IDs    [][]int `json:"text_ids"`
		Tags   [][]int `json:"obj_tags"`
		Inputs [][]int `json:"input_ids"`
		After  int     `json:"person_name_id_after"`
	}
	n := 0
	lines(t, golden(t, "pipelines", "build_text.jsonl"), func(line []byte) {
		n++
		var c struct {
			Objects    []string
			Question   []VCRWord
			Answers    [][]VCRWord
			Rationales [][]VCRWord
			Answer     int `json:"answer_label"`
			Names      int `json:"person_name_id"`
			Q2A, QA2R  texts
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		q := &VCRQuestion{Objects: c.Objects, Question: c.Question, Answers: c.Answers, Rationales: c.Rationales}
		for _, k := range []struct {
			task VCRTask
			want texts
		}{{Q2A, c.Q2A}, {QA2R, c.QA2R}} {
			p := &VCRPipeline{Model: &VCR{Task: k.task}, Processor: proc, Reference: true, names: c.Names}
			got, err := p.texts(q, c.Answer)
			if err != nil {
				t.Fatalf("case %d: %v", n, err)
			}
			if p.names != k.want.After {
				t.Errorf("case %d %v: %d names used after, want %d", n, k.task, p.names, k.want.After)
			}
			for i, g := range got {
				if !slices.Equal(g.ids, k.want.IDs[i]) {
					t.Errorf("case %d %v choice %d: ids %v, want %v", n, k.task, i, g.ids, k.want.IDs[i])
				}
				if !slices.Equal(g.tags, k.want.Tags[i]) {
					t.Errorf("case %d %v choice %d: tags %v, want %v", n, k.task, i, g.tags, k.want.Tags[i])
				}
				ids, err := p.encode(g)
				if err != nil {
					t.Fatal(err)
				}
				want := k.want.Inputs[i]
				for len(want) > 0 && want[len(want)-1] == 0 {
					want = want[:len(want)-1]
				}
				if !slices.Equal(ids, want) {
					t.Errorf("case %d %v choice %d: input ids %v, want %v", n, k.task, i, ids, want)
				}
			}
		}
	})
}

func TestRelatedObjects(t *testing.T) {
	lines(t, golden(t, "pipelines", "related_box.jsonl"), func(line []byte) {
		var c struct {
			Tags    []int `json:"obj_tags"`
			Related []int `json:"related_box_ids"`
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		if got := RelatedObjects(c.Tags, true); !slices.Equal(got, c.Related) {
			t.Errorf("%v: %v, want %v", c.Tags, got, c.Related)
		}
		want := slices.Clone(c.Related)
		slices.Sort(want)
		if got := RelatedObjects(c.Tags, false); !slices.Equal(got, want) {
			t.Errorf("%v: ascending %v, want %v", c.Tags, got, want)
		}
	})
}

func TestVCRPipeline(t *testing.T) {
	dir := golden(t, "pipelines")
	pics := pictures{}
	type call struct {
		Scores   [][]float64
		Pred     [][]int
		IDs      [][][]int    `json:"input_ids"`
		PatchIDs [][][][]int  `json:"patch_ids"`
		Types    [][2][][]int `json:"extend_token_type_ids"`
	}
	lines(t, filepath.Join(dir, "vcr.jsonl"), func(line []byte) {
		var c struct {
			Kind, Head, Sample string
			Meta               struct {
				Image   string `json:"img_fn"`
				Objects string `json:"metadata_fn"`
				Answer  int    `json:"answer_label"`
				VCRQuestion
			}
			Call0, Call1 call
			Names0       int `json:"person_name_id_after_call0"`
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		var objects struct{ Boxes [][]float64 }
		readJSON(t, filepath.Join(dir, "inputs", c.Meta.Objects), &objects)
		q := c.Meta.VCRQuestion
		q.Boxes = objects.Boxes
		task := Q2A
		if c.Head == "vcr_qa2r" {
			task = QA2R
		}
		m := openHeadAt(t, c.Kind, c.Head, func(c *Config) (*VCR, error) { return NewVCR(c, task) })
		p := &VCRPipeline{Model: m, Processor: goldenProcessor(t, c.Kind), Reference: true}
		img := pics.open(t, filepath.Join(dir, "inputs", c.Meta.Image))
		for n, want := range []call{c.Call0, c.Call1} {
			what := fmt.Sprintf("%s %s %s call %d", c.Kind, c.Head, c.Sample, n)
			names := p.names
			g, err := p.Processor.Images.Geometry(img.Bounds().Dx(), img.Bounds().Dy())
			if err != nil {
				t.Fatal(err)
			}
			batches, err := p.batches(&q, c.Meta.Answer, g)
			if err != nil {
				t.Fatal(err)
			}
			p.names = names
			for i, b := range batches {
				if ids := want.IDs[i][0]; !slices.Equal(b.IDs[0], ids[:len(b.IDs[0])]) {
					t.Errorf("%s choice %d: ids %v, want %v", what, i, b.IDs[0], ids)
				}
				if fmt.Sprint(b.Boxes[0]) != fmt.Sprint(want.PatchIDs[i][0]) {
					t.Errorf("%s choice %d: patches %v, want %v", what, i, b.Boxes[0], want.PatchIDs[i][0])
				}
				types := want.Types[i][1][0]
				for len(types) > len(b.TextTypes[0]) && types[len(types)-1] == 0 {
					types = types[:len(types)-1]
				}
				if !slices.Equal(b.TextTypes[0][:len(types)], types) {
					t.Errorf("%s choice %d: types %v, want %v", what, i, b.TextTypes[0], types)
				}
			}
			got, err := p.Choose(img, &q, c.Meta.Answer)
			if err != nil {
				t.Fatal(err)
			}
			for i, w := range want.Scores[0] {
				if math.Abs(got.Logits[i]-w) > 2e-5+1e-4*math.Abs(w) {
					t.Errorf("%s choice %d: logit %g, want %g", what, i, got.Logits[i], w)
				}
			}
			if got.Best != want.Pred[0][0] {
				t.Errorf("%s: best %d, want %d", what, got.Best, want.Pred[0][0])
			}
		}
	})
}

// TestVCRDefaults checks what is done better than the reference does it.
func TestVCRDefaults(t *testing.T) {
	cut := func(s string) []VCRWord {
		var out []VCRWord
		for w := range strings.FieldsSeq(s) {
			out = append(out, VCRWord{Text: w})
		}
		return out
	}
	long := cut(strings.Repeat("the man is looking at the old car ", 20))
	q := &VCRQuestion{
		Objects: []string{"person", "dog"}, Boxes: [][]float64{{0, 0, 30, 30}, {40, 40, 63, 63}},
		Question:   append(cut("why is"), VCRWord{Objects: []int{0, 1}}, VCRWord{Text: "🐶"}, VCRWord{Text: "looking?"}),
		Answers:    [][]VCRWord{cut("it rains"), append(long, VCRWord{Objects: []int{1}}), cut("no"), cut("yes")},
		Rationales: [][]VCRWord{cut("it is wet"), cut("so"), cut("he is"), cut("she is")},
	}
	p := &VCRPipeline{Model: openHeadAt(t, "tiny", "vcr_q2a", func(c *Config) (*VCR, error) { return NewVCR(c, Q2A) }), Processor: goldenProcessor(t, "tiny")}
	img := shape(color.RGBA{200, 0, 0, 255})
	first, err := p.Choose(img, q, 0)
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.Choose(img, q, 0)
	if err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Errorf("two calls differ:\n%v\n%v", first, second)
	}
	sum := 0.0
	for _, s := range first.Scores {
		sum += s
	}
	if math.Abs(sum-1) > 1e-6 {
		t.Errorf("scores sum to %g", sum)
	}
	g, err := p.Processor.Images.Geometry(64, 64)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.batches(q, 0, g)
	if err != nil {
		t.Fatal(err)
	}
	tok := p.Processor.Tokenizer
	for i, c := range b {
		ids, types := c.IDs[0], c.TextTypes[0]
		if len(ids) > vcrMaxTokens || ids[0] != tok.CLSID() || ids[len(ids)-1] != tok.SEPID() {
			t.Errorf("choice %d: %v", i, ids)
		}
		at := slices.Index(types, 3)
		if at < 0 || !strings.Contains(tok.Token(ids[at]), "dog") {
			t.Errorf("choice %d: the dog's type stands at token %d: ids %v, types %v", i, at, ids, types)
		}
		if q := ids[:slices.Index(ids, tok.SEPID())]; i > 0 && i != 1 && !slices.Equal(q, b[0].IDs[0][:len(q)]) {
			t.Errorf("choice %d: its question was shortened for another: %v", i, ids)
		}
	}

	r := &VCRPipeline{Model: openHeadAt(t, "tiny", "vcr_qa2r", func(c *Config) (*VCR, error) { return NewVCR(c, QA2R) }), Processor: p.Processor}
	answer, reason, err := ChooseBoth(p, r, img, q)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Best != first.Best || len(reason.Scores) != 4 || reason.Task != QA2R {
		t.Errorf("both: %v, %v", answer, reason)
	}
	if _, _, err := ChooseBoth(r, p, img, q); err == nil {
		t.Error("pipelines in the wrong order give no error")
	}
}

func TestVCRErrors(t *testing.T) {
	p := &VCRPipeline{Model: openHeadAt(t, "tiny", "vcr_qa2r", func(c *Config) (*VCR, error) { return NewVCR(c, QA2R) }), Processor: goldenProcessor(t, "tiny")}
	word := []VCRWord{{Text: "why"}}
	ok := func() *VCRQuestion {
		return &VCRQuestion{
			Objects: []string{"dog"}, Boxes: [][]float64{{0, 0, 9, 9}}, Question: word,
			Answers: [][]VCRWord{word}, Rationales: [][]VCRWord{word, word},
		}
	}
	img := image.NewRGBA(image.Rect(0, 0, 50, 40))
	if _, err := p.Choose(img, ok(), 0); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*VCRQuestion)
		answer int
		want   string
	}{
		"no box":          {func(q *VCRQuestion) { q.Boxes = nil }, 0, "boxes"},
		"short box":       {func(q *VCRQuestion) { q.Boxes[0] = []float64{1, 2} }, 0, "object 0"},
		"NaN in a box":    {func(q *VCRQuestion) { q.Boxes[0][2] = math.NaN() }, 0, "object 0"},
		"unknown object":  {func(q *VCRQuestion) { q.Question = []VCRWord{{Objects: []int{4}}} }, 0, "object 4"},
		"negative object": {func(q *VCRQuestion) { q.Question = []VCRWord{{Objects: []int{-1}}} }, 0, "object -1"},
		"empty question":  {func(q *VCRQuestion) { q.Question = nil }, 0, "question"},
		"empty rationale": {func(q *VCRQuestion) { q.Rationales = [][]VCRWord{word, {}} }, 0, "rationale 1"},
		"no rationales":   {func(q *VCRQuestion) { q.Rationales = nil }, 0, "no rationales"},
		"answer":          {func(*VCRQuestion) {}, 1, "answer 1 of 1"},
	} {
		q := ok()
		c.change(q)
		if _, err := p.Choose(img, q, c.answer); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", name, err, c.want)
		}
	}
	var w VCRWord
	if err := json.Unmarshal([]byte(`{"a":1}`), &w); err == nil {
		t.Error("an object as a word gives no error")
	}
}
