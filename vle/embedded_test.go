package vle

import (
	"image"
	"image/color"
	"image/draw"
	"testing"
)

// TestEmbeddedByName opens the embedded model as a folder and closes it; the
// shared one is another and goes on.
func TestEmbeddedByName(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{230, 225, 235, 255}), image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(20, 18, 44, 40), image.NewUniform(color.RGBA{0, 0, 255, 255}), image.Point{}, draw.Src)
	const question = "what color is the rectangle?"
	shared, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	before, err := shared.Answer(img, question, 3)
	if err != nil {
		t.Fatal(err)
	}
	own, err := OpenVQA(EmbeddedModel)
	if err != nil {
		t.Fatal(err)
	}
	got, err := own.Answer(img, question, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got.Best() != "blue" || got.String() != before.String() {
		t.Errorf("opened by name it says\n%v\nand the shared one\n%v", got, before)
	}
	features, err := OpenFeatures(EmbeddedModel)
	if err != nil {
		t.Fatal(err)
	}
	f, err := features.Extract(img, question)
	if err != nil || len(f.Pooled) != 2*own.Model.Config().HiddenSize {
		t.Errorf("features of width %d: %v", len(f.Pooled), err)
	}
	if err := own.Close(); err != nil {
		t.Fatal(err)
	}
	if after, err := shared.Answer(img, question, 3); err != nil || after.String() != before.String() {
		t.Errorf("after another was closed the shared one says %v: %v", after, err)
	}
}
