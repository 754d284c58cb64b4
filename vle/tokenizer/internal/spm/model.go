// Package spm reads SentencePiece unigram models and segments text with them,
// exactly as sentencepiece 0.2.0 does (src/normalizer.cc,
// src/unigram_model.cc, src/sentencepiece_processor.cc).
package spm

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// unkPenalty is how far below the worst piece an unknown character scores.
const unkPenalty = 10

// MaxTextBytes bounds one text: about 2.5 million words.
const MaxTextBytes = 16 << 20

// Model is a unigram model. It does not change once parsed and may be used by
// many goroutines at once.
type Model struct {
	data         string // the file that the model was parsed from
	charsmap     string // its normaliser's precompiled map; "" for the identity
	pieces       []vocabEntry
	ids          map[string]int32
	unkID        int32
	byteFallback bool
	byteIDs      [256]int32
	unkSurface   string

	lookup   *trie
	cost     []float64 // by id: what the search adds for the piece
	unkScore float32

	norm    *Normalizer
	denorm  *Normalizer // nil in most models
	scratch sync.Pool   // of *Segmentation
}

// Parse reads a serialised model (the content of an spm.model file).
func Parse(data []byte) (*Model, error) {
	p, err := parseModel(data)
	if err != nil {
		return nil, err
	}
	m := &Model{
		data:         p.data,
		charsmap:     p.norm.charsmap,
		pieces:       p.pieces,
		ids:          make(map[string]int32, len(p.pieces)),
		unkID:        -1,
		byteFallback: p.byteFallback,
		unkSurface:   p.unkSurface,
		cost:         make([]float64, len(p.pieces)),
	}
	m.scratch.New = func() any { return new(Segmentation) }
	keys, symbols, err := m.index()
	if err != nil {
		return nil, err
	}
	if m.lookup, err = newTrie(keys); err != nil {
		return nil, err
	}
	if m.norm, err = newNormalizer(p.norm, p.spaceAsSuffix, symbols); err != nil {
		return nil, err
	}
	if p.denorm.charsmap != "" {
		if m.denorm, err = newNormalizer(p.denorm, false, nil); err != nil {
			return nil, fmt.Errorf("denormalizer: %w", err)
		}
	}
	return m, nil
}

// index fills the tables by id and by text, and returns the pieces that the
// search may find and those that the user defined.
func (m *Model) index() (keys, symbols []trieKey, err error) {
	// The reference starts from the smallest positive float, not from the
	// lowest one, so a vocabulary of negative scores has this maximum.
	lowest, highest := float32(math.MaxFloat32), float32(0x1p-126)
	for _, e := range m.pieces {
		if e.kind == Normal {
			lowest, highest = min(lowest, e.score), max(highest, e.score)
		}
	}
	m.unkScore = lowest - unkPenalty

	bytesFound := 0
	for i, e := range m.pieces {
		id := int32(i)
		if first, dup := m.ids[e.text]; dup {
			return nil, nil, fmt.Errorf("the piece %q is defined twice, as ids %d and %d", e.text, first, id)
		}
		m.ids[e.text] = id
		switch e.kind {
		case Normal:
			m.cost[id] = float64(e.score)
			keys = append(keys, trieKey{e.text, id})
		case UserDefined:
			// A bonus so that the piece is always chosen.
			m.cost[id] = float64(float32(len(e.text))*highest) - 0.1
			keys = append(keys, trieKey{e.text, id})
			symbols = append(symbols, trieKey{e.text, id})
		case Unknown:
			if m.unkID >= 0 {
				return nil, nil, fmt.Errorf("two unknown pieces, ids %d and %d", m.unkID, id)
			}
			m.unkID = id
		case Byte:
			b, ok := byteOf(e.text)
			if !ok {
				return nil, nil, fmt.Errorf("the byte piece %q (id %d) is not of the form <0x0A>", e.text, id)
			}
			if !m.byteFallback {
				return nil, nil, fmt.Errorf("the byte piece %q (id %d) needs byte_fallback, which is off", e.text, id)
			}
			m.byteIDs[b] = id
			bytesFound++
		}
	}
	if m.unkID < 0 {
		return nil, nil, fmt.Errorf("none of the %d pieces is the unknown piece", len(m.pieces))
	}
	if m.byteFallback && bytesFound != 256 {
		return nil, nil, fmt.Errorf("byte_fallback needs 256 byte pieces, found %d", bytesFound)
	}
	return keys, symbols, nil
}

