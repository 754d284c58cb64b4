package datasets_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"regexp"
	"strings"
	"testing"

	"govle/datasets"
)

func picture(c color.RGBA, w, h int) datasets.Picture {
	return datasets.DrawnPicture("plain", func() (image.Image, error) {
		img := image.NewRGBA(image.Rect(0, 0, w, h))
		for i := range w * h {
			img.SetRGBA(i%w, i/w, c)
		}
		return img, nil
	})
}

func TestGrid(t *testing.T) {
	red, blue := color.RGBA{200, 0, 0, 255}, color.RGBA{0, 0, 200, 255}
	g, err := datasets.QuestionGrid([]datasets.Question{
		{Picture: picture(red, 10, 10), Text: "is it <b>red</b>?", Answer: "yes"},
		{Picture: picture(blue, 400, 200), Text: "what color?", Answer: "blue"},
		{Picture: picture(red, 1, 1), Text: "third", Answer: "3"},
	})
	if err != nil {
		t.Fatal(err)
	}
	g.Columns, g.Side = 2, 50
	img := g.Image()
	if got := img.Bounds().Size(); got != image.Pt(104, 104) {
		t.Errorf("grid of %v", got)
	}
	for at, want := range map[image.Point]color.RGBA{
		{25, 25}: red, {60, 12}: blue, {60, 40}: {255, 255, 255, 255}, {25, 80}: red, {80, 80}: {255, 255, 255, 255},
	} {
		if got := img.RGBAAt(at.X, at.Y); got != want {
			t.Errorf("pixel %v is %v, want %v", at, got, want)
		}
	}
	bundle := g.MIMEBundle()
	page := bundle["text/html"].(string)
	if !strings.Contains(page, "is it &lt;b&gt;red&lt;/b&gt;?") || strings.Contains(page, "<b>red") {
		t.Errorf("text is not escaped: %s", page)
	}
	pngs := regexp.MustCompile(`base64,([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(pngs) != 3 {
		t.Fatalf("%d pictures in the page", len(pngs))
	}
	data, err := base64.StdEncoding.DecodeString(pngs[1][1])
	if err != nil {
		t.Fatal(err)
	}
	thumb, err := png.Decode(bytes.NewReader(data))
	if err != nil || thumb.Bounds().Size() != image.Pt(50, 25) {
		t.Errorf("second thumbnail %v, %v", thumb.Bounds(), err)
	}
	if plain := bundle["text/plain"].(string); !strings.Contains(plain, "2. what color? | blue") {
		t.Errorf("plain text %q", plain)
	}
}

func TestGridDrawsBoxes(t *testing.T) {
	white := color.RGBA{255, 255, 255, 255}
	g, err := datasets.CaptionGrid([]datasets.Caption{{
		Picture: picture(white, 10, 10), Text: "a box",
		Regions: []datasets.Region{{Phrase: "a box", Boxes: []datasets.Box{{X0: 2, Y0: 3, X1: 8, Y1: 10}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	g.Side = 100
	img := g.Image()
	for at, onBox := range map[image.Point]bool{{20, 50}: true, {79, 50}: true, {50, 30}: true, {50, 99}: true, {19, 50}: false, {80, 50}: false, {50, 50}: false} {
		if got := img.RGBAAt(at.X, at.Y) != white; got != onBox {
			t.Errorf("pixel %v on the box's line: %v, want %v", at, got, onBox)
		}
	}
	if _, err := datasets.QuestionGrid([]datasets.Question{{Picture: datasets.FilePicture("missing.png")}}); err == nil || !strings.Contains(err.Error(), "missing.png") {
		t.Errorf("error %v", err)
	}
	if empty := (&datasets.Grid{}).Image(); empty.Bounds().Empty() {
		t.Error("an empty grid has no picture to show")
	}
}

func TestPictures(t *testing.T) {
	for want, p := range map[string]datasets.Picture{
		"neither a file nor a drawing": {Name: "9"},
		"unknown format":               datasets.FilePicture(write(t, "text.png", "hello")),
		"are more than":                datasets.FilePicture(write(t, "bomb.gif", "GIF89a\xff\xff\xff\xff\x00\x00\x00")),
	} {
		if _, err := p.Image(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

func ExampleGrid() {
	shape := datasets.Shape{Kind: "circle", Color: "teal", X: 0.5, Y: 0.5, W: 0.5, H: 0.5, Background: color.RGBA{250, 250, 250, 255}}
	p := datasets.DrawnPicture("a teal circle", func() (image.Image, error) { return shape.Draw(64) })
	grid, err := datasets.QuestionGrid([]datasets.Question{{Picture: p, Text: "what color is the circle?", Answer: "teal"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(grid.MIMEBundle()["text/plain"]) // a notebook shows the pictures
	// Output: 1. what color is the circle? | teal
}
