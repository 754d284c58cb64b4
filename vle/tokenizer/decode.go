package tokenizer

import (
	"strings"
	"unicode/utf8"

	"govle/vle/tokenizer/internal/spm"
)

// Decode turns ids back into text, as the reference does: special tokens are
// written out, or left out with skipSpecial ([UNK] too); white space before
// . ? ! , and in English contractions is cleaned up. An id outside the
// vocabulary counts as unknown.
func (t *Tokenizer) Decode(ids []int, skipSpecial bool) string {
	var texts, run []string
	for _, id := range ids {
		if skipSpecial && t.special[id] {
			continue
		}
		token := t.Token(id)
		if _, added := t.addedID[token]; !added {
			run = append(run, token)
			continue
		}
		if len(run) > 0 {
			texts = append(texts, t.join(run))
			run = run[:0]
		}
		texts = append(texts, token)
	}
	if len(run) > 0 {
		texts = append(texts, t.join(run))
	}
	return cleanUp(strings.Join(texts, " "))
}

// join turns tokens of the model into text; special ones stand for themselves.
func (t *Tokenizer) join(tokens []string) string {
	var b strings.Builder
	var run []string
	afterSpecial := false
	for _, token := range tokens {
		if !t.specialText[token] {
			run = append(run, token)
			afterSpecial = false
			continue
		}
		if !afterSpecial {
			b.WriteByte(' ')
		}
		b.WriteString(t.model.Decode(run))
		b.WriteString(token)
		run, afterSpecial = run[:0], true
	}
	b.WriteString(t.model.Decode(run))
	return strings.TrimFunc(b.String(), isPySpace)
}

// cleanUp removes the spaces that tokens leave before punctuation and in
// English contractions, one rule after the other as the reference does.
func cleanUp(s string) string {
	for _, rule := range [...][2]string{
		{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"},
		{" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
	} {
		s = strings.ReplaceAll(s, rule[0], rule[1])
	}
	return s
}

// Piece is one piece of a SentencePiece segmentation.
type Piece struct {
	// ID is the id in the SentencePiece model, that of the unknown piece
	// for a run of unknown characters.
	ID int
	// Text is the piece in the normalised text.
	Text string
	// Surface is the part of the source that the piece stands for.
	Surface string
	// Start and End locate Surface in the source, in characters.
	Start, End int
}

// Pieces segments text with the SentencePiece model alone: no special tokens,
// no lower-casing, and positions as sentencepiece reports them, which differ
// from [Encoding.Offsets] where normalisation changed the length.
func (t *Tokenizer) Pieces(text string) ([]Piece, error) {
	s, err := t.model.Segment(text, spm.LeadTrimmed, true)
	if err != nil {
		return nil, err
	}
	defer t.model.Release(s)
	pieces := make([]Piece, len(s.Segments))
	chars, upTo := 0, 0 // characters before byte upTo
	for i, p := range s.Segments {
		start, end := int(s.Origin[p.Start]), int(s.Origin[p.End])
		word := string(s.Text[p.Start:p.End])
		if byFallback := i+1 < len(s.Segments) && s.Segments[i+1].Start == p.Start; byFallback {
			// Only the last byte of a character has a surface.
			end = start
		}
		if int(p.ID) != t.model.UnkID() {
			word = t.model.Piece(int(p.ID))
		}
		chars += utf8.RuneCountInString(text[upTo:start])
		upTo = start
		pieces[i] = Piece{int(p.ID), word, text[start:end], chars, chars + utf8.RuneCountInString(text[start:end])}
	}
	return pieces, nil
}

// Normalize is the normal form of text that is segmented: the model's
// character map applied, white space collapsed and written as ▁.
func (t *Tokenizer) Normalize(text string) string { return t.model.Normalize(text) }
