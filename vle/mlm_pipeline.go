package vle

import (
	"fmt"
	"html"
	"image"
	"io"
	"slices"
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

// EncodeImage encodes a picture once, for many texts: give Fill what it returns.
func (p *MLMPipeline) EncodeImage(img image.Image) (*EncodedImage, error) {
	return encodeImage(p.Model.Body, p.Processor, img)
}

// Fill returns the k best tokens for each [MASK] in a text about img. A text
// without one is an error.
func (p *MLMPipeline) Fill(img image.Image, text string, k int) (*Blanks, error) {
	all, err := p.FillAll(img, []string{text}, k)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// FillAll is Fill for many texts about one picture, which is encoded once, in
// passes of bounded size.
func (p *MLMPipeline) FillAll(img image.Image, texts []string, k int) ([]*Blanks, error) {
	if err := checkK(k); err != nil {
		return nil, err
	}
	b, _, err := p.Processor.textBatch("text", texts)
	if err != nil {
		return nil, err
	}
	tok := p.Processor.Tokenizer
	for i, ids := range b.IDs {
		if slices.Contains(ids, tok.MaskID()) {
			continue
		}
		which := "the text"
		if len(texts) > 1 {
			which = fmt.Sprintf("text %d", i)
		}
		return nil, fmt.Errorf("vle: %s has no %s: write one where a word is to be found", which, tok.Token(tok.MaskID()))
	}
	e, err := p.EncodeImage(img)
	if err != nil {
		return nil, err
	}
	var out []*Blanks
	err = onImage(e, b, func(part *Batch, from int) error {
		all, err := p.fill(part, texts[from:], k)
		out = append(out, all...)
		return err
	})
	return out, err
}

// fill fills the blanks of a batch's texts.
func (p *MLMPipeline) fill(b *Batch, texts []string, k int) ([]*Blanks, error) {
	tok := p.Processor.Tokenizer
	var at [][2]int
	for i, ids := range b.IDs {
		for j, id := range ids {
			if id == tok.MaskID() {
				at = append(at, [2]int{i, j})
			}
		}
	}
	out := make([]*Blanks, len(b.IDs))
	for i := range out {
		out[i] = &Blanks{Text: texts[i]}
	}
	r := nn.NewRun()
	defer r.Close()
	body, err := p.Model.Body.forward(r, b, textPart)
	if err != nil {
		return nil, err
	}
	n := p.Model.Config().Text.VocabSize
	for group := range slices.Chunk(at, blanksAtOnce) {
		y, err := p.Model.predictAt(r, body, group)
		if err != nil {
			return nil, err
		}
		for i, t := range group {
			// The vocabulary may have more rows than the tokenizer has tokens.
			probs, order := ranked(nn.Floats(y)[i*n : (i+1)*n])
			var fills []Fill
			for _, id := range order {
				if len(fills) < k && id < tok.VocabSize() {
					fills = append(fills, Fill{Token: tok.Token(id), ID: id, Score: float64(probs[id])})
				}
			}
			out[t[0]].Blanks = append(out[t[0]].Blanks, fills)
		}
		r.Free(y)
	}
	return out, nil
}

// blanksAtOnce bounds the logits that are held, a vocabulary for each blank.
const blanksAtOnce = 64

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
