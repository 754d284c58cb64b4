package llm

import (
	"context"
	"errors"
	"fmt"
	"image"

	"govle/vle"
)

// Answerer gives the best answers to a question about a picture;
// *vle.VQAPipeline does.
type Answerer interface {
	Answer(img image.Image, question string, k int) (*vle.Answers, error)
}

var _ Answerer = (*vle.VQAPipeline)(nil)

// Pipeline answers questions about pictures through VLE and a chat server. It
// may be used by many goroutines at once if its parts may.
type Pipeline struct {
	// VQA proposes answers; nil leaves them out of the prompt.
	VQA Answerer
	// Candidates is how many it proposes; 0 means 5.
	Candidates int
	// Caption describes the picture; nil leaves the caption out of the prompt.
	Caption Captioner
	// Template makes the prompt; nil means [DefaultTemplate].
	Template *Template
	Client   *Client
}

// Prompt looks at the picture and returns what would be sent.
func (p *Pipeline) Prompt(ctx context.Context, img image.Image, question string) (Prompt, error) {
	prompt, _, err := p.prompt(ctx, img, question)
	return prompt, err
}

func (p *Pipeline) prompt(ctx context.Context, img image.Image, question string) (Prompt, *vle.Answers, error) {
	if p.VQA == nil && p.Caption == nil {
		return nil, nil, errors.New("llm: nothing looks at the picture: set VQA, Caption or both")
	}
	f := Facts{Question: question}
	var err error
	if p.Caption != nil {
		if f.Caption, err = p.Caption.Caption(ctx, img); err != nil {
			return nil, nil, fmt.Errorf("captioning the picture: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	var answers *vle.Answers
	if p.VQA != nil {
		k := p.Candidates
		if k == 0 {
			k = 5
		}
		if answers, err = p.VQA.Answer(img, question, k); err != nil {
			return nil, nil, err
		}
		for _, a := range answers.Top {
			f.Candidates = append(f.Candidates, Candidate{a.Label, a.Score})
		}
	}
	t := DefaultTemplate()
	if p.Template != nil {
		t = *p.Template
	}
	prompt, err := t.Prompt(f)
	return prompt, answers, err
}

// Ask answers a question about img.
func (p *Pipeline) Ask(ctx context.Context, img image.Image, question string) (*Answer, error) {
	return p.Stream(ctx, img, question, nil)
}

// Stream is Ask with a function that gets the text piece by piece, as
// [Client.Stream] has it. Where it is nil the answer comes in one piece.
func (p *Pipeline) Stream(ctx context.Context, img image.Image, question string, piece func(string) error) (*Answer, error) {
	if p.Client == nil {
		return nil, errors.New("llm: no server to ask: set Client")
	}
	prompt, candidates, err := p.prompt(ctx, img, question)
	if err != nil {
		return nil, err
	}
	var a *Answer
	if piece == nil {
		a, err = p.Client.Ask(ctx, prompt)
	} else {
		a, err = p.Client.Stream(ctx, prompt, piece)
	}
	if a != nil {
		a.VLE = candidates
	}
	return a, err
}