// byteOf is the byte that a piece like <0x0A> stands for.
func byteOf(piece string) (b byte, ok bool) {
	if len(piece) != len("<0x0A>") {
		return 0, false
	}
	v, err := strconv.ParseUint(piece[3:5], 16, 8)
	return byte(v), err == nil && piece == fmt.Sprintf("<0x%02X>", v)
}

// Data is the file that the model was parsed from.
func (m *Model) Data() string { return m.data }

// Charsmap is the normaliser's precompiled map, "" for the identity.
func (m *Model) Charsmap() string { return m.charsmap }

// Size is the number of pieces.
func (m *Model) Size() int { return len(m.pieces) }

// UnkID is the id of the unknown piece.
func (m *Model) UnkID() int { return int(m.unkID) }

// Piece is the text of an id in [0, Size).
func (m *Model) Piece(id int) string { return m.pieces[id].text }

// Score is the log probability of an id in [0, Size).
func (m *Model) Score(id int) float32 { return m.pieces[id].score }

// Type is what the piece of an id in [0, Size) is for.
func (m *Model) Type(id int) PieceType { return m.pieces[id].kind }

// ID is the id of a piece. ok is false for a text that is no piece.
func (m *Model) ID(piece string) (id int, ok bool) {
	v, ok := m.ids[piece]
	return int(v), ok
}

// Segment is one piece of a segmentation: the bytes [Start, End) of the
// normalised text. Runs of unknown characters are one segment; the bytes of an
// unknown character under byte fallback are one segment each, all over the
// whole character.
type Segment struct {
	ID         int32
	Start, End int32
}

// Segmentation is the result of [Model.Segment], and the scratch space it needs.
// Release returns it for reuse.
type Segmentation struct {
	Normalized
	Segments []Segment
	best     []bestEnd
}

// bestEnd is the best path that ends at a byte of the normalised text.
type bestEnd struct {
	score float32
	from  int32 // 1 + start of the last piece; 0 while there is no path
	id    int32
}

// maxKept bounds the scratch space that is kept between calls.
const maxKept = 1 << 16

// Segment normalises and segments text. Release the result when done with it.
func (m *Model) Segment(text string, lead Lead, origins bool) (*Segmentation, error) {
	if len(text) > MaxTextBytes {
		return nil, fmt.Errorf("the text has %d bytes, more than the limit of %d", len(text), MaxTextBytes)
	}
	s := m.scratch.Get().(*Segmentation)
	m.norm.Normalize(&s.Normalized, text, lead, origins)
	m.search(s)
	return s, nil
}

// Release gives a segmentation back for reuse; it must not be used any more.
func (m *Model) Release(s *Segmentation) {
	if cap(s.Text) <= maxKept {
		m.scratch.Put(s)
	}
}

