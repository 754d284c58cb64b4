package scenes

// ChoiceScene gives tests the scene behind a choice, which callers only see as
// a picture with boxes.
func (g *Generator) ChoiceScene(split Split, i int) Scene {
	s, _ := g.choiceScene(g.rand(split, i, drawChoice))
	return s
}
