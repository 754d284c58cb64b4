package spm

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// PieceType is what a vocabulary entry is for (ModelProto.SentencePiece.Type).
type PieceType uint8

// The piece types of sentencepiece_model.proto.
const (
	Normal      PieceType = 1
	Unknown     PieceType = 2
	Control     PieceType = 3
	UserDefined PieceType = 4
	Unused      PieceType = 5
	Byte        PieceType = 6
)

// Bounds on what a model file may hold. Real vocabularies stay far below:
// DeBERTa-v3 has 128,000 pieces of at most 48 bytes in 2.4 MB.
const (
	maxModelBytes = 256 << 20
	maxPieces     = 4 << 20
	maxPieceBytes = 4096
)

const modelTypeUnigram = 1

// vocabEntry is one ModelProto.SentencePiece.
type vocabEntry struct {
	text  string
	score float32
	kind  PieceType
}

// proto is what of a ModelProto matters for encoding and decoding.
type proto struct {
	data   string // the file
	pieces []vocabEntry

	modelType     uint64
	byteFallback  bool
	spaceAsSuffix bool
	unkSurface    string
	norm          normalizerSpec
	denorm        normalizerSpec
}

// normalizerSpec is the NormalizerSpec message, with its defaults filled in.
type normalizerSpec struct {
	name           string
	charsmap       string
	addDummyPrefix bool
	removeExtraWS  bool
	escapeWS       bool
}

var defaultNormalizerSpec = normalizerSpec{addDummyPrefix: true, removeExtraWS: true, escapeWS: true}

