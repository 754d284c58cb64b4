package scenes

import (
	"image/color"
	"math"
	"slices"

	"govle/datasets"
)

// The values of an object's attributes. A colour is one of easy-VQA's and looks
// the same (datasets.ShapeColors).
var (
	Shapes   = []string{"circle", "cross", "rectangle", "star", "triangle"}
	Colors   = []string{"black", "blue", "brown", "gray", "green", "red", "teal", "yellow"}
	Sizes    = []string{"small", "large"}
	Textures = []string{"solid", "striped", "hollow"}
)

// MaxObjects is the most objects that a scene can have.
const MaxObjects = 6

// answers is the vocabulary; its order is part of trained models, so new ones
// go to the end.
var answers = []string{
	"yes", "no",
	"0", "1", "2", "3", "4", "5", "6",
	"black", "blue", "brown", "gray", "green", "red", "teal", "yellow",
	"circle", "cross", "rectangle", "star", "triangle",
	"small", "large",
	"solid", "striped", "hollow",
	"left", "right", "top", "bottom",
}

// Answers returns every answer that a question can have, in a fixed order: the
// vocabulary of a model for scenes. It holds easy-VQA's 13 answers too.
func Answers() []string { return slices.Clone(answers) }

// Object is one object of a scene.
type Object struct {
	Shape, Color, Size, Texture string
	// X and Y are the centre of its bounding box; W and H that box's sides.
	X, Y, W, H float64
}

// attribute names one of an object's four attributes.
type attribute int

const (
	byColor attribute = iota
	byShape
	bySize
	byTexture
)

var attributes = []attribute{byColor, byShape, bySize, byTexture}

func (a attribute) String() string {
	return [...]string{"color", "shape", "size", "texture"}[a]
}

func (a attribute) values() []string {
	return [...][]string{Colors, Shapes, Sizes, Textures}[a]
}

func (a attribute) of(o Object) string {
	return [...]string{o.Color, o.Shape, o.Size, o.Texture}[a]
}

// field is where an object keeps the attribute.
func (a attribute) field(o *Object) *string {
	return [...]*string{&o.Color, &o.Shape, &o.Size, &o.Texture}[a]
}

// Scene is a picture before it is drawn.
type Scene struct {
	// Objects stand in the order in which they were placed; none overlap.
	Objects    []Object
	Background color.RGBA

	// theme is the phrase whose objects the scene's count question counts.
	theme phrase
}

// clear is how far apart the centres of two objects must lie along an axis for one to be left
// of or above the other in a question or caption; half of it from the middle makes a place.
const clear = 0.12

// direction is a relation between two places.
type direction int

const (
	leftOf direction = iota
	rightOf
	above
	below
)

var directions = []direction{leftOf, rightOf, above, below}

func (d direction) String() string {
	return [...]string{"left of", "right of", "above", "below"}[d]
}

// lead is how far a lies beyond b in the direction; negative when b does.
func (d direction) lead(a, b Object) float64 {
	switch d {
	case leftOf:
		return b.X - a.X
	case rightOf:
		return a.X - b.X
	case above:
		return b.Y - a.Y
	}
	return a.Y - b.Y
}

// holds reports that a clearly lies in the direction from b.
func (d direction) holds(a, b Object) bool { return d.lead(a, b) >= clear }

// unclear reports that a and b are too near along the axis to say.
func (d direction) unclear(a, b Object) bool { return math.Abs(d.lead(a, b)) < clear }

// Box returns the object's bounding box in the pixels of a picture of the given
// side: the smallest that holds every pixel that Draw paints for it.
func (o Object) Box(side int) datasets.Box {
	b := datasets.Box{X0: math.Inf(1), Y0: math.Inf(1), X1: math.Inf(-1), Y1: math.Inf(-1)}
	o.cover(side, func(x, y int, _, _ float64) {
		b.X0, b.Y0 = min(b.X0, float64(x)), min(b.Y0, float64(y))
		b.X1, b.Y1 = max(b.X1, float64(x+1)), max(b.Y1, float64(y+1))
	})
	return b
}
