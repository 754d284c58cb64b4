package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"govle/vle/tokenizer/internal/spm"
)

const wordMark = "\u2581"

// token is one token of a text before special tokens are put around it.
type token struct {
	id         int32
	word       int32 // number of the word in its text, -1 for special tokens
	start, end int32 // bytes of the text
	text       string
}

// work is the scratch space of one call.
type work struct {
	tokens [2][]token
	lower  lowered
}

// Encode turns a text into [CLS] text [SEP].
func (t *Tokenizer) Encode(text string, opts Options) (*Encoding, error) {
	return t.encode(text, "", false, &opts)
}

// EncodePair turns two texts into [CLS] a [SEP] b [SEP].
func (t *Tokenizer) EncodePair(a, b string, opts Options) (*Encoding, error) {
	return t.encode(a, b, true, &opts)
}

// EncodeBatch encodes many texts, or pairs where pairs is not nil and as long
// as texts. With [PadLongest] all encodings come out equally long.
func (t *Tokenizer) EncodeBatch(texts, pairs []string, opts Options) ([]*Encoding, error) {
	if pairs != nil && len(pairs) != len(texts) {
		return nil, fmt.Errorf("tokenizer: %d texts but %d second texts", len(texts), len(pairs))
	}
	if _, err := opts.limit(t.config.maxLength); err != nil {
		return nil, err
	}
	each := opts
	if opts.Padding == PadLongest {
		each.Padding = NoPadding // until the longest is known
	}
	out := make([]*Encoding, len(texts))
	longest := 0
	for i, text := range texts {
		var second string
		if pairs != nil {
			second = pairs[i]
		}
		e, err := t.encode(text, second, pairs != nil, &each)
		if err != nil {
			return nil, fmt.Errorf("text %d of the batch: %w", i, err)
		}
		out[i] = e
		longest = max(longest, e.Len())
	}
	if opts.Padding == PadLongest {
		for _, e := range out {
			t.pad(e, roundUp(longest, opts.PadToMultipleOf))
		}
	}
	return out, nil
}

func (t *Tokenizer) encode(a, b string, pair bool, opts *Options) (*Encoding, error) {
	limit, err := opts.limit(t.config.maxLength)
	if err != nil {
		return nil, err
	}
	w := t.scratch.Get().(*work)
	defer t.release(w)
	if err := t.tokenize(w, 0, a); err != nil {
		return nil, err
	}
	w.tokens[1] = w.tokens[1][:0]
	if pair {
		if err := t.tokenize(w, 1, b); err != nil {
			return nil, err
		}
	}
	first, second := w.tokens[0], w.tokens[1]
	total := len(first) + len(second)
	if !opts.NoSpecialTokens {
		total += specials(pair)
	}
	truncated := 0
	if over := total - limit; over > 0 && opts.Truncation != DoNotTruncate {
		cutA, cutB := opts.Truncation.cuts(len(first), len(second), pair, over)
		first, second = t.cut(first, cutA), t.cut(second, cutB)
		truncated = cutA + cutB
	}
	e := t.assemble(first, second, a, b, pair, !opts.NoSpecialTokens)
	e.Truncated = truncated
	switch {
	case opts.Padding == PadLongest:
		t.pad(e, roundUp(e.Len(), opts.PadToMultipleOf))
	case opts.Padding == PadToMax && limit != unlimited:
		t.pad(e, roundUp(limit, opts.PadToMultipleOf))
	}
	return e, nil
}

// maxKept bounds the tokens that scratch space keeps room for between calls.
const maxKept = 1 << 14

func (t *Tokenizer) release(w *work) {
	if cap(w.tokens[0])+cap(w.tokens[1])+cap(w.lower.text) <= maxKept {
		t.scratch.Put(w)
	}
}

