package vle_test

import (
	"fmt"
	"image"
	"image/color"
	"log"

	"govle/vle"
)

// square is a red rectangle on a pale ground, as in easy-VQA.
func square() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for y := range 64 {
		for x := range 64 {
			img.SetRGBA(x, y, color.RGBA{240, 240, 240, 255})
			if x >= 16 && x < 46 && y >= 20 && y < 38 {
				img.SetRGBA(x, y, color.RGBA{255, 0, 0, 255})
			}
		}
	}
	return img
}

func ExampleVQAPipeline_Answer() {
	p, err := vle.Embedded()
	if err != nil {
		log.Fatal(err)
	}
	a, err := p.Answer(square(), "what color is the rectangle?", 3)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Best())
	// Output: red
}

func ExampleVQAPipeline_AnswerAll() {
	p, err := vle.Embedded()
	if err != nil {
		log.Fatal(err)
	}
	picture, err := p.EncodeImage(square()) // once, for all questions
	if err != nil {
		log.Fatal(err)
	}
	answers, err := p.AnswerAll(picture, []string{
		"what shape is in the image?", "is there a red shape?", "does the image contain a circle?",
	}, 1)
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range answers {
		fmt.Println(a.Question, a.Best())
	}
	// Output:
	// what shape is in the image? rectangle
	// is there a red shape? yes
	// does the image contain a circle? no
}

func ExampleVQAPipeline_Rank() {
	p, err := vle.Embedded()
	if err != nil {
		log.Fatal(err)
	}
	a, err := p.Rank(square(), "what color is the rectangle?", []string{"blue", "red", "green"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Best())
	// Output: red
}

func ExampleVQAPipeline_Explain() {
	p, err := vle.Embedded()
	if err != nil {
		log.Fatal(err)
	}
	x, err := p.Explain(square(), "what color is the rectangle?", 1)
	if err != nil {
		log.Fatal(err)
	}
	// How much the third token looks at each patch, in the last layer.
	m, err := x.TextToImage(x.Layers-1, vle.MeanHead, 2)
	if err != nil {
		log.Fatal(err)
	}
	rows, cols := m.Dims()
	fmt.Println(x.Answers.Best(), rows, cols)
	// Output: red 8 8
}

func ExampleOpenITM() {
	p, err := vle.OpenITM("vle-base-itm")
	if err != nil {
		fmt.Println("no such model here")
		return
	}
	defer p.Close()
	m, err := p.RankTexts(square(), []string{"a red rectangle", "two dogs"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m)
	// Output: no such model here
}

func ExampleOpenPBC() {
	p, err := vle.OpenPBC("vle-base-pbc")
	if err != nil {
		fmt.Println("no such model here")
		return
	}
	defer p.Close()
	s, err := p.Locate(square(), "the red rectangle")
	if err != nil {
		log.Fatal(err)
	}
	painted := s.Paint(vle.Cropped)
	fmt.Println(s, painted.Bounds())
	// Output: no such model here
}

func ExampleOpenMLM() {
	p, err := vle.OpenMLM("vle-base")
	if err != nil {
		fmt.Println("no such model here")
		return
	}
	defer p.Close()
	b, err := p.Fill(square(), "a [MASK] rectangle", 5)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(b)
	// Output: no such model here
}

func ExampleOpenVCR() {
	answers, err := vle.OpenVCR("vle-base-for-vcr-q2a", vle.Q2A)
	if err != nil {
		fmt.Println("no such model here")
		return
	}
	defer answers.Close()
	c, err := answers.Choose(square(), &vle.VCRQuestion{
		Objects:  []string{"person", "dog"},
		Boxes:    [][]float64{{4, 4, 30, 60}, {34, 30, 60, 60}},
		Question: []vle.VCRWord{{Text: "why"}, {Text: "is"}, {Objects: []int{0}}, {Text: "smiling?"}},
		Answers: [][]vle.VCRWord{
			{{Objects: []int{0}}, {Text: "likes"}, {Objects: []int{1}}}, {{Text: "it"}, {Text: "rains"}},
			{{Text: "nobody"}, {Text: "knows"}}, {{Text: "the"}, {Text: "food"}, {Text: "is"}, {Text: "good"}},
		},
	}, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c)
	// Output: no such model here
}
