package spm

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	spaceSymbol     = "\u2581"
	replacementChar = "\uFFFD"
)

// Normalizer rewrites text into what the model's pieces are written in: it
// applies the precompiled map, collapses white space and writes it as ▁.
type Normalizer struct {
	spec          normalizerSpec
	space         []byte // what a space becomes
	spaceAsSuffix bool
	rules         *charsmap // nil for the identity
	symbols       *trie     // user-defined pieces, which are left as they are; may be nil
	// plain marks the ASCII bytes that, followed by another ASCII byte,
	// no rule and no user-defined piece can touch.
	plain [utf8.RuneSelf]bool
}

func newNormalizer(spec normalizerSpec, spaceAsSuffix bool, symbols []trieKey) (*Normalizer, error) {
	n := &Normalizer{spec: spec, space: []byte(" "), spaceAsSuffix: spaceAsSuffix}
	if spec.escapeWS {
		n.space = []byte(spaceSymbol)
	}
	if spec.charsmap != "" {
		var err error
		if n.rules, err = parseCharsmap(spec.charsmap); err != nil {
			return nil, err
		}
	}
	if len(symbols) > 0 {
		var err error
		if n.symbols, err = newTrie(symbols); err != nil {
			return nil, err
		}
	}
	for c := range n.plain {
		n.plain[c] = n.rules == nil || !n.rules.extends(byte(c))
	}
	for _, s := range symbols {
		if c := s.text[0]; c < utf8.RuneSelf {
			n.plain[c] = false
		}
	}
	return n, nil
}

// Normalized is a normalised text and where it comes from. It is scratch space
// that Normalize overwrites.
type Normalized struct {
	Text []byte
	// Align is, for every byte of Text, the byte position of the source
	// character that it stands for, as Hugging Face's normalisers keep it:
	// where a rule turns n characters into m, the i-th goes with the i-th
	// and those beyond the last with the last; a collapsed space goes with
	// the last space of its run, the space put in front with the first
	// character.
	Align []int32
	// Origin is, for every byte of Text and for its end, the byte position
	// in the source as sentencepiece reports it: where the rule that made
	// the byte begins. It is filled on request only.
	Origin []int32
}

// prefix applies the first rule to text, which is not empty: the text that the
// first n bytes become.
func (z *Normalizer) prefix(text string) (out string, n int) {
	if z.symbols != nil {
		if n := z.symbols.longestPrefix(text); n > 0 {
			return text[:n], n
		}
	}
	if z.rules != nil {
		if out, n := z.rules.find(text); n > 0 {
			return out, n
		}
	}
	if c := text[0]; c < utf8.RuneSelf {
		return text[:1], 1
	}
	r, n := utf8.DecodeRuneInString(text)
	if r == utf8.RuneError && n == 1 {
		return replacementChar, 1 // an invalid byte
	}
	return text[:n], n
}

// Lead says how the space that is put in front of a text is aligned when the
// text begins with white space.
type Lead bool

const (
	// LeadTrimmed aligns it with the first character that stays, as for a
	// text whose white space was trimmed beforehand.
	LeadTrimmed Lead = false
	// LeadKept aligns it with the last of the leading spaces.
	LeadKept Lead = true
)

// Normalize writes the normal form of text to dst. With origins it fills
// Origin too.
func (z *Normalizer) Normalize(dst *Normalized, text string, lead Lead, origins bool) {
	w := writer{dst: dst, space: z.space, origins: origins, lead: -1, keepLead: bool(lead)}
	dst.Text, dst.Align, dst.Origin = dst.Text[:0], dst.Align[:0], dst.Origin[:0]

	i := 0
	if z.spec.removeExtraWS {
		for i < len(text) {
			out, n := z.prefix(text[i:])
			if out != " " {
				break
			}
			w.leadingSpace(text, i)
			i += n
		}
	}
	if i == len(text) {
		if origins && len(text) > 0 {
			dst.Origin = append(dst.Origin, int32(i))
		}
		return
	}
	if z.spec.addDummyPrefix && !z.spaceAsSuffix {
		w.at = int32(i)
		w.addSpace(int32(i)) // aligned by fixLead
		w.prefixLen = len(z.space)
	}

	w.afterSpace = z.spec.removeExtraWS
	for i < len(text) {
		c := text[i]
		if c < utf8.RuneSelf && z.plain[c] && (i+1 == len(text) || text[i+1] < utf8.RuneSelf) {
			w.at = int32(i)
			switch {
			case c != ' ':
				w.addByte(c, int32(i))
				w.afterSpace = false
			case w.afterSpace:
				w.skipSpace(text, i)
			default:
				w.addSpace(int32(i))
				w.afterSpace = z.spec.removeExtraWS
			}
			i++
			continue
		}
		i = z.cluster(&w, text, i)
	}
	w.fixLead()

	end := int32(len(text))
	if z.spec.removeExtraWS {
		for bytes.HasSuffix(dst.Text, z.space) {
			n := len(dst.Text) - len(z.space)
			dst.Text, dst.Align = dst.Text[:n], dst.Align[:n]
			if origins {
				end = dst.Origin[n]
				dst.Origin = dst.Origin[:n]
			}
		}
	}
	if z.spec.addDummyPrefix && z.spaceAsSuffix {
		last := int32(0)
		if n := len(dst.Align); n > 0 {
			last = dst.Align[n-1]
		}
		w.at = end
		w.addSpace(last)
	}
	if origins {
		dst.Origin = append(dst.Origin, end)
	}
}

