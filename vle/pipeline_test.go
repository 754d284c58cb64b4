package vle

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"govle/vle/imageproc"
)

// lines calls f for each line of a .jsonl file.
func lines(t testing.TB, path string, f func(line []byte)) {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := bufio.NewScanner(file)
	s.Buffer(nil, 64<<20)
	n := 0
	for s.Scan() {
		f(s.Bytes())
		n++
	}
	if err := s.Err(); err != nil || n == 0 {
		t.Fatalf("%s: %d lines, %v", path, n, err)
	}
}

// pictures decodes files once.
type pictures map[string]image.Image

func (p pictures) open(t testing.TB, path string) image.Image {
	if img, ok := p[path]; ok {
		return img
	}
	img, err := imageproc.DecodeFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	p[path] = img
	return img
}

type goldenAnswer struct {
	Score  float64 `json:"score"`
	Answer string  `json:"answer"`
}

func checkAnswers(t *testing.T, what string, got *Answers, want []goldenAnswer) {
	t.Helper()
	if len(got.Top) != len(want) {
		t.Errorf("%s: %d answers, want %d", what, len(got.Top), len(want))
		return
	}
	for i, w := range want {
		g := got.Top[i]
		if g.Label != w.Answer || math.Abs(g.Score-w.Score) > 2e-5+1e-4*w.Score {
			t.Errorf("%s: answer %d is %q %.6f, want %q %.6f", what, i, g.Label, g.Score, w.Answer, w.Score)
		}
	}
}

