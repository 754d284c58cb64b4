package scenes

import (
	"fmt"
	"image"
	"math/rand/v2"

	"govle/datasets"
)

// Config says what a Generator makes. The zero value of a field stands for its
// default.
type Config struct {
	Seed uint64
	// Side is the pictures' side in pixels: 64.
	Side int
	// MinObjects and MaxObjects bound the objects of a scene: 1 and 5. At most
	// MaxObjects of the package fit.
	MinObjects, MaxObjects int
	// PerScene is how many questions are asked about each scene: 6, at most 16.
	PerScene int
}

// Split is a part of the data. Each has its own range of scene numbers, 2⁴⁰
// long.
type Split int

// The three parts. Choose settings by Val; look at Test once.
const (
	Train Split = iota
	Val
	Test
)

func (s Split) String() string { return [...]string{"train", "val", "test"}[s] }

// splitScenes is how many scene numbers a split has.
const splitScenes = 1 << 40

// Generator makes scenes and what can be asked of them. It has no state: all
// its methods may be called from several goroutines at once, and give the same
// for the same arguments.
type Generator struct{ cfg Config }

// New returns a generator; an impossible configuration is an error.
func New(cfg Config) (*Generator, error) {
	set := func(v *int, byDefault int) {
		if *v == 0 {
			*v = byDefault
		}
	}
	set(&cfg.Side, 64)
	set(&cfg.MinObjects, 1)
	set(&cfg.MaxObjects, 5)
	set(&cfg.PerScene, 6)
	switch {
	case cfg.Side < 8 || cfg.Side > maxSide:
		return nil, fmt.Errorf("scenes: a picture side of %d is outside 8 to %d pixels", cfg.Side, maxSide)
	case cfg.MinObjects < 1 || cfg.MaxObjects < cfg.MinObjects || cfg.MaxObjects > MaxObjects:
		return nil, fmt.Errorf("scenes: %d to %d objects a scene; at least 1, at most %d", cfg.MinObjects, cfg.MaxObjects, MaxObjects)
	case cfg.PerScene < 1 || cfg.PerScene > 16:
		return nil, fmt.Errorf("scenes: %d questions a scene, outside 1 to 16", cfg.PerScene)
	}
	return &Generator{cfg}, nil
}

// Config returns the configuration with the defaults filled in.
func (g *Generator) Config() Config { return g.cfg }

// Streams of random numbers that one scene draws from, so that its questions do
// not change when its caption does.
const (
	drawScene uint64 = iota
	drawQuestions
	drawCaption
	drawChoice
)

func (g *Generator) rand(split Split, i int, stream uint64) *rand.Rand {
	if split < Train || split > Test || i < 0 || i >= splitScenes {
		panic(fmt.Sprintf("scenes: no scene %d in split %d", i, int(split)))
	}
	number := uint64(split)*splitScenes + uint64(i)
	return rand.New(rand.NewPCG(g.cfg.Seed, number<<8|stream))
}

// Scene returns scene i of a split. It panics if there is no such split or i is
// outside 0 to 2⁴⁰-1.
func (g *Generator) Scene(split Split, i int) Scene {
	return sample(g.rand(split, i, drawScene), g.cfg.MinObjects, g.cfg.MaxObjects)
}

// Ask returns the questions about scene i, Config.PerScene of them.
func (g *Generator) Ask(split Split, i int) []QA {
	return g.Scene(split, i).questions(g.rand(split, i, drawQuestions), g.cfg.PerScene)
}

func (g *Generator) picture(name string, s Scene) datasets.Picture {
	return datasets.DrawnPicture(name, func() (image.Image, error) { return s.Draw(g.cfg.Side) })
}

func name(split Split, i int) string { return fmt.Sprintf("scene %s/%d", split, i) }

// source is a data set of n items that at makes.
type source[T any] struct {
	n  int
	at func(i int) T
}

func (s source[T]) Len() int { return s.n }

func (s source[T]) At(i int) (T, error) {
	if i < 0 || i >= s.n {
		panic(fmt.Sprintf("scenes: item %d of %d", i, s.n))
	}
	return s.at(i), nil
}

// Questions is the data set of all questions about the first n scenes of a
// split, n × Config.PerScene long, with Type and AnswerType set. The questions of
// a scene follow each other and share their Picture's name.
func (g *Generator) Questions(split Split, n int) datasets.Source[datasets.Question] {
	per := g.cfg.PerScene
	return source[datasets.Question]{n * per, func(k int) datasets.Question {
		i := k / per
		s := g.Scene(split, i)
		q := s.questions(g.rand(split, i, drawQuestions), per)[k%per]
		return datasets.Question{
			ID: int64(k), Picture: g.picture(name(split, i), s), Text: q.Text, Answer: q.Answer,
			Type: q.Type, AnswerType: q.AnswerType(),
		}
	}}
}

// Captions is the data set of captions of the first n scenes of a split: a true
// text, three false ones that differ in a word, and boxes for the
// text's phrases, exact to the pixel.
func (g *Generator) Captions(split Split, n int) datasets.Source[datasets.Caption] {
	return source[datasets.Caption]{n, func(i int) datasets.Caption {
		s := g.Scene(split, i)
		c := s.caption(g.rand(split, i, drawCaption), g.cfg.Side)
		c.ID = fmt.Sprintf("%s/%d", split, i)
		c.Picture = g.picture(name(split, i), s)
		return c
	}}
}

// Choices is a data set of n questions with four answers and four rationales
// about objects, which the texts name only by number. They have scenes of their
// own, of four objects at least.
func (g *Generator) Choices(split Split, n int) datasets.Source[datasets.Choice] {
	return source[datasets.Choice]{n, func(i int) datasets.Choice { return g.choice(split, i) }}
}

func (g *Generator) choice(split Split, i int) datasets.Choice {
	r := g.rand(split, i, drawChoice)
	s, c := g.choiceScene(r)
	out := datasets.Choice{
		ID: fmt.Sprintf("%s/%d", split, i), Picture: g.picture("choice "+name(split, i), s), Question: c.question,
		Answer: shuffleFirst(r, c.answers), Answers: c.answers,
		Rationale: shuffleFirst(r, c.rationales), Rationales: c.rationales,
	}
	for _, o := range s.Objects {
		out.Objects = append(out.Objects, datasets.Object{Name: "object", Box: o.Box(g.cfg.Side)})
	}
	return out
}

// choiceScene draws a kind of question first and then scenes until one offers
// it.
func (g *Generator) choiceScene(r *rand.Rand) (Scene, choice) {
	kind, d, k := pick(r, choiceKinds), pick(r, directions), pick(r, attributes)
	for {
		s := sample(r, max(4, g.cfg.MinObjects), max(5, g.cfg.MaxObjects))
		// Large objects are placed first; their numbers must not tell.
		r.Shuffle(len(s.Objects), func(i, j int) { s.Objects[i], s.Objects[j] = s.Objects[j], s.Objects[i] })
		if c, ok := kind(s, r, d, k); ok {
			return s, c
		}
	}
}

// shuffleFirst shuffles a list and returns where its first entry went.
func shuffleFirst[T any](r *rand.Rand, list []T) int {
	at := 0
	r.Shuffle(len(list), func(i, j int) {
		list[i], list[j] = list[j], list[i]
		switch at {
		case i:
			at = j
		case j:
			at = i
		}
	})
	return at
}
