package vle

import (
	"encoding/json"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"govle/vle/checkpoint"
	"govle/vle/nn"
)

// writeEncoder writes those of a body's parameters that start with part to a
// folder, under the names that the encoder has by itself.
func writeEncoder(t *testing.T, m *Model, part, prefix string, cfg any) string {
	dir := t.TempDir()
	var out []checkpoint.Parameter
	for _, p := range Parameters(m) {
		if bare, ok := strings.CutPrefix(p.Name, part); ok {
			p.Name = prefix + bare
			out = append(out, p)
		}
	}
	if err := checkpoint.Save(dir, out, checkpoint.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestCompose takes a body apart into a DeBERTa folder and a CLIP folder and
// puts them together again.
func TestCompose(t *testing.T) {
	p, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	m, cfg := p.Model.Body, p.Model.Config()
	text := writeEncoder(t, m, "text_model.", "deberta.", cfg.Text)
	vision := writeEncoder(t, m, "vision_model.", "", map[string]any{"model_type": "clip", "vision_config": cfg.Vision})
	fusion := DefaultConfig()
	fusion.HiddenSize, fusion.NumLayers, fusion.NumHeads, fusion.IntermediateSize = 32, 1, 2, 64
	c, rep, err := Compose(text, vision, fusion, 1)
	if err != nil {
		t.Fatalf("%v\n%s", err, rep)
	}
	for _, name := range rep.Missing {
		if strings.HasPrefix(name, "text_model.") || strings.HasPrefix(name, "vision_model.") {
			t.Errorf("%s was not found", name)
		}
	}
	if len(rep.Missing) == 0 {
		t.Error("the fusion is reported as found")
	}
	b, _, err := p.Processor.textBatch("text", []string{"a red rectangle"})
	if err != nil {
		t.Fatal(err)
	}
	px, err := p.Processor.pixels(shape(color.RGBA{255, 0, 0, 255}), cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.Pixels = px.Data
	r := nn.NewRun()
	defer r.Close()
	want, err := m.Forward(r, b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Forward(r, b)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "text features", nn.Floats(got.TextFeatures), nn.Floats(want.TextFeatures))
	check(t, "image features", nn.Floats(got.ImageFeatures), nn.Floats(want.ImageFeatures))
	if s := got.Pooled.Shape(); s[1] != 64 {
		t.Errorf("pooled width %d, want 64", s[1])
	}
	if _, _, err := Compose(vision, text, fusion, 1); err == nil {
		t.Error("folders in the wrong order give no error")
	}
}

// TestImageSize opens a model at another resolution.
func TestImageSize(t *testing.T) {
	dir := copyModel(t, "embedded")
	p, err := OpenVQA(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.SetImageSize(96); err != nil {
		t.Fatal(err)
	}
	img := shape(color.RGBA{255, 0, 0, 255})
	x, err := p.Explain(img, "what color is the rectangle?", 1)
	if err != nil {
		t.Fatal(err)
	}
	if x.Grid != 12 || x.Answers.Best() != "red" {
		t.Errorf("at 96 px: %v", x)
	}
	if err := p.SetImageSize(4); err == nil {
		t.Error("a picture smaller than a patch gives no error")
	}
}
