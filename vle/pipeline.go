package vle

import (
	"fmt"
	"image"
	"io"

	"govle/vle/checkpoint"
	"govle/vle/imageproc"
	"govle/vle/tokenizer"
)

// openPipeline opens a model folder, or [EmbeddedModel], for a pipeline: builds the model that new
// makes of the configuration, loads its weights and its processor.
func openPipeline[M Parameterized](dir string, build func(*Config) (M, error)) (m M, p *Processor, weights io.Closer, err error) {
	if dir == EmbeddedModel {
		return openEmbedded(build)
	}
	cfg, store, err := openWeights(dir)
	if err != nil {
		return m, nil, nil, err
	}
	m, p, err = assemble(cfg, store, build, func() (*Processor, error) { return LoadProcessor(dir) })
	if err != nil {
		store.Close()
		return m, nil, nil, fmt.Errorf("opening %s: %w", dir, err)
	}
	return m, p, store, nil
}

func assemble[M Parameterized](cfg *Config, store *checkpoint.Store, build func(*Config) (M, error), processor func() (*Processor, error)) (m M, p *Processor, err error) {
	if m, err = build(cfg); err != nil {
		return m, nil, err
	}
	if _, err = Load(m, store, LoadOptions{}); err != nil {
		return m, nil, err
	}
	if p, err = processor(); err != nil {
		return m, nil, err
	}
	return m, p, p.Check(cfg)
}

func closeWeights(c io.Closer) error {
	if c == nil {
		return nil
	}
	return c.Close()
}

// EncodedImage is a picture that went through a model's vision encoder. It
// stands for the picture wherever a pipeline takes one, and is not encoded again
// there by the pipeline that made it; another one encodes the picture anew. It
// may be used by many goroutines at once, until the model changes.
type EncodedImage struct {
	// Image is the picture itself.
	image.Image
	Features *ImageFeatures
	// Geometry says which part of the picture the patches cover.
	Geometry imageproc.Geometry

	body *Model // whose features they are
}

// encodeImage prepares a picture and runs m's vision encoder over it, unless
// that has been done.
func encodeImage(m *Model, p *Processor, img image.Image) (*EncodedImage, error) {
	for {
		e, ok := img.(*EncodedImage)
		switch {
		case !ok:
		case e == nil:
			img = nil
		case e.body == m && e.Features.Tokens == m.cfg.Vision.Patches()+1:
			return e, nil
		default: // another model's, or this one's before SetImageSize
			img = e.Image
			continue
		}
		break
	}
	px, err := p.pixels(img, m.cfg)
	if err != nil {
		return nil, fmt.Errorf("vle: picture: %w", err)
	}
	f, err := m.EncodeImages(px.Data)
	if err != nil {
		return nil, err
	}
	return &EncodedImage{Image: img, Features: f, Geometry: px.Geometry, body: m}, nil
}

// textBatch makes a batch of texts without pictures, and returns the encodings.
func (p *Processor) textBatch(what string, texts []string) (*Batch, []*tokenizer.Encoding, error) {
	if len(texts) == 0 {
		return nil, nil, fmt.Errorf("vle: no %s", what)
	}
	b := &Batch{}
	encodings := make([]*tokenizer.Encoding, len(texts))
	for i, t := range texts {
		e, err := p.encode(t, "")
		if err != nil {
			if len(texts) > 1 {
				return nil, nil, fmt.Errorf("vle: %s %d: %w", what, i, err)
			}
			return nil, nil, fmt.Errorf("vle: %s: %w", what, err)
		}
		encodings[i] = e
		b.IDs = append(b.IDs, e.IDs)
		b.TypeIDs = append(b.TypeIDs, e.TypeIDs)
	}
	return b, encodings, nil
}

// batchTokens bounds the rows of hidden states, texts' and pictures' together,
// that one pass over many items holds.
const batchTokens = 8192

// chunks splits the items of a batch that all look at one picture of tokens
// tokens into passes of bounded size, and calls f with each part's limits.
func chunks(lengths []int, tokens int, f func(from, to int) error) error {
	for from := 0; from < len(lengths); {
		to, rows := from, 0
		for to < len(lengths) && (to == from || rows+lengths[to]+tokens <= batchTokens) {
			rows += lengths[to] + tokens
			to++
		}
		if err := f(from, to); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// onImage calls f with passes over the texts of b, each a batch about the one
// picture of e; from is the number of the pass's first text.
func onImage(e *EncodedImage, b *Batch, f func(part *Batch, from int) error) error {
	lengths := make([]int, len(b.IDs))
	for i, ids := range b.IDs {
		lengths[i] = len(ids)
	}
	return chunks(lengths, e.Features.Tokens, func(from, to int) error {
		return f(&Batch{
			IDs: b.IDs[from:to], TypeIDs: b.TypeIDs[from:to],
			ImageFeatures: e.Features, Images: make([]int, to-from),
		}, from)
	})
}
