package tokenizer

import "unicode/utf8"

// specials is how many special tokens go around a text or a pair.
func specials(pair bool) int {
	if pair {
		return 3
	}
	return 2
}

// cuts says how many of a and b tokens go so that over are gone, or as many
// as can: none where a single sequence that is to be cut would not outlast it.
func (s Truncation) cuts(a, b int, pair bool, over int) (cutA, cutB int) {
	switch {
	case s == OnlyFirst || s == LongestFirst && !pair:
		if a > over {
			return over, 0
		}
	case s == OnlySecond && pair:
		if b > over {
			return 0, over
		}
	case s == LongestFirst:
		// Cut the longer one down to the other, then both in turn, the
		// second first.
		over = min(over, a+b)
		if a > b {
			cutA = min(over, a-b)
		} else {
			cutB = min(over, b-a)
		}
		rest := over - cutA - cutB
		cutA += rest / 2
		cutB += rest - rest/2
		return cutA, cutB
	}
	return 0, 0
}

// cut removes n tokens from the side that the tokenizer cuts at.
func (t *Tokenizer) cut(tokens []token, n int) []token {
	if t.config.cutLeft {
		return tokens[n:]
	}
	return tokens[:len(tokens)-n]
}

// roundUp is the next multiple of m that is not below n.
func roundUp(n, m int) int {
	if m > 1 && n%m != 0 {
		return n + m - n%m
	}
	return n
}

// assemble lays out [CLS] first [SEP] second [SEP], without the special
// tokens where they are not wanted.
func (t *Tokenizer) assemble(first, second []token, a, b string, pair, special bool) *Encoding {
	n := len(first) + len(second)
	if special {
		n += specials(pair)
	}
	// All numbers lie in one block; each slice ends where its part ends, so
	// that an append copies.
	ints := make([]int, 5*n)
	part := func(i int) []int { return ints[i*n : (i+1)*n : (i+1)*n] }
	offsets := make([]Offset, 2*n)
	e := &Encoding{
		IDs:               part(0),
		TypeIDs:           part(1),
		AttentionMask:     part(2),
		SpecialTokensMask: part(3),
		WordIDs:           part(4),
		Tokens:            make([]string, n),
		Offsets:           offsets[:n:n],
		ByteOffsets:       offsets[n:],
	}
	for i := range e.AttentionMask {
		e.AttentionMask[i] = 1
	}
	at := 0
	add := func(id int) {
		if special {
			e.IDs[at], e.Tokens[at] = id, t.Token(id)
			e.SpecialTokensMask[at], e.WordIDs[at] = 1, -1
			at++
		}
	}
	add(t.clsID)
	words := e.fill(at, first, a, 0)
	at += len(first)
	add(t.sepID)
	if pair {
		second1 := at
		e.fill(at, second, b, words)
		at += len(second)
		add(t.sepID)
		for i := second1; i < n; i++ {
			e.TypeIDs[i] = 1
		}
	}
	return e
}

// fill writes a text's tokens from position at on. Words are numbered from
// word on; the next free number comes back.
func (e *Encoding) fill(at int, tokens []token, text string, word int) int {
	if len(tokens) == 0 {
		return word
	}
	ascii := isASCII(text)
	base := -1 // number of the first word, which truncation may have moved
	next := word
	chars, upTo := 0, 0 // characters before byte upTo
	for i := range tokens {
		tok := &tokens[i]
		e.IDs[at+i], e.Tokens[at+i] = int(tok.id), tok.text
		if w := int(tok.word); w < 0 {
			e.WordIDs[at+i] = -1
		} else {
			if base < 0 {
				base = w
			}
			e.WordIDs[at+i] = word + w - base
			next = word + w - base + 1
		}
		start, end := int(tok.start), int(tok.end)
		e.ByteOffsets[at+i] = Offset{start, end}
		if ascii {
			e.Offsets[at+i] = Offset{start, end}
			continue
		}
		chars += utf8.RuneCountInString(text[upTo:start])
		upTo = start
		e.Offsets[at+i] = Offset{chars, chars + utf8.RuneCountInString(text[start:end])}
	}
	return next
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// pad adds padding up to n tokens.
func (t *Tokenizer) pad(e *Encoding, n int) {
	k := n - e.Len()
	if k <= 0 {
		return
	}
	left := t.config.padLeft
	e.IDs = padded(e.IDs, k, t.padID, left)
	e.TypeIDs = padded(e.TypeIDs, k, 0, left)
	e.AttentionMask = padded(e.AttentionMask, k, 0, left)
	e.SpecialTokensMask = padded(e.SpecialTokensMask, k, 1, left)
	e.WordIDs = padded(e.WordIDs, k, -1, left)
	e.Tokens = padded(e.Tokens, k, t.Token(t.padID), left)
	e.Offsets = padded(e.Offsets, k, Offset{}, left)
	e.ByteOffsets = padded(e.ByteOffsets, k, Offset{}, left)
}

// padded is s with k copies of v on one side.
func padded[T any](s []T, k int, v T, left bool) []T {
	out := make([]T, len(s)+k)
	fill := out[len(s):]
	if left {
		fill = out[:k]
		copy(out[k:], s)
	} else {
		copy(out, s)
	}
	for i := range fill {
		fill[i] = v
	}
	return out
}
