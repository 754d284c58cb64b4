package vle

import (
	"fmt"
	"html"
	"image"
	"io"
	"strings"

	"govle/vle/nn"
)

// MLMPipeline fills blanks in texts about pictures. It may be used by many
// goroutines at once.
type MLMPipeline struct {
	Model     *MLM
	Processor *Processor

	weights io.Closer
}

// OpenMLM opens a model folder, as [OpenVQA] does.
func OpenMLM(dir string) (*MLMPipeline, error) {
	m, p, w, err := openPipeline(dir, NewMLM)
	if err != nil {
		return nil, err
	}
	return &MLMPipeline{Model: m, Processor: p, weights: w}, nil
}

// Close gives the weights back. The pipeline must not be used any more.
func (p *MLMPipeline) Close() error { return closeWeights(p.weights) }

// Blanks are the best tokens for each [MASK] of a text, in order.
type Blanks struct {
	Text   string
	Blanks [][]Fill
}

// Fill is a token for a blank.
type Fill struct {
	// Token is the piece, a leading "▁" standing for a space before it.
	Token string
	ID    int
	// Score is the softmax over the vocabulary, from 0 to 1.
	Score float64
}

// Fill returns the k best tokens for each [MASK] in a text about img. A text
// without one is an error.
func (p *MLMPipeline) Fill(img image.Image, text string, k int) (*Blanks, error) {
	if err := checkK(k); err != nil {
		return nil, err
	}
	b, enc, err := p.Processor.textBatch("text", []string{text})
	if err != nil {
		return nil, err
	}
	tok := p.Processor.Tokenizer
	var at [][2]int
	for i, id := range enc[0].IDs {
		if id == tok.MaskID() {
			at = append(at, [2]int{0, i})
		}
	}
	if len(at) == 0 {
		return nil, fmt.Errorf("vle: the text has no %s: write one where a word is to be found", tok.Token(tok.MaskID()))
	}
	px, err := p.Processor.pixels(img, p.Model.Config())
	if err != nil {
		return nil, fmt.Errorf("vle: picture: %w", err)
	}
	b.Pixels = px.Data
	r := nn.NewRun()
	defer r.Close()
	y, err := p.Model.ForwardAt(r, b, at)
	if err != nil {
		return nil, err
	}
	out := &Blanks{Text: text}
	n := p.Model.Config().Text.VocabSize
	for i := range at {
		// The vocabulary may have more rows than the tokenizer has tokens.
		probs, order := ranked(nn.Floats(y)[i*n : (i+1)*n])
		var fills []Fill
		for _, id := range order {
			if len(fills) < k && id < tok.VocabSize() {
				fills = append(fills, Fill{Token: tok.Token(id), ID: id, Score: float64(probs[id])})
			}
		}
		out.Blanks = append(out.Blanks, fills)
	}
	return out, nil
}

func (b *Blanks) rows(i int) []scored {
	rows := make([]scored, len(b.Blanks[i]))
	for j, f := range b.Blanks[i] {
		rows[j] = scored{strings.ReplaceAll(f.Token, "▁", " "), f.Score}
	}
	return rows
}

// String returns the text and a table for each blank.
func (b *Blanks) String() string {
	out := []string{b.Text}
	for i := range b.Blanks {
		out = append(out, textTable(fmt.Sprintf("blank %d", i+1), b.rows(i)))
	}
	return strings.Join(out, "\n")
}

// MIMEBundle returns the forms that a notebook shows.
func (b *Blanks) MIMEBundle() map[string]any {
	var h strings.Builder
	fmt.Fprintf(&h, "<div>%s</div>", html.EscapeString(b.Text))
	for i := range b.Blanks {
		h.WriteString(htmlTable(fmt.Sprintf("blank %d", i+1), b.rows(i)))
	}
	return map[string]any{"text/plain": b.String(), "text/html": h.String()}
}
