package datasets_test

import (
	"bytes"
	"flag"
	"fmt"
	"image/color"
	"image/png"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"govle/datasets"
)

var update = flag.Bool("update", false, "draw the pictures in testdata/shapes anew")

// gallery are the pictures in testdata/shapes, by file name.
var gallery = map[string]datasets.Shape{
	"red-triangle":     {Kind: "triangle", Color: "red", X: 0.66, Y: 0.36, W: 0.40, H: 0.35, Background: color.RGBA{232, 245, 238, 255}},
	"blue-circle":      {Kind: "circle", Color: "blue", X: 0.38, Y: 0.55, W: 0.42, H: 0.42, Background: color.RGBA{250, 246, 235, 255}},
	"yellow-rectangle": {Kind: "rectangle", Color: "yellow", X: 0.55, Y: 0.70, W: 0.50, H: 0.28, Background: color.RGBA{234, 234, 250, 255}},
	"teal-circle":      {Kind: "circle", Color: "teal", X: 0.70, Y: 0.66, W: 0.24, H: 0.24, Background: color.RGBA{252, 236, 240, 255}},
	"black-rectangle":  {Kind: "rectangle", Color: "black", X: 0.30, Y: 0.32, W: 0.22, H: 0.36, Background: color.RGBA{240, 240, 240, 255}},
	"green-triangle":   {Kind: "triangle", Color: "green", X: 0.32, Y: 0.68, W: 0.34, H: 0.30, Background: color.RGBA{246, 240, 252, 255}},
}

func TestTestdataPictures(t *testing.T) {
	for name, shape := range gallery {
		img, err := shape.Draw(64)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := png.Encode(&got, img); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("..", "testdata", "shapes", name+".png")
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := png.Decode(f)
		f.Close()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for y := range 64 {
			for x := range 64 {
				r, g, b, a := want.At(x, y).RGBA()
				if p := img.RGBAAt(x, y); uint32(p.R) != r>>8 || uint32(p.G) != g>>8 || uint32(p.B) != b>>8 || uint32(p.A) != a>>8 {
					t.Fatalf("%s differs at (%d, %d) from what is drawn now; go test ./datasets -update draws it anew", file, x, y)
				}
			}
		}
	}
}

func TestRandomShapeStaysInside(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	kinds := map[string]int{}
	for range 2000 {
		s := datasets.RandomShape(r)
		kinds[s.Kind+s.Color]++
		if s.X-s.W/2 < -1e-9 || s.X+s.W/2 > 1+1e-9 || s.Y-s.H/2 < -1e-9 || s.Y+s.H/2 > 1+1e-9 {
			t.Fatalf("%+v leaves the picture", s)
		}
	}
	if want := len(datasets.ShapeKinds) * len(datasets.ShapeColors); len(kinds) != want {
		t.Errorf("%d of %d kinds and colours were drawn", len(kinds), want)
	}
	again := rand.New(rand.NewPCG(1, 2))
	if a, b := datasets.RandomShape(again), datasets.RandomShape(rand.New(rand.NewPCG(1, 2))); a != b {
		t.Errorf("the same seed gave %+v and %+v", a, b)
	}
}

// TestAreas checks that each kind covers the area that geometry says.
func TestAreas(t *testing.T) {
	for kind, share := range map[string]float64{"circle": 3.14159265 / 4, "rectangle": 1, "triangle": 0.5} {
		img, err := datasets.Shape{Kind: kind, Color: "black", X: 0.5, Y: 0.5, W: 0.6, H: 0.6, Background: color.RGBA{255, 255, 255, 255}}.Draw(200)
		if err != nil {
			t.Fatal(err)
		}
		dark := 0.0
		for y := range 200 {
			for x := range 200 {
				dark += 1 - float64(img.RGBAAt(x, y).R)/255
			}
		}
		if got, want := dark/(200*200), share*0.36; got < want-0.003 || got > want+0.003 {
			t.Errorf("%s covers %.4f of the picture, want %.4f", kind, got, want)
		}
	}
}

func TestBadShapes(t *testing.T) {
	good := gallery["red-triangle"]
	for want, change := range map[string]func(*datasets.Shape) int{
		"unknown colour": func(s *datasets.Shape) int { s.Color = "mauve"; return 64 },
		"unknown shape":  func(s *datasets.Shape) int { s.Kind = "star"; return 64 },
		"width":          func(s *datasets.Shape) int { s.W = 0; return 64 },
		"side":           func(s *datasets.Shape) int { return 1 << 20 },
	} {
		s := good
		side := change(&s)
		if _, err := s.Draw(side); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

func ExampleShape_Draw() {
	s := datasets.Shape{Kind: "circle", Color: "teal", X: 0.5, Y: 0.5, W: 0.5, H: 0.5, Background: color.RGBA{250, 250, 250, 255}}
	img, err := s.Draw(64)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s, "at the centre:", img.RGBAAt(32, 32))
	// Output: a teal circle at the centre: {0 128 128 255}
}
