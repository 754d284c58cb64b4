package vle_test

import (
	"fmt"
	"image"
	"image/color"
	"log"
	"os"

	"govle/vle"
	"govle/vle/checkpoint"
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

// untrained writes a new model of the embedded one's shape to a folder, which
// stands for one that was pulled or fine-tuned. What it says means nothing.
func untrained(build func(*vle.Config) (vle.Parameterized, error)) string {
	p, err := vle.Embedded()
	if err != nil {
		log.Fatal(err)
	}
	c := *p.Model.Config()
	c.NumTokenTypes = 8 // text, picture, and six boxes for VCR
	m, err := build(&c)
	if err != nil {
		log.Fatal(err)
	}
	vle.Initialize(m, 1)
	dir, err := os.MkdirTemp("", "vle-")
	if err != nil {
		log.Fatal(err)
	}
	if err := vle.Save(dir, m, p.Processor, checkpoint.SaveOptions{}); err != nil {
		log.Fatal(err)
	}
	return dir
}

func ExampleOpenITM() {
	dir := untrained(func(c *vle.Config) (vle.Parameterized, error) { return vle.NewITM(c) })
	defer os.RemoveAll(dir)
	p, err := vle.OpenITM(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	// One picture and many texts, best first; RankImages takes one text and many
	// pictures.
	m, err := p.RankTexts(square(), []string{"a red rectangle", "two dogs", "a street"})
	if err != nil {
		log.Fatal(err)
	}
	best := m.Items[0]
	fmt.Println(len(m.Items), best.Score >= m.Items[2].Score, best.Match.Match == (best.Score > 0.5))
	// Output: 3 true true
}

func ExampleOpenPBC() {
	dir := untrained(func(c *vle.Config) (vle.Parameterized, error) { return vle.NewPBC(c) })
	defer os.RemoveAll(dir)
	p, err := vle.OpenPBC(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	s, err := p.Locate(square(), "the red rectangle")
	if err != nil {
		log.Fatal(err)
	}
	rows, cols := s.InsideMap().Dims()
	painted := s.Paint(vle.Cropped) // where the patches lie; vle.Stretched as the reference paints
	fmt.Println(rows, cols, painted.Bounds().Size())
	// Output: 8 8 (64,64)
}

func ExampleOpenMLM() {
	dir := untrained(func(c *vle.Config) (vle.Parameterized, error) { return vle.NewMLM(c) })
	defer os.RemoveAll(dir)
	p, err := vle.OpenMLM(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	b, err := p.Fill(square(), "a [MASK] in the [MASK]", 5)
	if err != nil {
		log.Fatal(err)
	}
	for i, fills := range b.Blanks {
		fmt.Println("blank", i+1, "has", len(fills), "fills")
	}
	// Output:
	// blank 1 has 5 fills
	// blank 2 has 5 fills
}

// ExampleOpenVCR chooses an answer, and then its reason.
func ExampleOpenVCR() {
	open := func(task vle.VCRTask) *vle.VCRPipeline {
		dir := untrained(func(c *vle.Config) (vle.Parameterized, error) { return vle.NewVCR(c, task) })
		defer os.RemoveAll(dir) // what is mapped stays
		p, err := vle.OpenVCR(dir, task)
		if err != nil {
			log.Fatal(err)
		}
		return p
	}
	q2a, qa2r := open(vle.Q2A), open(vle.QA2R)
	defer q2a.Close()
	defer qa2r.Close()
	answer, reason, err := vle.ChooseBoth(q2a, qa2r, square(), &vle.VCRQuestion{
		Objects:  []string{"person", "dog"},
		Boxes:    [][]float64{{4, 4, 30, 60}, {34, 30, 60, 60}},
		Question: []vle.VCRWord{{Text: "is"}, {Objects: []int{0}}, {Text: "in the image?"}},
		Answers: [][]vle.VCRWord{
			{{Text: "yes"}}, {{Text: "no"}}, {{Objects: []int{1}}, {Text: "is"}}, {{Objects: []int{0, 1}}, {Text: "are"}},
		},
		Rationales: [][]vle.VCRWord{
			{{Text: "there is"}, {Objects: []int{0}}}, {{Text: "there is no shape"}}, {{Text: "it is red"}}, {{Text: "it is a circle"}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Task, len(answer.Scores), reason.Task, len(reason.Scores))
	// Output: Q2A 4 QA2R 4
}

func ExampleOpenFeatures() {
	p, err := vle.OpenFeatures(vle.EmbeddedModel) // the body of any head
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	picture, err := p.EncodeImage(square()) // once, for all texts
	if err != nil {
		log.Fatal(err)
	}
	for _, text := range []string{"a red rectangle", "a circle"} {
		f, err := p.Extract(picture, text)
		if err != nil {
			log.Fatal(err)
		}
		tokens, width := f.FusedText.Dims()
		patches, _ := f.FusedImage.Dims()
		fmt.Println(tokens == len(f.Tokens), width, patches, len(f.Pooled))
	}
	// Output:
	// true 64 65 128
	// true 64 65 128
}
