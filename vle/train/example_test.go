package train_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"log"
	"os"
	"path/filepath"

	"govle/vle"
	"govle/vle/tokenizer"
	"govle/vle/train"
)

// disc is a picture of one coloured square.
func disc(c color.Color) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(16, 16, 48, 48), image.NewUniform(c), image.Point{}, draw.Src)
	return img
}

// A model of the embedded one's shape learns two answers from scratch, and the
// checkpoint opens as a pipeline.
func ExampleNew() {
	embedded, err := vle.Embedded()
	if err != nil {
		log.Fatal(err)
	}
	p := embedded.Processor
	m, err := vle.NewVQA(embedded.Model.Config())
	if err != nil {
		log.Fatal(err)
	}
	vle.Initialize(m, 1)

	labels := embedded.Model.Config().Labels
	question, err := p.Tokenizer.Encode("what color is the shape?", tokenizer.Options{})
	if err != nil {
		log.Fatal(err)
	}
	var data train.Examples
	for label, name := range labels {
		c, ok := map[string]color.Color{"red": color.RGBA{255, 0, 0, 255}, "blue": color.RGBA{0, 0, 255, 255}}[name]
		if !ok {
			continue
		}
		px, err := p.Images.Process(disc(c))
		if err != nil {
			log.Fatal(err)
		}
		data = append(data, &train.Example{
			ID: name, Text: train.Text{IDs: question.IDs}, Pixels: px.Data,
			Labels: []int{label}, Scores: []float32{1},
		})
	}

	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	tr, err := train.New(m, data, train.Options{
		Objective: train.VQA{},
		Groups:    train.GroupOptions{LR: 2e-3},
		Steps:     30,
		Schedule:  train.Schedule{Kind: train.Cosine, Warmup: 0.1},
		Dir:       dir,
		Processor: p,
		Report:    func(*train.Status) {},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := tr.Fit(context.Background()); err != nil {
		log.Fatal(err)
	}
	trained, err := vle.OpenVQA(filepath.Join(dir, "last"))
	if err != nil {
		log.Fatal(err)
	}
	defer trained.Close()
	for _, c := range []color.Color{color.RGBA{0, 0, 255, 255}, color.RGBA{255, 0, 0, 255}} {
		a, err := trained.Answer(disc(c), "what color is the shape?", 1)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(a.Best())
	}
	// Output:
	// blue
	// red
}

func ExampleSchedule_Factor() {
	s := train.Schedule{Kind: train.Linear, Warmup: 2}
	for step := range 6 {
		fmt.Printf("%.2f ", s.Factor(step, 6, 1e-3))
	}
	// Output: 0.00 0.50 1.00 0.75 0.50 0.25
}