// tokenize fills w.tokens[which] with the tokens of text.
func (t *Tokenizer) tokenize(w *work, which int, text string) error {
	if len(text) > spm.MaxTextBytes {
		return fmt.Errorf("tokenizer: the text has %d bytes, more than the limit of %d", len(text), spm.MaxTextBytes)
	}
	s := splitter{t: t, tokens: w.tokens[which][:0], word: -1, fresh: true}
	view := text
	if t.config.lowerCase {
		w.lower.lower(text, &t.marks)
		view, s.source = string(w.lower.text), w.lower.source
	}
	s.text, s.view = text, view
	at := 0
	trimLeft := false
	for {
		mk, next, ok := t.marks.find(view, at)
		if !ok {
			next = len(view)
		}
		lo, hi := at, next
		if trimLeft {
			lo = hi - len(strings.TrimLeftFunc(view[lo:hi], isPySpace))
		}
		if ok && mk.stripBefore {
			hi = lo + len(strings.TrimRightFunc(view[lo:hi], isPySpace))
		}
		if err := s.plain(lo, hi); err != nil {
			return err
		}
		if !ok {
			break
		}
		s.mark(mk, next)
		at = next + len(mk.text)
		trimLeft = mk.stripAfter
	}
	w.tokens[which] = s.tokens
	return nil
}

// splitter collects the tokens of a text.
type splitter struct {
	t      *Tokenizer
	text   string  // as it was given
	view   string  // as it is segmented: text, or its lower case
	source []int32 // positions of view's bytes in text; nil where they are equal
	tokens []token
	word   int32
	fresh  bool // the next token starts a word in any case
}

// at is the position in text of the character that view's byte i belongs to.
func (s *splitter) at(i int) int {
	if s.source != nil {
		return int(s.source[i])
	}
	return i
}

// after is the position behind the character of text at byte i.
func (s *splitter) after(i int) int32 {
	_, n := utf8.DecodeRuneInString(s.text[i:])
	return int32(i + n)
}

// mark adds a special or added token that stands at byte at of the view.
func (s *splitter) mark(mk marker, at int) {
	_, last := utf8.DecodeLastRuneInString(mk.text)
	tok := token{
		id:    int32(mk.id),
		word:  -1,
		start: int32(s.at(at)),
		end:   s.after(s.at(at + len(mk.text) - last)),
		text:  mk.text,
	}
	if !s.t.special[mk.id] {
		s.word++
		tok.word = s.word
	}
	s.tokens = append(s.tokens, tok)
	s.fresh = true
}

// plain adds the tokens of view[lo:hi], which holds no marker.
func (s *splitter) plain(lo, hi int) error {
	if !s.t.config.splitPunct {
		return s.segment(lo, hi, spm.LeadTrimmed)
	}
	lead := spm.LeadTrimmed
	for lo < hi {
		end := lo
		for i, r := range s.view[lo:hi] {
			if isPunctuation(r) {
				if i == 0 {
					end = lo + utf8.RuneLen(r)
				}
				break
			}
			_, n := utf8.DecodeRuneInString(s.view[lo+i : hi])
			end = lo + i + n
		}
		if err := s.segment(lo, end, lead); err != nil {
			return err
		}
		lo, lead = end, spm.LeadKept
	}
	return nil
}

// segment adds the pieces of view[lo:hi].
func (s *splitter) segment(lo, hi int, lead spm.Lead) error {
	if lo == hi {
		return nil
	}
	m := s.t.model
	seg, err := m.Segment(s.view[lo:hi], lead, false)
	if err != nil {
		return err
	}
	unk := int32(m.UnkID())
	for _, p := range seg.Segments {
		if s.fresh || startsWord(seg.Text[p.Start:]) {
			s.word++
			s.fresh = false
		}
		tok := token{
			id:    p.ID,
			word:  s.word,
			start: int32(s.at(lo + int(seg.Align[p.Start]))),
			end:   s.after(s.at(lo + int(seg.Align[p.End-1]))),
		}
		if p.ID != unk {
			tok.text = m.Piece(int(p.ID))
		} else {
			// The reference goes through strings, so characters that
			// the search does not find but that spell a token (a
			// control or an unused piece) get that token's id.
			tok.text = string(seg.Text[p.Start:p.End])
			tok.id = int32(s.t.ID(tok.text))
		}
		s.tokens = append(s.tokens, tok)
	}
	m.Release(seg)
	return nil
}

// startsWord reports whether normalised text starts with ▁.
func startsWord(text []byte) bool {
	return len(text) >= len(wordMark) && string(text[:len(wordMark)]) == wordMark
}
