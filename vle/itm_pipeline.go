package vle

import (
	"fmt"
	"image"
	"io"
	"sort"

	"govle/vle/nn"
)

// ITMPipeline judges whether texts belong to pictures. It may be used by many
// goroutines at once.
type ITMPipeline struct {
	Model     *ITM
	Processor *Processor

	weights io.Closer
}

// OpenITM opens a model folder, as [OpenVQA] does.
func OpenITM(dir string) (*ITMPipeline, error) {
	m, p, w, err := openPipeline(dir, NewITM)
	if err != nil {
		return nil, err
	}
	return &ITMPipeline{Model: m, Processor: p, weights: w}, nil
}

// Close gives the weights back. The pipeline must not be used any more.
func (p *ITMPipeline) Close() error { return closeWeights(p.weights) }

// Match says whether a text belongs to a picture.
type Match struct {
	Text string
	// Match is true when a match is likelier than none.
	Match bool
	// Score is the probability of a match, from 0 to 1.
	Score float64
	// Logits are those of "no" and "yes".
	Logits [2]float64
}

func newMatch(text string, logits []float32) Match {
	p := []float32{logits[0], logits[1]}
	nn.Softmax(p, 2)
	return Match{
		Text: text, Match: logits[1] > logits[0], Score: float64(p[1]),
		Logits: [2]float64{float64(logits[0]), float64(logits[1])},
	}
}

func (m Match) rows() []scored { return []scored{{"match", m.Score}, {"no match", 1 - m.Score}} }

// String returns the text and both probabilities.
func (m Match) String() string { return textTable(m.Text, m.rows()) }

// MIMEBundle returns the forms that a notebook shows.
func (m Match) MIMEBundle() map[string]any { return bundle(m.Text, m.rows()) }

// Matches are texts for one picture, or pictures for one text, best first.
type Matches struct {
	About string
	Items []RankedMatch
}

// RankedMatch is a match with the number it had in the question.
type RankedMatch struct {
	Match
	Index int
}

func (m *Matches) rows() []scored {
	rows := make([]scored, len(m.Items))
	for i, x := range m.Items {
		rows[i] = scored{x.Text, x.Score}
	}
	return rows
}

// String returns a line for each match.
func (m *Matches) String() string { return textTable(m.About, m.rows()) }

// MIMEBundle returns the forms that a notebook shows.
func (m *Matches) MIMEBundle() map[string]any { return bundle(m.About, m.rows()) }

func (m *Matches) sort() {
	sort.SliceStable(m.Items, func(a, b int) bool { return m.Items[a].Score > m.Items[b].Score })
}

// Match judges one text about one picture.
func (p *ITMPipeline) Match(img image.Image, text string) (*Match, error) {
	all, err := p.RankTexts(img, []string{text})
	if err != nil {
		return nil, err
	}
	return &all.Items[0].Match, nil
}

// RankTexts judges texts about one picture, which is encoded once.
func (p *ITMPipeline) RankTexts(img image.Image, texts []string) (*Matches, error) {
	b, _, err := p.Processor.textBatch("text", texts)
	if err != nil {
		return nil, err
	}
	e, err := p.EncodeImage(img)
	if err != nil {
		return nil, err
	}
	out := &Matches{About: fmt.Sprintf("%d texts", len(texts))}
	err = onImage(e, b, func(part *Batch, from int) error {
		r := nn.NewRun()
		defer r.Close()
		y, err := p.Model.Forward(r, part)
		if err != nil {
			return err
		}
		for i := range part.IDs {
			out.Items = append(out.Items, RankedMatch{newMatch(texts[from+i], nn.Floats(y)[2*i:]), from + i})
		}
		return nil
	})
	out.sort()
	return out, err
}

// EncodeImage encodes a picture once, for many calls: what it returns may be
// given to every method that takes a picture.
func (p *ITMPipeline) EncodeImage(img image.Image) (*EncodedImage, error) {
	return encodeImage(p.Model.Body, p.Processor, img)
}

// RankImages judges one text about many pictures; the text is encoded once. In
// the result Text names the picture by its number.
func (p *ITMPipeline) RankImages(text string, imgs []image.Image) (*Matches, error) {
	if len(imgs) == 0 {
		return nil, fmt.Errorf("vle: no pictures")
	}
	b, _, err := p.Processor.textBatch("text", []string{text})
	if err != nil {
		return nil, err
	}
	tf, err := p.Model.Body.EncodeTexts(b)
	if err != nil {
		return nil, err
	}
	out := &Matches{About: text}
	for i, img := range imgs {
		e, err := p.EncodeImage(img)
		if err != nil {
			return nil, fmt.Errorf("picture %d: %w", i, err)
		}
		m, err := p.matchFeatures(tf, e.Features)
		if err != nil {
			return nil, err
		}
		m.Text = fmt.Sprintf("picture %d", i)
		out.Items = append(out.Items, RankedMatch{m, i})
	}
	out.sort()
	return out, nil
}

func (p *ITMPipeline) matchFeatures(tf *TextFeatures, vf *ImageFeatures) (Match, error) {
	r := nn.NewRun()
	defer r.Close()
	y, err := p.Model.Forward(r, &Batch{TextFeatures: tf, ImageFeatures: vf})
	if err != nil {
		return Match{}, err
	}
	return newMatch("", nn.Floats(y)), nil
}
