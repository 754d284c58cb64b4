package vle

import (
	"fmt"
	"image"
	"image/color"
	"reflect"
	"strings"
	"testing"
)

// TestEncodedImage gives every pipeline a picture, the picture as the pipeline
// encoded it, as another one did, and as it did with other values, which shows
// that encoded pictures are used and not made again.
func TestEncodedImage(t *testing.T) {
	proc := goldenProcessor(t, "tiny")
	img := shape(color.RGBA{0, 128, 0, 255})
	vqa := &VQAPipeline{Model: openHeadAt(t, "tiny", "vqa", NewVQA), Processor: proc}
	itm := &ITMPipeline{Model: openHeadAt(t, "tiny", "itm", NewITM), Processor: proc}
	pbc := &PBCPipeline{Model: openHeadAt(t, "tiny", "pbc", NewPBC), Processor: proc}
	mlm := &MLMPipeline{Model: openHeadAt(t, "tiny", "mlm", NewMLM), Processor: proc}
	body := &FeaturePipeline{Model: openHeadAt(t, "tiny", "base", NewModel), Processor: proc}
	q2a := &VCRPipeline{Model: openHeadAt(t, "tiny", "vcr_q2a", func(c *Config) (*VCR, error) { return NewVCR(c, Q2A) }), Processor: proc}
	qa2r := &VCRPipeline{Model: openHeadAt(t, "tiny", "vcr_qa2r", func(c *Config) (*VCR, error) { return NewVCR(c, QA2R) }), Processor: proc}
	const text, blank = "what color is the rectangle?", "a [MASK] thing"
	labels := vqa.Model.Config().Labels[:3]
	q := vcrQuestions()[0]

	for _, c := range []struct {
		name string
		p    interface {
			EncodeImage(image.Image) (*EncodedImage, error)
		}
		call func(image.Image) (any, error)
	}{
		{"vqa answer", vqa, func(i image.Image) (any, error) { return vqa.Answer(i, text, 3) }},
		{"vqa answers", vqa, func(i image.Image) (any, error) { return vqa.AnswerAll(i, []string{text, "is it day?"}, 3) }},
		{"vqa logits", vqa, func(i image.Image) (any, error) { return vqa.Logits(i, text) }},
		{"vqa rank", vqa, func(i image.Image) (any, error) { return vqa.Rank(i, text, labels) }},
		{"vqa explain", vqa, func(i image.Image) (any, error) { return vqa.Explain(i, text, 3) }},
		{"itm match", itm, func(i image.Image) (any, error) { return itm.Match(i, text) }},
		{"itm texts", itm, func(i image.Image) (any, error) { return itm.RankTexts(i, []string{text, "a dog"}) }},
		{"itm images", itm, func(i image.Image) (any, error) { return itm.RankImages(text, []image.Image{i, i}) }},
		{"pbc", pbc, func(i image.Image) (any, error) { return pbc.Locate(i, text) }},
		{"mlm", mlm, func(i image.Image) (any, error) { return mlm.Fill(i, blank, 3) }},
		{"features", body, func(i image.Image) (any, error) { return body.Extract(i, text) }},
		{"vcr q2a", q2a, func(i image.Image) (any, error) { return q2a.Choose(i, q, 0) }},
		{"vcr qa2r", qa2r, func(i image.Image) (any, error) { return qa2r.Choose(i, q, 1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			do := func(img image.Image) any {
				t.Helper()
				v, err := c.call(img)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			encode := func(img image.Image) *EncodedImage {
				t.Helper()
				e, err := c.p.EncodeImage(img)
				if err != nil {
					t.Fatal(err)
				}
				return e
			}
			want := do(img)
			own := encode(img)
			if own.Image != img || own.Bounds() != img.Bounds() {
				t.Errorf("the encoded picture is not the picture: %v", own.Bounds())
			}
			if encode(own) != own {
				t.Error("an encoded picture is encoded again")
			}
			other, err := itm.EncodeImage(img)
			if c.p == any(itm) {
				other, err = vqa.EncodeImage(img)
			}
			if err != nil {
				t.Fatal(err)
			}
			clear(other.Features.Data) // another model's values are of no use here
			for what, e := range map[string]*EncodedImage{"its own": own, "another's": other} {
				if got := do(e); !reflect.DeepEqual(got, want) {
					t.Errorf("%s encoded picture gives %v, the picture %v", what, got, want)
				}
			}
			clear(own.Features.Data)
			if got := do(own); reflect.DeepEqual(got, want) {
				t.Error("changed features change nothing: the picture was encoded again")
			}
			if _, err := c.call((*EncodedImage)(nil)); err == nil || !strings.Contains(err.Error(), "no picture") {
				t.Errorf("no encoded picture gives %v", err)
			}
			if _, err := c.call(nil); err == nil || !strings.Contains(err.Error(), "no picture") {
				t.Errorf("no picture gives %v", err)
			}
		})
	}

	// A picture that was encoded before the model's size changed is encoded anew.
	old, err := vqa.EncodeImage(img)
	if err != nil {
		t.Fatal(err)
	}
	if err := vqa.SetImageSize(2 * vqa.Model.Config().Vision.ImageSize); err != nil {
		t.Fatal(err)
	}
	got, err := vqa.Answer(old, text, 3)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := vqa.Answer(img, text, 3); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("at another size: %v, want %v, %v", got, want, err)
	}
}

// vcrQuestions are some with different objects and numbers of choices.
func vcrQuestions() []*VCRQuestion {
	words := func(texts ...string) (all [][]VCRWord) {
		for _, s := range texts {
			all = append(all, []VCRWord{{Text: s}, {Objects: []int{0}}})
		}
		return all
	}
	var all []*VCRQuestion
	for i, n := range []int{4, 4, 3, 4} {
		q := &VCRQuestion{
			Objects: []string{"person", "dog"}, Boxes: [][]float64{{4, 4, 30, 60}, {34, 30, 60, 60}},
			Question:   []VCRWord{{Text: "why is"}, {Objects: []int{i % 2}}, {Text: "here?"}},
			Answers:    words("it likes", "it rains on", "nobody sees", "food for")[:n],
			Rationales: words("because of", "they know", "the sun shines on", "a dog eats")[:n],
		}
		all = append(all, q)
	}
	all[3].Question = append(all[3].Question, VCRWord{Text: "and what will happen now?"})
	return all
}

// TestBatched compares lists about one picture with the calls one by one.
func TestBatched(t *testing.T) {
	proc := goldenProcessor(t, "tiny")
	img := shape(color.RGBA{0, 0, 200, 255})

	mlm := &MLMPipeline{Model: openHeadAt(t, "tiny", "mlm", NewMLM), Processor: proc}
	texts := []string{"a [MASK] thing", "[MASK]", "two [MASK] and a much longer [MASK] [MASK].", "a dog " + strings.Repeat("[MASK] ", 70)}
	filled, err := mlm.FillAll(img, texts, 4)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		one, err := mlm.Fill(img, text, 4)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(text, "[MASK]"); filled[i].Text != text || len(filled[i].Blanks) != n || len(one.Blanks) != n {
			t.Fatalf("%q: %d blanks together and %d alone, want %d", text, len(filled[i].Blanks), len(one.Blanks), n)
		}
		for j := range one.Blanks {
			for k, w := range one.Blanks[j] {
				near(t, fmt.Sprintf("%q blank %d, %s", text, j, w.Token), filled[i].Blanks[j][k].Score, w.Score)
			}
		}
	}
	for _, c := range []struct {
		texts []string
		k     int
		want  string
	}{
		{nil, 1, "no text"}, {texts, 0, "0 answers"}, {[]string{"a [MASK]", "none"}, 1, "text 1 has no [MASK]"}, {[]string{"none"}, 1, "the text has no [MASK]"},
	} {
		if _, err := mlm.FillAll(img, c.texts, c.k); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("FillAll(%q, %d) gives %v, want %q", c.texts, c.k, err, c.want)
		}
	}

	for _, task := range []VCRTask{Q2A, QA2R} {
		head := map[VCRTask]string{Q2A: "vcr_q2a", QA2R: "vcr_qa2r"}[task]
		p := &VCRPipeline{Model: openHeadAt(t, "tiny", head, func(c *Config) (*VCR, error) { return NewVCR(c, task) }), Processor: proc}
		questions := vcrQuestions()
		for range 5 { // more than one pass
			questions = append(questions, questions...)
		}
		answers := make([]int, len(questions))
		for i := range answers {
			answers[i] = i % 3
		}
		all, err := p.ChooseAll(img, questions, answers)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != len(questions) {
			t.Fatalf("%v: %d outcomes of %d questions", task, len(all), len(questions))
		}
		for i, q := range questions[:24] {
			one, err := p.Choose(img, q, answers[i])
			if err != nil {
				t.Fatal(err)
			}
			if one.Best != all[i].Best || !reflect.DeepEqual(one.Texts, all[i].Texts) {
				t.Errorf("%v question %d: %v together, %v alone", task, i, all[i], one)
			}
			for j := range one.Logits {
				near(t, fmt.Sprintf("%v question %d choice %d", task, i, j), all[i].Logits[j], one.Logits[j])
			}
		}
		if _, err := p.ChooseAll(img, nil, nil); err == nil {
			t.Error("no questions give no error")
		}
		bad := []*VCRQuestion{questions[0], {}}
		if _, err := p.ChooseAll(img, bad, []int{0, 0}); err == nil || !strings.Contains(err.Error(), "question 1: ") {
			t.Errorf("an empty second question gives %v", err)
		}
		if _, err := p.ChooseAll(img, bad, nil); err == nil || task == QA2R && !strings.Contains(err.Error(), "0 answers for 2 questions") {
			t.Errorf("no answers give %v", err)
		}
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if d := got - want; d > 1e-5 || d < -1e-5 {
		t.Errorf("%s: %g, want %g", what, got, want)
	}
}
