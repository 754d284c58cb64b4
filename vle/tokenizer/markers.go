package tokenizer

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// marker is a token that is found in a text as it stands, before what lies
// between is segmented.
type marker struct {
	specialToken
	id int
}

// markers finds special and added tokens in texts: the leftmost, and of those
// the longest.
type markers struct {
	byFirst [256][]marker // longest first
	first   string        // the bytes that start one
}

func newMarkers(t *Tokenizer) markers {
	var m markers
	put := func(s specialToken) {
		list := &m.byFirst[s.text[0]]
		if *list == nil {
			m.first += s.text[:1]
		}
		*list = append(*list, marker{s, t.ID(s.text)})
	}
	for _, s := range t.config.special {
		put(s)
	}
	for _, text := range t.added {
		if !t.specialText[text] {
			put(specialToken{text, true, true})
		}
	}
	for _, list := range m.byFirst {
		slices.SortStableFunc(list, func(a, b marker) int { return cmp.Compare(len(b.text), len(a.text)) })
	}
	return m
}

// find returns the first marker in text at or after byte from, and where it
// is. ok is false without one.
func (m *markers) find(text string, from int) (mk marker, at int, ok bool) {
	for from < len(text) {
		n := m.index(text[from:])
		if n < 0 {
			break
		}
		from += n
		for _, mk := range m.byFirst[text[from]] {
			if strings.HasPrefix(text[from:], mk.text) {
				return mk, from, true
			}
		}
		from++
	}
	return marker{}, 0, false
}

// index is the position of the first byte that may start a marker.
func (m *markers) index(text string) int {
	if len(m.first) == 1 { // [ in the usual case
		return strings.IndexByte(text, m.first[0])
	}
	for i := range len(text) {
		if m.byFirst[text[i]] != nil {
			return i
		}
	}
	return -1
}

// isPySpace is Python's str.isspace for one character.
func isPySpace(r rune) bool {
	return 0x1C <= r && r <= 0x1F || unicode.IsSpace(r)
}

// lowered is a text in lower case and, for every byte of it, the position of
// the source character that it comes from.
type lowered struct {
	text   []byte
	source []int32
}

// lower writes the lower case of text to l, character by character, and
// leaves markers as they are.
func (l *lowered) lower(text string, m *markers) {
	l.text, l.source = l.text[:0], l.source[:0]
	for at := 0; at < len(text); {
		mk, next, ok := m.find(text, at)
		if !ok {
			next = len(text)
		}
		for at < next {
			r, n := utf8.DecodeRuneInString(text[at:])
			if r == utf8.RuneError && n == 1 {
				l.add(text[at:at+1], at)
			} else {
				l.add(lowerRune(r), at)
			}
			at += n
		}
		for i, r := range mk.text {
			l.add(text[at+i:at+i+utf8.RuneLen(r)], at+i)
		}
		at += len(mk.text)
	}
}

func (l *lowered) add(s string, source int) {
	l.text = append(l.text, s...)
	for range len(s) {
		l.source = append(l.source, int32(source))
	}
}

// lowerRune is Python's str.lower for one character. The only character whose
// lower case has two is İ (Unicode's SpecialCasing).
func lowerRune(r rune) string {
	if r == 'İ' {
		return "i\u0307"
	}
	return string(unicode.ToLower(r))
}

func pyLower(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(lowerRune(r))
	}
	return b.String()
}

// isPunctuation is the reference's rule for split_by_punct: ASCII characters
// that are neither letters, digits nor spaces, and Unicode's category P.
func isPunctuation(r rune) bool {
	switch {
	case '!' <= r && r <= '/', ':' <= r && r <= '@', '[' <= r && r <= '`', '{' <= r && r <= '~':
		return true
	}
	return unicode.IsPunct(r)
}