// search finds the most probable segmentation of s.Text (Viterbi). Sums and
// comparisons have the precision of the reference, which decides ties: scores
// are added in float64 to a float32 sum, compared, and stored as float32.
func (m *Model) search(s *Segmentation) {
	text := s.Text
	s.Segments = s.Segments[:0]
	if len(text) == 0 {
		return
	}
	if cap(s.best) < len(text)+1 {
		s.best = make([]bestEnd, len(text)+1+len(text)/4)
	}
	best := s.best[:len(text)+1]
	clear(best)
	units, root := m.lookup.units, m.lookup.root()
	cost := m.cost
	for start := 0; start < len(text); {
		width := runeWidth(text[start])
		sofar := best[start].score
		base := root
		single := false
		for end := start; end < len(text); {
			c := uint32(text[end])
			u := units[base^c]
			if u.link&labelMask != c {
				break
			}
			base = u.link >> labelBits
			end++
			if u.id < 0 {
				continue
			}
			score := cost[u.id] + float64(sofar)
			if b := &best[end]; b.from == 0 || score > float64(b.score) {
				*b = bestEnd{float32(score), int32(start) + 1, u.id}
			}
			single = single || end-start == width
		}
		if !single {
			score := m.unkScore + sofar
			if b := &best[start+width]; b.from == 0 || score > b.score {
				*b = bestEnd{score, int32(start) + 1, m.unkID}
			}
		}
		start += width
	}
	m.backtrack(s, best)
}

// runeWidth is the length of the UTF-8 sequence that starts with c.
func runeWidth(c byte) int {
	switch {
	case c < 0xC0:
		return 1
	case c < 0xE0:
		return 2
	case c < 0xF0:
		return 3
	}
	return 4
}

// backtrack collects the segments of the best path in reading order.
func (m *Model) backtrack(s *Segmentation, best []bestEnd) {
	segs := s.Segments
	for end := int32(len(best) - 1); end > 0; {
		b := best[end]
		start := b.from - 1
		switch {
		case b.id != m.unkID:
			segs = append(segs, Segment{b.id, start, end})
		case m.byteFallback:
			for i := end - 1; i >= start; i-- {
				segs = append(segs, Segment{m.byteIDs[s.Text[i]], start, end})
			}
		case len(segs) > 0 && segs[len(segs)-1].ID == m.unkID:
			segs[len(segs)-1].Start = start
		default:
			segs = append(segs, Segment{b.id, start, end})
		}
		end = start
	}
	for i, j := 0, len(segs)-1; i < j; i, j = i+1, j-1 {
		segs[i], segs[j] = segs[j], segs[i]
	}
	s.Segments = segs
}

// Normalize is the normal form of text.
func (m *Model) Normalize(text string) string {
	var n Normalized
	m.norm.Normalize(&n, text, LeadTrimmed, false)
	return string(n.Text)
}

// Decode joins pieces into text. A piece that is not in the vocabulary stands
// for itself.
func (m *Model) Decode(pieces []string) string {
	var out strings.Builder
	var pending []byte // of a run of byte pieces
	flush := func() {
		for len(pending) > 0 {
			r, n := utf8.DecodeRune(pending)
			out.WriteRune(r) // U+FFFD for an invalid byte
			pending = pending[n:]
		}
	}
	atStart, sawSpace := true, false
	for _, piece := range pieces {
		id, known := m.ids[piece]
		if !known {
			id = m.unkID
		}
		kind := m.pieces[id].kind
		if kind == Byte {
			b, _ := byteOf(piece)
			pending = append(pending, b)
			continue
		}
		flush()
		if sawSpace || out.Len() > 0 {
			atStart = false
		}
		sawSpace = false
		switch {
		case kind == Control:
		case kind == Unknown && known:
			out.WriteString(m.unkSurface)
		case kind == Unknown:
			out.WriteString(piece)
		default:
			if spec := &m.norm.spec; atStart && (spec.addDummyPrefix || spec.removeExtraWS) {
				rest, cut := strings.CutPrefix(piece, spaceSymbol)
				piece = rest
				// Where white space is collapsed, all of it goes
				// from the head of the text.
				sawSpace = cut && !spec.removeExtraWS
			}
			out.WriteString(strings.ReplaceAll(piece, spaceSymbol, " "))
		}
	}
	flush()
	if m.denorm != nil {
		var n Normalized
		m.denorm.Normalize(&n, out.String(), LeadTrimmed, false)
		return string(n.Text)
	}
	return out.String()
}
