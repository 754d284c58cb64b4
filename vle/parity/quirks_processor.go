package parity

import (
	"image"
	"math"

	"govle/vle"
	"govle/vle/tokenizer"
)

// processorShapes: two texts padded to one length, of other texts than the
// recorded ones, and two pictures.
func processorShapes(p *quirkProbe) error {
	var recorded map[string][]int
	if err := p.result(&recorded); err != nil {
		return err
	}
	proc, err := vle.LoadProcessor(p.f.path("pipelines/processor-tiny"))
	if err != nil {
		return err
	}
	encs, err := proc.Tokenizer.EncodeBatch([]string{"a dog", "two dogs on a red sofa"}, nil, tokenizer.Options{Padding: tokenizer.PadLongest})
	if err != nil {
		return err
	}
	longest := max(encs[0].Len(), encs[1].Len())
	for name, of := range map[string]func(*tokenizer.Encoding) []int{
		"input_ids":      func(e *tokenizer.Encoding) []int { return e.IDs },
		"token_type_ids": func(e *tokenizer.Encoding) []int { return e.TypeIDs },
		"attention_mask": func(e *tokenizer.Encoding) []int { return e.AttentionMask },
	} {
		p.item(len(recorded[name]) == 2 && recorded[name][0] == len(encs), "%s: the recorded shape is %v", name, recorded[name])
		for _, e := range encs {
			p.item(len(of(e)) == longest, "%s: %d of %d tokens", name, len(of(e)), longest)
		}
	}
	px, err := proc.Images.Process(image.NewRGBA(image.Rect(0, 0, 50, 40)))
	if err != nil {
		return err
	}
	same(p.check, "pixel_values", []int{2, len(px.Data) / (px.W * px.H), px.H, px.W}, recorded["pixel_values"])
	return nil
}

// paddedNotCut: padding to a length does not cut what is longer. The recorded
// number is that of the tokens of another text.
func paddedNotCut(p *quirkProbe) error {
	var recorded int
	if err := p.result(&recorded); err != nil {
		return err
	}
	proc, err := vle.LoadProcessor(p.f.path("pipelines/processor-tiny"))
	if err != nil {
		return err
	}
	text := ""
	for plain := 0; plain < recorded; {
		text += "a dog "
		e, err := proc.Tokenizer.Encode(text, tokenizer.Options{})
		if err != nil {
			return err
		}
		plain = e.Len()
		padded, err := proc.Tokenizer.Encode(text, tokenizer.Options{Padding: tokenizer.PadToMax, MaxLength: 8})
		if err != nil {
			return err
		}
		p.item(padded.Len() == max(plain, 8), "%d tokens padded to 8 are %d", plain, padded.Len())
	}
	return nil
}

// padRow: the row of the padding token has values like any other; their
// magnitudes' sum was recorded.
func padRow(p *quirkProbe) error {
	var recorded float64
	if err := p.result(&recorded); err != nil {
		return err
	}
	row := p.vqa.store.Shape("vle.text_model.embeddings.word_embeddings.weight")
	table, err := p.vqa.store.Float32("vle.text_model.embeddings.word_embeddings.weight")
	if err != nil {
		return err
	}
	sum := 0.0
	for _, v := range table[:row[1]] {
		sum += math.Abs(float64(v))
	}
	close(p.check, closely, "sum of magnitudes", []float64{sum}, []float64{recorded})
	// Masked, it changes nothing: a question with padding is as without it.
	ids := append(append([]int(nil), p.batch.IDs[0]...), 0, 0)
	mask := make([]int, len(ids))
	for i := range p.batch.IDs[0] {
		mask[i] = 1
	}
	y, err := p.logits(func(b *vle.Batch) {
		b.IDs, b.Mask, b.TypeIDs, b.KeepPadding = [][]int{ids}, [][]int{mask}, nil, true
	})
	if err == nil {
		close(p.check, closely, "logits of padded ids", y, p.plain)
	}
	return err
}
