package vle

import (
	"fmt"
	"image"
	"io"

	"govle/vle/checkpoint"
	"govle/vle/nn"
)

// VQAPipeline answers questions about pictures. It may be used by many
// goroutines at once.
type VQAPipeline struct {
	Model     *VQA
	Processor *Processor

	weights io.Closer
}

// OpenVQA opens a folder in Hugging Face layout: config.json, the weights,
// spm.model and the tokenizer's and image processor's settings. Weights are
// mapped into memory where the format allows, not read.
func OpenVQA(dir string) (*VQAPipeline, error) {
	cfg, store, err := openWeights(dir)
	if err != nil {
		return nil, err
	}
	p, err := newVQAPipeline(cfg, store, func() (*Processor, error) { return LoadProcessor(dir) })
	if err != nil {
		store.Close()
		return nil, fmt.Errorf("opening %s: %w", dir, err)
	}
	p.weights = store
	return p, nil
}

func newVQAPipeline(cfg *Config, store *checkpoint.Store, processor func() (*Processor, error)) (*VQAPipeline, error) {
	m, err := NewVQA(cfg)
	if err != nil {
		return nil, err
	}
	if _, err := Load(m, store, LoadOptions{}); err != nil {
		return nil, err
	}
	proc, err := processor()
	if err != nil {
		return nil, err
	}
	if err := proc.check(cfg); err != nil {
		return nil, err
	}
	return &VQAPipeline{Model: m, Processor: proc}, nil
}

// Close gives the weights back. The pipeline must not be used any more.
func (p *VQAPipeline) Close() error {
	if p.weights == nil {
		return nil
	}
	return p.weights.Close()
}

// Answer returns the k best answers to a question about img. An empty question
// gives [ErrEmptyText]; one longer than [MaxTextBytes] or [MaxTextTokens] an
// error that says so.
func (p *VQAPipeline) Answer(img image.Image, question string, k int) (*Answers, error) {
	if k < 1 {
		return nil, fmt.Errorf("vle: %d answers asked for", k)
	}
	b, err := p.batch(img, question)
	if err != nil {
		return nil, err
	}
	r := nn.NewRun()
	defer r.Close()
	logits, err := p.Model.Forward(r, b)
	if err != nil {
		return nil, err
	}
	return topAnswers(question, nn.Floats(logits), p.Model.Config().Labels, k), nil
}

// Logits returns the logits over the model's labels.
func (p *VQAPipeline) Logits(img image.Image, question string) ([]float32, error) {
	b, err := p.batch(img, question)
	if err != nil {
		return nil, err
	}
	r := nn.NewRun()
	defer r.Close()
	logits, err := p.Model.Forward(r, b)
	if err != nil {
		return nil, err
	}
	return append([]float32(nil), nn.Floats(logits)...), nil
}

func (p *VQAPipeline) batch(img image.Image, question string) (*Batch, error) {
	e, err := p.Processor.encode(question, "")
	if err != nil {
		return nil, fmt.Errorf("vle: question: %w", err)
	}
	px, err := p.Processor.pixels(img, p.Model.Config())
	if err != nil {
		return nil, fmt.Errorf("vle: picture: %w", err)
	}
	return &Batch{IDs: [][]int{e.IDs}, TypeIDs: [][]int{e.TypeIDs}, Pixels: px.Data}, nil
}
