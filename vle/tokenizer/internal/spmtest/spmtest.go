// Package spmtest writes small SentencePiece models for tests.
package spmtest

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Piece types, as in sentencepiece_model.proto.
const (
	Normal = iota + 1
	Unknown
	Control
	UserDefined
	Unused
	Byte
)

// Piece is a vocabulary entry.
type Piece struct {
	Text  string
	Score float32
	Type  int
}

// Model is what goes into a model file. The zero value of a flag is the
// default of the format.
type Model struct {
	Pieces []Piece
	// Rules are the normalisation map, source to replacement.
	Rules map[string]string
	// Charsmap overrides Rules with raw bytes.
	Charsmap []byte

	NoDummyPrefix    bool
	KeepExtraSpaces  bool
	NoEscapedSpaces  bool
	ByteFallback     bool
	SpaceAsSuffix    bool
	ModelType        uint64 // 0 for unigram
	DenormalizeRules map[string]string
}

// Bytes is the serialised ModelProto.
func (m *Model) Bytes() []byte {
	var b []byte
	for _, p := range m.Pieces {
		var e []byte
		e = appendBytes(e, 1, []byte(p.Text))
		e = protowire.AppendTag(e, 2, protowire.Fixed32Type)
		e = protowire.AppendFixed32(e, math.Float32bits(p.Score))
		if p.Type != Normal {
			e = appendVarint(e, 3, uint64(p.Type))
		}
		b = appendBytes(b, 1, e)
	}
	trainer := appendVarint(nil, 3, max(m.ModelType, 1))
	trainer = appendBool(trainer, 24, m.SpaceAsSuffix)
	trainer = appendBool(trainer, 35, m.ByteFallback)
	b = appendBytes(b, 2, trainer)

	charsmap := m.Charsmap
	if charsmap == nil && m.Rules != nil {
		charsmap = Charsmap(m.Rules)
	}
	norm := appendBytes(nil, 1, []byte("test"))
	norm = appendBytes(norm, 2, charsmap)
	norm = appendBool(norm, 3, !m.NoDummyPrefix)
	norm = appendBool(norm, 4, !m.KeepExtraSpaces)
	norm = appendBool(norm, 5, !m.NoEscapedSpaces)
	b = appendBytes(b, 3, norm)
	if m.DenormalizeRules != nil {
		denorm := appendBytes(nil, 2, Charsmap(m.DenormalizeRules))
		denorm = appendBool(denorm, 3, false)
		denorm = appendBool(denorm, 4, false)
		denorm = appendBool(denorm, 5, false)
		b = appendBytes(b, 5, denorm)
	}
	return b
}

func appendBytes(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func appendVarint(b []byte, num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}

func appendBool(b []byte, num protowire.Number, v bool) []byte {
	return appendVarint(b, num, protowire.EncodeBool(v))
}

// Charsmap compiles a normalisation map. Every node of its trie gets 256 units
// of its own, which is wasteful and simple.
func Charsmap(rules map[string]string) []byte {
	sources := make([]string, 0, len(rules))
	for s := range rules {
		sources = append(sources, s)
	}
	slices.Sort(sources)

	const noLabel = 1 << 31 // in units that are not in use
	units := make([]uint32, 256)
	for i := range units {
		units[i] = noLabel
	}
	units[0] = 0
	base := map[string]uint32{} // of the children of the node for a prefix
	place := func(prefix string, node uint32) uint32 {
		if b, ok := base[prefix]; ok {
			return b
		}
		b := uint32(len(units))
		for range 256 {
			units = append(units, noLabel)
		}
		base[prefix] = b
		units[node] |= (node ^ b) << 10
		return b
	}
	var replacements []byte
	for _, s := range sources {
		node := uint32(0)
		for i := range len(s) {
			child := place(s[:i], node) ^ uint32(s[i])
			if units[child] == noLabel {
				units[child] = uint32(s[i])
			}
			node = child
		}
		leaf := place(s, node)
		units[node] |= 1 << 8
		units[leaf] = 1<<31 | uint32(len(replacements))
		replacements = append(append(replacements, rules[s]...), 0)
	}
	blob := binary.LittleEndian.AppendUint32(nil, uint32(4*len(units)))
	for _, u := range units {
		blob = binary.LittleEndian.AppendUint32(blob, u)
	}
	return append(blob, replacements...)
}

// DeBERTa is a model laid out as DeBERTa-v3's, with a few English words, some
// normalisation rules and single letters.
func DeBERTa() *Model {
	m := &Model{
		Pieces: []Piece{
			{"[PAD]", 0, Control}, {"[CLS]", 0, Control}, {"[SEP]", 0, Control}, {"[UNK]", 0, Unknown},
			{"▁the", -2.5, Normal}, {"▁", -3, Normal}, {"s", -3.5, Normal}, {"?", -3.75, Normal},
			{"▁what", -4, Normal}, {"▁is", -4.25, Normal}, {"▁on", -4.5, Normal}, {"▁dog", -5, Normal},
			{"▁grass", -5.5, Normal}, {"▁a", -5.75, Normal}, {".", -6, Normal}, {"fi", -6.25, Normal},
			{"é", -6.5, Normal}, {"▁ca", -7, Normal}, {"ca", -7.25, Normal}, {"'", -7.5, Normal}, {"▁color", -8, Normal},
		},
		Rules: map[string]string{
			"\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u3000": " ", "\u2581": " ", "\u200b": " ",
			"\x01": "", "ﬁ": "fi", "…": "...", "e\u0301": "\u00e9", "？": "?", "½": "1⁄2", "¨": " \u0308",
		},
	}
	for c := 'a'; c <= 'z'; c++ {
		if c != 's' {
			m.Pieces = append(m.Pieces, Piece{string(c), -9 - float32(c-'a')/8, Normal})
		}
	}
	return m
}

// WithBytes adds the 256 byte pieces and turns byte fallback on.
func (m *Model) WithBytes() *Model {
	m.ByteFallback = true
	for b := range 256 {
		m.Pieces = append(m.Pieces, Piece{fmt.Sprintf("<0x%02X>", b), 0, Byte})
	}
	return m
}
