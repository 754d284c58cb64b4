package vle

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"govle/vle/nn"
)

// goldenProcessor is the saved processor of tiny or odd.
func goldenProcessor(t *testing.T, kind string) *Processor {
	p, err := LoadProcessor(golden(t, "pipelines", "processor-"+kind))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func openHeadAt[M Parameterized](t *testing.T, kind, name string, build func(*Config) (M, error)) M {
	dir := golden(t, "model-"+kind, "ckpt-"+name)
	cfg, err := ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := build(cfg)
	if err != nil {
		t.Fatal(err)
	}
	loadFrom(t, m, dir)
	return m
}

func TestITMPipeline(t *testing.T) {
	dir := golden(t, "pipelines")
	pipes := map[string]*ITMPipeline{}
	for _, kind := range []string{"tiny", "odd"} {
		pipes[kind] = &ITMPipeline{Model: openHeadAt(t, kind, "itm", NewITM), Processor: goldenProcessor(t, kind)}
	}
	pics := pictures{}
	type request struct{ Image, Text string }
	type result struct {
		Score []float64
		Match string
	}
	lines(t, filepath.Join(dir, "itm.jsonl"), func(line []byte) {
		var c struct {
			Kind string
			request
			Batch  []request
			Result json.RawMessage
			Logits []float32
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		reqs := c.Batch
		want := make([]result, 1)
		if reqs == nil {
			reqs = []request{c.request}
			if err := json.Unmarshal(c.Result, &want[0]); err != nil {
				t.Fatal(err)
			}
		} else if err := json.Unmarshal(c.Result, &want); err != nil {
			t.Fatal(err)
		}
		for i, q := range reqs {
			got, err := pipes[c.Kind].Match(pics.open(t, filepath.Join(dir, "inputs", q.Image)), q.Text)
			if err != nil {
				t.Errorf("%s %q: %v", q.Image, q.Text, err)
				continue
			}
			w := want[i]
			if math.Abs(got.Score-w.Score[1]) > 2e-5+1e-4*w.Score[1] || fmt.Sprint(got.Match) != strings.ToLower(w.Match) {
				t.Errorf("%s %q: %v %v, want %v", q.Image, q.Text, got.Match, got.Score, w)
			}
			if c.Logits != nil {
				check(t, q.Image+" "+q.Text, []float32{float32(got.Logits[0]), float32(got.Logits[1])}, c.Logits)
			}
		}
	})
}

func TestPBCPipeline(t *testing.T) {
	dir := golden(t, "pipelines")
	pipes := map[string]*PBCPipeline{}
	for _, kind := range []string{"tiny", "odd"} {
		pipes[kind] = &PBCPipeline{Model: openHeadAt(t, kind, "pbc", NewPBC), Processor: goldenProcessor(t, kind)}
	}
	pics := pictures{}
	lines(t, filepath.Join(dir, "pbc.jsonl"), func(line []byte) {
		var c struct {
			Kind, Image, Text string
			Logits            [][2]float64
			Focus             []float64 `json:"patch_softmax_class1"`
			Score             [][2]float64
			Overlay           string
			Scale             float64 `json:"overlay_saved_scale"`
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		what := fmt.Sprintf("%s %s %q", c.Kind, c.Image, c.Text)
		got, err := pipes[c.Kind].Locate(pics.open(t, filepath.Join(dir, "inputs", c.Image)), c.Text)
		if err != nil {
			t.Fatal(err)
		}
		near := func(name string, i int, g, w float64) {
			if math.Abs(g-w) > 2e-5+1e-4*math.Abs(w) {
				t.Errorf("%s: %s of patch %d is %g, want %g", what, name, i, g, w)
			}
		}
		for i := range c.Logits {
			near("outside", i, got.Logits[i][0], c.Logits[i][0])
			near("inside", i, got.Logits[i][1], c.Logits[i][1])
			near("focus", i, got.Focus[i], c.Focus[i])
			near("score", i, got.Inside[i], c.Score[i][1])
		}
		if c.Scale == 0 {
			checkOverlay(t, what, got, pics.open(t, filepath.Join(dir, c.Overlay)))
		}
	})
}

// checkOverlay compares the painting with the reference's. That one is drawn
// through a plot whose patch edges are blurred and off by half a pixel, so
// pixels within four of an edge are left out.
func checkOverlay(t *testing.T, what string, s *PatchScores, want image.Image) {
	t.Helper()
	got := s.Paint(Stretched)
	b := want.Bounds()
	if got.Bounds().Size() != b.Size() {
		t.Errorf("%s: painting is %v, want %v", what, got.Bounds().Size(), b.Size())
		return
	}
	inner := func(v, n int) bool {
		p := math.Mod(float64(v)+0.5, float64(n)/float64(s.Grid))
		return p > 4 && p < float64(n)/float64(s.Grid)-4
	}
	worst, n := 0, 0
	for y := range b.Dy() {
		for x := range b.Dx() {
			if !inner(x, b.Dx()) || !inner(y, b.Dy()) {
				continue
			}
			g := got.NRGBAAt(x, y)
			wr, wg, wb, _ := want.At(b.Min.X+x, b.Min.Y+y).RGBA()
			for _, d := range []int{int(g.R) - int(wr>>8), int(g.G) - int(wg>>8), int(g.B) - int(wb>>8)} {
				worst = max(worst, d, -d)
			}
			n++
		}
	}
	if n < b.Dx()*b.Dy()/3 || worst > 2 {
		t.Errorf("%s: painting is off by %d of 255 over %d pixels", what, worst, n)
	}
}

func TestMLMPipeline(t *testing.T) {
	proc := goldenProcessor(t, "tiny")
	p := &MLMPipeline{Model: openHeadAt(t, "tiny", "mlm", NewMLM), Processor: proc}
	img := shape(color.RGBA{200, 30, 30, 255})
	got, err := p.Fill(img, "the man in the [MASK] shirt is [MASK] an umbrella", 5)
	if err != nil {
		t.Fatal(err)
	}
	// The same by the whole forward pass.
	e, err := proc.encode(got.Text, "")
	if err != nil {
		t.Fatal(err)
	}
	px, err := proc.pixels(img, p.Model.Config())
	if err != nil {
		t.Fatal(err)
	}
	r := nn.NewRun()
	defer r.Close()
	y, _, err := p.Model.Forward(r, &Batch{IDs: [][]int{e.IDs}, Pixels: px.Data})
	if err != nil {
		t.Fatal(err)
	}
	n := p.Model.Config().Text.VocabSize
	blank := 0
	for i, id := range e.IDs {
		if id != proc.Tokenizer.MaskID() {
			continue
		}
		row := append([]float32(nil), nn.Floats(y)[i*n:(i+1)*n]...)
		nn.Softmax(row, n)
		fills := got.Blanks[blank]
		blank++
		if len(fills) != 5 {
			t.Fatalf("%d fills, want 5", len(fills))
		}
		for j, f := range fills {
			if math.Abs(float64(row[f.ID])-f.Score) > 1e-6 || proc.Tokenizer.Token(f.ID) != f.Token {
				t.Errorf("blank %d: %+v, want %g", blank, f, row[f.ID])
			}
			if j > 0 && f.Score > fills[j-1].Score {
				t.Errorf("blank %d: fills are not in order", blank)
			}
		}
	}
	if blank != 2 {
		t.Errorf("%d blanks, want 2", blank)
	}
	if _, err := p.Fill(img, "no blank here", 1); err == nil || !strings.Contains(err.Error(), "[MASK]") {
		t.Errorf("a text without a blank gives %v", err)
	}
}

// TestFeaturesReused asks many questions of one encoded picture and ranks
// pictures for one encoded text.
func TestFeaturesReused(t *testing.T) {
	p, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	img := shape(color.RGBA{0, 128, 0, 255})
	e, err := p.EncodeImage(img)
	if err != nil {
		t.Fatal(err)
	}
	var questions []string
	for range 70 {
		questions = append(questions, "what color is the rectangle?", "is there a circle in the image?", "what shape does the image contain?")
	}
	all, err := p.AnswerAll(e, questions, 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(all), len(questions))
	}
	for i, q := range questions {
		one, err := p.Answer(img, q, 3)
		if err != nil {
			t.Fatal(err)
		}
		for j, w := range one.Top {
			if g := all[i].Top[j]; g.Label != w.Label || math.Abs(g.Score-w.Score) > 1e-5 {
				t.Fatalf("question %d: %v, want %v", i, all[i], one)
			}
		}
	}
	if _, err := p.AnswerAll(e, []string{"fine?", " "}, 1); err == nil || !strings.Contains(err.Error(), "question 1") {
		t.Errorf("an empty second question gives %v", err)
	}

	itm := &ITMPipeline{Model: openHeadAt(t, "tiny", "itm", NewITM), Processor: goldenProcessor(t, "tiny")}
	imgs := []image.Image{shape(color.RGBA{255, 0, 0, 255}), shape(color.RGBA{0, 0, 255, 255}), shape(color.RGBA{9, 9, 9, 255})}
	ranked, err := itm.RankImages("a red thing", imgs)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range ranked.Items {
		one, err := itm.Match(imgs[m.Index], "a red thing")
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(one.Score-m.Score) > 1e-5 || i > 0 && m.Score > ranked.Items[i-1].Score {
			t.Errorf("rank %d: picture %d scores %g, alone %g", i, m.Index, m.Score, one.Score)
		}
	}

	// Three pairs out of two texts and two pictures, all from features.
	m := itm.Model
	b, _, err := itm.Processor.textBatch("text", []string{"a red thing", "two people and a dog"})
	if err != nil {
		t.Fatal(err)
	}
	tf, err := m.Body.EncodeTexts(b)
	if err != nil {
		t.Fatal(err)
	}
	var pixels []float32
	for _, img := range imgs[:2] {
		px, err := itm.Processor.pixels(img, m.Config())
		if err != nil {
			t.Fatal(err)
		}
		pixels = append(pixels, px.Data...)
	}
	vf, err := m.Body.EncodeImages(pixels)
	if err != nil {
		t.Fatal(err)
	}
	texts, images := []int{1, 0, 1}, []int{0, 1, 1}
	r := nn.NewRun()
	defer r.Close()
	y, err := m.Forward(r, &Batch{TextFeatures: tf, Texts: texts, ImageFeatures: vf, Images: images})
	if err != nil {
		t.Fatal(err)
	}
	for i := range texts {
		one := nn.NewRun()
		w, err := m.Forward(one, &Batch{IDs: [][]int{b.IDs[texts[i]]}, ImageFeatures: vf.Item(images[i])})
		if err != nil {
			t.Fatal(err)
		}
		check(t, fmt.Sprintf("pair %d", i), nn.Floats(y)[2*i:2*i+2], nn.Floats(w))
		one.Close()
	}
}

func TestRank(t *testing.T) {
	p, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	img := shape(color.RGBA{0, 128, 0, 255})
	a, err := p.Rank(img, "what color is the rectangle?", []string{"blue", "green", "circle"})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, x := range a.Top {
		sum += x.Score
	}
	if a.Best() != "green" || len(a.Top) != 3 || math.Abs(sum-1) > 1e-6 {
		t.Errorf("ranked %v, sum %g", a, sum)
	}
	if _, err := p.Rank(img, "what?", []string{"blue", "umbrella"}); err == nil || !strings.Contains(err.Error(), "umbrella") {
		t.Errorf("an unknown candidate gives %v", err)
	}
	if _, err := p.Rank(img, "what?", nil); err == nil {
		t.Error("no candidates give no error")
	}
}
