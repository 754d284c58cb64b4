package vle

import (
	"errors"
	"fmt"
	"image"
	"os"
	"strings"

	"io/fs"

	"govle/vle/imageproc"
	"govle/vle/tokenizer"
)

// Processor makes a model's inputs of pictures and texts.
type Processor struct {
	Tokenizer *tokenizer.Tokenizer
	Images    *imageproc.Processor
}

// Limits of what a pipeline takes. The reference neither truncates a text nor
// bounds it; attention over it costs memory by the square of its tokens.
const (
	// MaxTextBytes is the longest text in bytes.
	MaxTextBytes = 64 << 10
	// MaxTextTokens is the longest text in tokens.
	MaxTextTokens = 2048
)

// ErrEmptyText is the error for a text without anything in it.
var ErrEmptyText = errors.New("the text is empty")

// LoadProcessor reads the tokenizer and the image processor's settings of a
// model folder.
func LoadProcessor(dir string) (*Processor, error) {
	p, err := LoadProcessorFS(os.DirFS(dir), ".")
	if err != nil {
		return nil, fmt.Errorf("model folder %s: %w", dir, err)
	}
	return p, nil
}

// LoadProcessorFS is [LoadProcessor] for a folder of a file system.
func LoadProcessorFS(fsys fs.FS, dir string) (*Processor, error) {
	t, err := tokenizer.LoadFS(fsys, dir)
	if err != nil {
		return nil, err
	}
	im, err := imageproc.LoadFS(fsys, dir)
	if err != nil {
		return nil, err
	}
	return &Processor{Tokenizer: t, Images: im}, nil
}

// Check reports settings that do not fit a model of the configuration.
func (p *Processor) Check(c *Config) error {
	if n := p.Tokenizer.VocabSize(); n > c.Text.VocabSize {
		return fmt.Errorf("vle: the tokenizer has %d tokens, the model's vocabulary %d: they do not belong together", n, c.Text.VocabSize)
	}
	s, want := p.Images.CropSize, c.Vision.ImageSize
	if p.Images.DoCenterCrop && (s.Width != want || s.Height != want) {
		return fmt.Errorf("vle: preprocessor_config.json makes pictures of %d×%d, config.json says image_size %d: change one of them", s.Width, s.Height, want)
	}
	return nil
}

// setImageSize makes the processor prepare pictures of size pixels a side.
func (p *Processor) setImageSize(size int) {
	im := *p.Images
	im.Size = imageproc.Size{ShortestEdge: size}
	im.CropSize = imageproc.Size{Width: size, Height: size}
	p.Images = &im
}

// encode turns one text, or a pair when second is not empty, into tokens.
func (p *Processor) encode(text, second string) (*tokenizer.Encoding, error) {
	if strings.TrimSpace(text) == "" {
		return nil, ErrEmptyText
	}
	if n := len(text) + len(second); n > MaxTextBytes {
		return nil, fmt.Errorf("the text has %d bytes, more than %d: shorten it", n, MaxTextBytes)
	}
	var e *tokenizer.Encoding
	var err error
	if second == "" {
		e, err = p.Tokenizer.Encode(text, tokenizer.Options{})
	} else {
		e, err = p.Tokenizer.EncodePair(text, second, tokenizer.Options{})
	}
	if err != nil {
		return nil, err
	}
	if e.Len() > MaxTextTokens {
		return nil, fmt.Errorf("the text has %d tokens, more than %d: shorten it", e.Len(), MaxTextTokens)
	}
	return e, nil
}

// pixels prepares one picture for the model.
func (p *Processor) pixels(img image.Image, c *Config) (*imageproc.Pixels, error) {
	if img == nil {
		return nil, errors.New("there is no picture (nil image)")
	}
	px, err := p.Images.Process(img)
	if err != nil {
		return nil, err
	}
	if want := c.Vision.ImageSize; px.W != want || px.H != want {
		return nil, fmt.Errorf("the picture became %d×%d and the model takes %d×%d: set do_center_crop in preprocessor_config.json", px.W, px.H, want, want)
	}
	return px, nil
}