// cluster normalises the character at i with the marks that combine with it
// and returns the position behind them.
//
// Hugging Face's fast tokenizer replaces such a cluster as a whole where it
// has fewer than 6 bytes and begins with the source of a rule; it takes the
// shortest such rule and drops the rest (tokenizers' precompiled normaliser).
// What is written here is what sentencepiece writes, aligned with the
// characters that the fast tokenizer's replacement is aligned with.
func (z *Normalizer) cluster(w *writer, text string, i int) int {
	end := i + 1
	if z.rules != nil {
		end = clusterEnd(text, i)
	}
	if z.rules != nil && end-i < 6 {
		whole := text[i:end]
		short, ok := z.rules.findShortest(whole)
		if ok && (short != " " || whole == "\r\n") { // a mark is not part of a space
			src := cursor{text, i, end, max(utf8.RuneCountInString(short), 1) - 1}
			for i < end {
				out, n := z.prefix(text[i:])
				w.at = int32(i)
				z.write(w, out, &src)
				i += n
			}
			return i
		}
	}
	for i < end {
		out, n := z.prefix(text[i:])
		w.at = int32(i)
		src := cursor{text, i, i + n, n}
		z.write(w, out, &src)
		if k := len(w.dst.Align); len(out) > 1 && out[len(out)-1] != ' ' {
			// Where characters got fewer, the last ends where theirs end.
			for src.advance() {
			}
			w.dst.Align[k-1] = int32(src.at)
		}
		i += n
	}
	return i
}

// write appends what a rule makes of the characters that src runs over.
func (z *Normalizer) write(w *writer, out string, src *cursor) {
	// Only spaces at the head of a replacement are collapsed.
	for ; w.afterSpace && strings.HasPrefix(out, " "); out = out[1:] {
		w.skipSpace(src.text, src.at)
		src.advance()
	}
	if out == "" {
		return
	}
	w.afterSpace = z.spec.removeExtraWS && strings.HasSuffix(out, " ")
	for len(out) > 0 {
		_, n := utf8.DecodeRuneInString(out)
		if out[0] == ' ' {
			w.addSpace(int32(src.at))
		} else {
			w.addBytes(out[:n], int32(src.at))
		}
		out = out[n:]
		src.advance()
	}
}

// cursor runs over the characters of text[at:end], at most left steps.
type cursor struct {
	text          string
	at, end, left int
}

// advance moves to the next character. It reports whether there was one.
func (c *cursor) advance() bool {
	_, n := utf8.DecodeRuneInString(c.text[c.at:c.end])
	if c.left == 0 || c.at+n >= c.end {
		return false
	}
	c.at += n
	c.left--
	return true
}

// clusterEnd is the end of the character at i and the marks that combine with
// it: of a grapheme cluster (Unicode's UAX 29) as far as those with fewer than
// 6 bytes go, which leaves out Hangul, flags and emoji sequences.
func clusterEnd(text string, i int) int {
	if strings.HasPrefix(text[i:], "\r\n") {
		return i + 2
	}
	r, n := utf8.DecodeRuneInString(text[i:])
	if isBreak(r) {
		return i + n
	}
	for i += n; i < len(text) && text[i] >= 0xCC; i += n { // 0xCC starts U+0300
		if r, n = utf8.DecodeRuneInString(text[i:]); !combines(r) {
			break
		}
	}
	return i
}

// isBreak reports whether r is a control or format character or a separator,
// with which nothing combines.
func isBreak(r rune) bool {
	if r < 0xAD {
		return r < ' ' || 0x7F <= r && r < 0xA0
	}
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) && !combines(r)
}

// combines reports whether r extends a grapheme cluster.
func combines(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Other_Grapheme_Extend) || r == '\u200d'
}

// writer appends to a Normalized.
type writer struct {
	dst     *Normalized
	space   []byte
	at      int32 // origin of what is appended
	origins bool

	afterSpace bool // spaces that follow are collapsed

	prefixLen int   // bytes of the space put in front that are not aligned yet
	lead      int32 // what that space is aligned with; -1 while not known
	keepLead  bool
}

func (w *writer) addByte(c byte, src int32) {
	d := w.dst
	if w.prefixLen != 0 && w.lead < 0 {
		w.lead = src
	}
	d.Text = append(d.Text, c)
	d.Align = append(d.Align, src)
	if w.origins {
		d.Origin = append(d.Origin, w.at)
	}
}

func (w *writer) addBytes(s string, src int32) {
	for i := range len(s) {
		w.addByte(s[i], src)
	}
}

func (w *writer) addSpace(src int32) {
	for _, c := range w.space {
		w.addByte(c, src)
	}
}

// leadingSpace notes the space at i, which is dropped from the head of a text.
// Hugging Face's fast tokenizer trims Unicode white space first, without
// trace, but keeps spaces that the map makes of anything else.
func (w *writer) leadingSpace(text string, i int) {
	if i > 0 && text[i-1:i+1] == "\r\n" {
		return // one cluster, and so aligned with its beginning
	}
	if r, _ := utf8.DecodeRuneInString(text[i:]); w.keepLead || !unicode.IsSpace(r) {
		w.keepLead = true
		w.lead = int32(i)
	}
}

// skipSpace notes that the space at i is collapsed into what was written last:
// a space, or nothing but the space in front.
func (w *writer) skipSpace(text string, i int) {
	d := w.dst
	if len(d.Text) <= w.prefixLen {
		w.leadingSpace(text, i)
		return
	}
	for k := len(d.Align) - len(w.space); k < len(d.Align); k++ {
		d.Align[k] = int32(i)
	}
}

// fixLead aligns the space in front.
func (w *writer) fixLead() {
	for k := range w.prefixLen {
		w.dst.Align[k] = max(w.lead, 0)
	}
}