// parseModel reads a serialised ModelProto. The pieces' texts are substrings
// of the copy of data that it keeps.
func parseModel(data []byte) (*proto, error) {
	if len(data) == 0 {
		return nil, errors.New("the model is empty")
	}
	if len(data) > maxModelBytes {
		return nil, fmt.Errorf("the model has %d bytes, more than the limit of %d", len(data), maxModelBytes)
	}
	p := &proto{
		data:       string(data),
		modelType:  modelTypeUnigram,
		unkSurface: " \u2047 ",
		norm:       defaultNormalizerSpec,
		denorm:     defaultNormalizerSpec,
	}
	err := message{p.data, data, 0, len(data)}.each(func(f field) error {
		switch f.num {
		case 1:
			if len(p.pieces) == maxPieces {
				return fmt.Errorf("more than %d pieces", maxPieces)
			}
			e, err := parsePiece(f)
			if err != nil {
				return fmt.Errorf("piece %d: %w", len(p.pieces), err)
			}
			p.pieces = append(p.pieces, e)
		case 2:
			if err := p.parseTrainerSpec(f); err != nil {
				return fmt.Errorf("trainer_spec: %w", err)
			}
		case 3:
			if err := p.norm.parse(f); err != nil {
				return fmt.Errorf("normalizer_spec: %w", err)
			}
		case 5:
			if err := p.denorm.parse(f); err != nil {
				return fmt.Errorf("denormalizer_spec: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if p.modelType != modelTypeUnigram {
		return nil, fmt.Errorf("the model is of type %d (%s); only unigram models (type 1) are supported", p.modelType, modelTypeName(p.modelType))
	}
	if len(p.pieces) == 0 {
		return nil, errors.New("the model has no pieces; is this a SentencePiece model?")
	}
	return p, nil
}

func modelTypeName(t uint64) string {
	switch t {
	case 2:
		return "BPE"
	case 3:
		return "word"
	case 4:
		return "char"
	}
	return "unknown"
}

func parsePiece(f field) (vocabEntry, error) {
	e := vocabEntry{kind: Normal}
	err := f.each(func(f field) error {
		var err error
		switch f.num {
		case 1:
			e.text, err = f.string()
		case 2:
			e.score, err = f.float32()
		case 3:
			var v uint64
			if v, err = f.varint(); err == nil {
				if v < uint64(Normal) || v > uint64(Byte) {
					return fmt.Errorf("unknown piece type %d", v)
				}
				e.kind = PieceType(v)
			}
		}
		return err
	})
	if err != nil {
		return e, err
	}
	switch {
	case e.text == "":
		return e, errors.New("the piece is empty")
	case len(e.text) > maxPieceBytes:
		return e, fmt.Errorf("the piece has %d bytes, more than the limit of %d", len(e.text), maxPieceBytes)
	case !utf8.ValidString(e.text):
		return e, fmt.Errorf("the piece %q is not UTF-8", e.text)
	case strings.IndexByte(e.text, 0) >= 0:
		return e, fmt.Errorf("the piece %q contains a NUL byte", e.text)
	}
	if s := float64(e.score); math.IsNaN(s) || math.IsInf(s, 0) {
		return e, fmt.Errorf("the score of %q is %v, want a finite number", e.text, s)
	}
	return e, nil
}

func (p *proto) parseTrainerSpec(f field) error {
	return f.each(func(f field) error {
		var err error
		switch f.num {
		case 3:
			p.modelType, err = f.varint()
		case 24:
			p.spaceAsSuffix, err = f.bool()
		case 35:
			p.byteFallback, err = f.bool()
		case 44:
			p.unkSurface, err = f.string()
		}
		return err
	})
}

func (s *normalizerSpec) parse(f field) error {
	return f.each(func(f field) error {
		var err error
		switch f.num {
		case 1:
			s.name, err = f.string()
		case 2:
			s.charsmap, err = f.string()
		case 3:
			s.addDummyPrefix, err = f.bool()
		case 4:
			s.removeExtraWS, err = f.bool()
		case 5:
			s.escapeWS, err = f.bool()
		}
		return err
	})
}

// message is the body of a protobuf message: the bytes [lo, hi) of a file
// that is held both as a string, for substrings without copies, and as bytes,
// which protowire reads.
type message struct {
	str    string
	buf    []byte
	lo, hi int
}

// field is one field of a message, its value still encoded.
type field struct {
	num protowire.Number
	typ protowire.Type
	val message
}

// each calls fn for every field; fn ignores the numbers it does not know.
func (m message) each(fn func(field) error) error {
	for at := m.lo; at < m.hi; {
		num, typ, n := protowire.ConsumeTag(m.buf[at:m.hi])
		if n < 0 {
			return fmt.Errorf("byte %d: bad field tag: %w", at, protowire.ParseError(n))
		}
		n2 := protowire.ConsumeFieldValue(num, typ, m.buf[at+n:m.hi])
		if n2 < 0 {
			return fmt.Errorf("byte %d: field %d is cut short or malformed: %w", at, num, protowire.ParseError(n2))
		}
		at += n
		if err := fn(field{num, typ, message{m.str, m.buf, at, at + n2}}); err != nil {
			return err
		}
		at += n2
	}
	return nil
}

// want fails when the field is not of the wire type that its number calls for.
func (f field) want(typ protowire.Type) error {
	if f.typ != typ {
		return fmt.Errorf("byte %d: field %d has wire type %d, want %d", f.val.lo, f.num, f.typ, typ)
	}
	return nil
}

// message is the value of a length-delimited field. each has already checked
// the length against the enclosing message.
func (f field) message() (message, error) {
	if err := f.want(protowire.BytesType); err != nil {
		return message{}, err
	}
	v := f.val
	_, n := protowire.ConsumeVarint(v.buf[v.lo:v.hi])
	return message{v.str, v.buf, v.lo + n, v.hi}, nil
}

// each calls fn for every field of the message that f is.
func (f field) each(fn func(field) error) error {
	m, err := f.message()
	if err != nil {
		return err
	}
	return m.each(fn)
}

func (f field) string() (string, error) {
	m, err := f.message()
	if err != nil {
		return "", err
	}
	return m.str[m.lo:m.hi], nil
}

func (f field) varint() (uint64, error) {
	if err := f.want(protowire.VarintType); err != nil {
		return 0, err
	}
	v, _ := protowire.ConsumeVarint(f.val.buf[f.val.lo:f.val.hi])
	return v, nil
}

func (f field) bool() (bool, error) {
	v, err := f.varint()
	return v != 0, err
}

func (f field) float32() (float32, error) {
	if err := f.want(protowire.Fixed32Type); err != nil {
		return 0, err
	}
	v, _ := protowire.ConsumeFixed32(f.val.buf[f.val.lo:f.val.hi])
	return math.Float32frombits(v), nil
}
