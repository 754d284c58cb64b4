// Package spmtest writes small SentencePiece models for tests.
package spmtest

import (
	"encoding/binary"
	"fmt"
	"slices"

	"govle/vle/tokenizer/internal/spmfile"
)

// Model is a model file with its normalisation maps as rules, source to
// replacement.
type Model struct {
	spmfile.Model
	Rules            map[string]string
	DenormalizeRules map[string]string
}

// Bytes is the serialised ModelProto. Rules are compiled unless there is a
// Charsmap already.
func (m *Model) Bytes() []byte {
	file := m.Model
	if file.Charsmap == nil && m.Rules != nil {
		file.Charsmap = Charsmap(m.Rules)
	}
	if m.DenormalizeRules != nil {
		file.DenormCharsmap = Charsmap(m.DenormalizeRules)
	}
	return file.Marshal()
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
		Rules: map[string]string{
			"\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u3000": " ", "\u2581": " ", "\u200b": " ",
			"\x01": "", "ﬁ": "fi", "…": "...", "e\u0301": "\u00e9", "？": "?", "½": "1⁄2", "¨": " \u0308",
		},
	}
	add := func(kind int, score float32, texts ...string) {
		for _, text := range texts {
			m.Pieces = append(m.Pieces, spmfile.Piece{Text: text, Score: score, Type: kind})
		}
	}
	add(spmfile.Control, 0, "[PAD]", "[CLS]", "[SEP]")
	add(spmfile.Unknown, 0, "[UNK]")
	for _, p := range []struct {
		text  string
		score float32
	}{
		{"▁the", -2.5}, {"▁", -3}, {"s", -3.5}, {"?", -3.75}, {"▁what", -4}, {"▁is", -4.25},
		{"▁on", -4.5}, {"▁dog", -5}, {"▁grass", -5.5}, {"▁a", -5.75}, {".", -6}, {"fi", -6.25},
		{"é", -6.5}, {"▁ca", -7}, {"ca", -7.25}, {"'", -7.5}, {"▁color", -8},
	} {
		add(spmfile.Normal, p.score, p.text)
	}
	for c := 'a'; c <= 'z'; c++ {
		if c != 's' {
			add(spmfile.Normal, -9-float32(c-'a')/8, string(c))
		}
	}
	return m
}

// WithBytes adds the 256 byte pieces and turns byte fallback on.
func (m *Model) WithBytes() *Model {
	m.ByteFallback = true
	for b := range 256 {
		m.Pieces = append(m.Pieces, spmfile.Piece{Text: fmt.Sprintf("<0x%02X>", b), Type: spmfile.Byte})
	}
	return m
}
