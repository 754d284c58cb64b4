package docs

import "testing"

// trainingHead is what training.md's pieces have in scope.
const trainingHead = `package main

import (
	"context"
	"fmt"
	"image"

	"govle/kernel/display"
	"govle/vle"
	"govle/vle/tokenizer"
	"govle/vle/train"
)

var (
	ctx       = context.Background()
	img, img2 image.Image
	_         = fmt.Print
	_         = display.Show
	_         tokenizer.Options
	_         train.Options
)

func must[T any](v T, err error) T { return v }

func main() {}
`

// TestTrainingGuideCompiles type-checks every piece of Go in training.md.
func TestTrainingGuideCompiles(t *testing.T) { vetGuide(t, "training.md", trainingHead, 3) }
