package vle

import (
	"fmt"
	"image"
	"io"
	"strings"

	"govle/vle/nn"
)

// VQAPipeline answers questions about pictures. It may be used by many
// goroutines at once.
type VQAPipeline struct {
	Model     *VQA
	Processor *Processor

	weights io.Closer
}

// OpenVQA opens a folder in Hugging Face layout, or [EmbeddedModel]: config.json, the weights,
// spm.model and the tokenizer's and image processor's settings. Weights are
// mapped into memory where the format allows, not read.
func OpenVQA(dir string) (*VQAPipeline, error) {
	m, p, w, err := openPipeline(dir, NewVQA)
	if err != nil {
		return nil, err
	}
	return &VQAPipeline{Model: m, Processor: p, weights: w}, nil
}

// Close gives the weights back. The pipeline must not be used any more.
func (p *VQAPipeline) Close() error { return closeWeights(p.weights) }

// SetImageSize makes the pipeline look at pictures of size pixels a side: the
// model's position embedding is extended ([Model.ResizeImages]) and the
// processor follows. It must not be called while the pipeline is in use.
func (p *VQAPipeline) SetImageSize(size int) error {
	if err := p.Model.Body.ResizeImages(size); err != nil {
		return err
	}
	p.Processor.setImageSize(size)
	return nil
}

// Answer returns the k best answers to a question about img. An empty question
// gives [ErrEmptyText]; one longer than [MaxTextBytes] or [MaxTextTokens] an
// error that says so.
func (p *VQAPipeline) Answer(img image.Image, question string, k int) (*Answers, error) {
	if err := checkK(k); err != nil {
		return nil, err
	}
	logits, err := p.Logits(img, question)
	if err != nil {
		return nil, err
	}
	return topAnswers(question, logits, p.Model.Config().Labels, k), nil
}

func checkK(k int) error {
	if k < 1 {
		return fmt.Errorf("vle: %d answers asked for", k)
	}
	return nil
}

// Logits returns the logits over the model's labels.
func (p *VQAPipeline) Logits(img image.Image, question string) ([]float32, error) {
	b, _, err := p.Processor.textBatch("question", []string{question})
	if err != nil {
		return nil, err
	}
	e, err := p.EncodeImage(img)
	if err != nil {
		return nil, err
	}
	b.ImageFeatures = e.Features
	r := nn.NewRun()
	defer r.Close()
	logits, err := p.Model.Forward(r, b)
	if err != nil {
		return nil, err
	}
	return append([]float32(nil), nn.Floats(logits)...), nil
}

// EncodeImage encodes a picture once, for many questions: what it returns may
// be given to every method that takes a picture.
func (p *VQAPipeline) EncodeImage(img image.Image) (*EncodedImage, error) {
	return encodeImage(p.Model.Body, p.Processor, img)
}

// AnswerAll answers questions about one picture, which is encoded once, in
// passes of bounded size without padding.
func (p *VQAPipeline) AnswerAll(img image.Image, questions []string, k int) ([]*Answers, error) {
	if err := checkK(k); err != nil {
		return nil, err
	}
	b, _, err := p.Processor.textBatch("question", questions)
	if err != nil {
		return nil, err
	}
	e, err := p.EncodeImage(img)
	if err != nil {
		return nil, err
	}
	labels := p.Model.Config().Labels
	var out []*Answers
	err = onImage(e, b, func(part *Batch, from int) error {
		r := nn.NewRun()
		defer r.Close()
		y, err := p.Model.Forward(r, part)
		if err != nil {
			return err
		}
		logits := nn.Floats(y)
		for i := range part.IDs {
			out = append(out, topAnswers(questions[from+i], logits[i*len(labels):(i+1)*len(labels)], labels, k))
		}
		return nil
	})
	return out, err
}

// Rank returns all candidates, best first, with the softmax over the candidates
// alone. A candidate that is no label of the model is an error.
func (p *VQAPipeline) Rank(img image.Image, question string, candidates []string) (*Answers, error) {
	labels := p.Model.Config().Labels
	number := make(map[string]int, len(labels))
	for i, l := range labels {
		number[l] = i
	}
	at := make([]int, len(candidates))
	var unknown []string
	for i, c := range candidates {
		n, ok := number[c]
		if !ok {
			unknown = append(unknown, fmt.Sprintf("%q", c))
		}
		at[i] = n
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("vle: the model has no answer %s; its %d answers are Config().Labels", strings.Join(unknown, ", "), len(labels))
	}
	if err := checkK(len(candidates)); err != nil {
		return nil, err
	}
	all, err := p.Logits(img, question)
	if err != nil {
		return nil, err
	}
	logits := make([]float32, len(at))
	for i, n := range at {
		logits[i] = all[n]
	}
	return topAnswers(question, logits, candidates, len(candidates)), nil
}