func TestVQAPipeline(t *testing.T) {
	dir := golden(t, "pipelines")
	pipes := map[string]*VQAPipeline{}
	for _, kind := range []string{"tiny", "odd"} {
		proc, err := LoadProcessor(filepath.Join(dir, "processor-"+kind))
		if err != nil {
			t.Fatal(err)
		}
		pipes[kind] = &VQAPipeline{Model: openVQAAt(t, golden(t, "model-"+kind, "ckpt-vqa"), "model.safetensors"), Processor: proc}
	}
	pics := pictures{}
	type request struct {
		Image, Question string
	}
	lines(t, filepath.Join(dir, "vqa.jsonl"), func(line []byte) {
		var c struct {
			Kind string
			request
			TopK    int `json:"top_k"`
			Answers []goldenAnswer
			Logits  []float32
			Batch   []request
			Result  [][]goldenAnswer
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		p := pipes[c.Kind]
		reqs, want := c.Batch, c.Result
		if reqs == nil {
			reqs, want = []request{c.request}, [][]goldenAnswer{c.Answers}
		}
		for i, q := range reqs {
			img := pics.open(t, filepath.Join(dir, "inputs", q.Image))
			what := fmt.Sprintf("%s %s %q", c.Kind, q.Image, q.Question)
			a, err := p.Answer(img, q.Question, c.TopK)
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			checkAnswers(t, what, a, want[i])
			if c.Logits != nil {
				logits, err := p.Logits(img, q.Question)
				if err != nil {
					t.Fatal(err)
				}
				check(t, what+" logits", logits, c.Logits)
			}
		}
	})
}

// TestEasyVQA asks every question of easy-VQA's official test split. The
// pictures come from the PyPI package easy-vqa 1.0; GOVLE_EASYVQA names the
// folder that holds them: …/easy_vqa/data/test.
func TestEasyVQA(t *testing.T) {
	data := os.Getenv("GOVLE_EASYVQA")
	if data == "" {
		t.Skip("set GOVLE_EASYVQA to the folder easy_vqa/data/test of the PyPI package easy-vqa 1.0")
	}
	dir := golden(t, "easyvqa")
	exact, err := OpenVQA(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer exact.Close()
	small, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	pics := pictures{}
	n, wrong, changed, correct := 0, 0, 0, 0
	var off float64
	lines(t, filepath.Join(dir, "predictions.jsonl"), func(line []byte) {
		var c struct {
			Question string
			ImageID  int `json:"image_id"`
			Truth    string
			Answer   string
			Logits   []float32
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		n++
		img := pics.open(t, filepath.Join(data, "images", fmt.Sprintf("%d.png", c.ImageID)))
		logits, err := exact.Logits(img, c.Question)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range c.Logits {
			off = max(off, math.Abs(float64(logits[i]-w)))
		}
		labels := exact.Model.Config().Labels
		if a := topAnswers("", logits, labels, 1); a.Best() != c.Answer {
			wrong++
			t.Errorf("picture %d, %q: %s, the reference says %s", c.ImageID, c.Question, a.Best(), c.Answer)
		}
		a, err := small.Answer(img, c.Question, 1)
		if err != nil {
			t.Fatal(err)
		}
		if a.Best() != c.Answer {
			changed++
		}
		if a.Best() == c.Truth {
			correct++
		}
	})
	t.Logf("%d questions: %d answers differ from the reference's, largest logit difference %.2g; embedded in half precision: %d differ, %.2f %% right", n, wrong, off, changed, 100*float64(correct)/float64(n))
	if n != 9673 {
		t.Errorf("%d questions, want 9,673", n)
	}
	if float64(correct)/float64(n) < 0.985 {
		t.Errorf("the embedded model answers %d of %d right", correct, n)
	}
	if off > 2e-4 { // the recording has five decimals
		t.Errorf("logits are off by %g", off)
	}
}

// shape is a picture in easy-VQA's style: a filled rectangle on a pale ground.
func shape(c color.RGBA) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for y := range 64 {
		for x := range 64 {
			img.SetRGBA(x, y, color.RGBA{240, 240, 240, 255})
			if x >= 16 && x < 46 && y >= 20 && y < 38 {
				img.SetRGBA(x, y, c)
			}
		}
	}
	return img
}

func TestEmbedded(t *testing.T) {
	p, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	img := shape(color.RGBA{255, 0, 0, 255})
	for q, want := range map[string]string{
		"what shape is in the image?":          "rectangle",
		"what color is the rectangle?":         "red",
		"is there a red shape?":                "yes",
		"does the image contain a blue shape?": "no",
	} {
		a, err := p.Answer(img, q, 3)
		if err != nil {
			t.Fatal(err)
		}
		if a.Best() != want {
			t.Errorf("%q: %s, want %s", q, a, want)
		}
		if len(a.Top) != 3 || a.Top[0].Score < a.Top[1].Score || a.Top[1].Score < a.Top[2].Score {
			t.Errorf("%q: not the three best in order: %v", q, a.Top)
		}
	}
}

func TestAnswerErrors(t *testing.T) {
	p, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	img := shape(color.RGBA{0, 0, 255, 255})
	for _, c := range []struct {
		name, question string
		img            image.Image
		k              int
		want           string
	}{
		{"empty question", "", img, 1, ErrEmptyText.Error()},
		{"blank question", " \t\n", img, 1, ErrEmptyText.Error()},
		{"100,000 words", strings.Repeat("why ", 100_000), img, 1, "shorten"},
		{"10,000 words", strings.Repeat("why ", 10_000), img, 1, "shorten"},
		{"no picture", "why?", nil, 1, "no picture"},
		{"empty picture", "why?", image.NewRGBA(image.Rect(0, 0, 0, 9)), 1, "picture"},
		{"no answers", "why?", img, 0, "0 answers"},
	} {
		_, err := p.Answer(c.img, c.question, c.k)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", c.name, err, c.want)
		}
	}
	if _, err := p.Answer(img, "", 1); !errors.Is(err, ErrEmptyText) {
		t.Errorf("an empty question gives %v, want ErrEmptyText", err)
	}
	a, err := p.Answer(img, strings.Repeat("is it red? ", 150), 1000)
	if err != nil || len(a.Top) != len(p.Model.Config().Labels) {
		t.Errorf("a long question with all answers: %v, %v", a, err)
	}
}

func TestExplain(t *testing.T) {
	p, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	img := shape(color.RGBA{0, 0, 255, 255})
	x, err := p.Explain(img, "what color is the rectangle?", 2)
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.Answer(img, "what color is the rectangle?", 2)
	if err != nil {
		t.Fatal(err)
	}
	if x.Answers.String() != a.String() {
		t.Errorf("explained answers %v differ from %v", x.Answers, a)
	}
	if x.Tokens[0] != "[CLS]" || x.Grid != 8 {
		t.Errorf("tokens %q, grid %d", x.Tokens, x.Grid)
	}
	for layer := range x.Layers {
		for head := MeanHead; head < x.Heads; head++ {
			m, err := x.TextToImage(layer, head, 2)
			if err != nil {
				t.Fatal(err)
			}
			class, err := x.ClassWeight(layer, head, 2)
			if err != nil {
				t.Fatal(err)
			}
			sum := class
			for i := range 8 {
				for j := range 8 {
					sum += m.At(i, j)
				}
			}
			if math.Abs(sum-1) > 1e-5 {
				t.Errorf("layer %d head %d: weights sum to %g", layer, head, sum)
			}
		}
		var sum float64
		for tok := range x.Tokens {
			m, err := x.ImageToText(layer, 0, tok)
			if err != nil {
				t.Fatal(err)
			}
			sum += m.At(3, 5)
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("layer %d: a patch's weights sum to %g", layer, sum)
		}
	}
	if _, err := x.TextToImage(x.Layers, 0, 0); err == nil {
		t.Error("no error for a layer beyond the last")
	}
	if _, err := x.TextToImage(0, x.Heads, 0); err == nil {
		t.Error("no error for a head beyond the last")
	}
}

func TestAnswersShow(t *testing.T) {
	a := &Answers{Question: "Is <b> > a?", Top: []Answer{{"yes & no", 0.75}, {"café", 0.25}}}
	m := a.MIMEBundle()
	h := m["text/html"].(string)
	for _, s := range []string{"Is &lt;b&gt; &gt; a?", "yes &amp; no", "75.00"} {
		if !strings.Contains(h, s) {
			t.Errorf("HTML lacks %q: %s", s, h)
		}
	}
	want := "Is <b> > a?\n  yes & no   75.00 %\n  café       25.00 %"
	if m["text/plain"] != want {
		t.Errorf("plain text is\n%s\nwant\n%s", m["text/plain"], want)
	}
}

func BenchmarkAnswer(b *testing.B) {
	p, err := Embedded()
	if err != nil {
		b.Fatal(err)
	}
	img := shape(color.RGBA{255, 0, 0, 255})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Answer(img, "what color is the rectangle?", 3); err != nil {
			b.Fatal(err)
		}
	}
}
