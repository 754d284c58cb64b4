// Package spmfile writes SentencePiece model files (sentencepiece_model.proto).
package spmfile

import (
	"math"

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
	// Charsmap is the precompiled normalisation map, empty for none.
	Charsmap []byte
	// DenormCharsmap is the map that decoding applies, empty for none.
	DenormCharsmap []byte

	NoDummyPrefix   bool
	KeepExtraSpaces bool
	NoEscapedSpaces bool
	ByteFallback    bool
	SpaceAsSuffix   bool
	ModelType       uint64 // 0 for unigram
}

// Marshal is the serialised ModelProto.
func (m *Model) Marshal() []byte {
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
	b = appendBytes(b, 3, normalizer(m.Charsmap, !m.NoDummyPrefix, !m.KeepExtraSpaces, !m.NoEscapedSpaces))
	if len(m.DenormCharsmap) > 0 {
		b = appendBytes(b, 5, normalizer(m.DenormCharsmap, false, false, false))
	}
	return b
}

func normalizer(charsmap []byte, dummyPrefix, removeExtraSpaces, escapeSpaces bool) []byte {
	b := appendBytes(nil, 2, charsmap)
	b = appendBool(b, 3, dummyPrefix)
	b = appendBool(b, 4, removeExtraSpaces)
	return appendBool(b, 5, escapeSpaces)
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
