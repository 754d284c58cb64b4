package spm

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"govle/vle/tokenizer/internal/spmfile"
	"govle/vle/tokenizer/internal/spmtest"
)

// variants are models with the settings that a model file may have.
func variants() map[string]*spmtest.Model {
	change := func(f func(m *spmtest.Model)) *spmtest.Model {
		m := spmtest.DeBERTa()
		f(m)
		return m
	}
	retype := func(m *spmtest.Model, kind int, texts ...string) {
		for i, p := range m.Pieces {
			if slices.Contains(texts, p.Text) {
				m.Pieces[i].Type = kind
			}
		}
	}
	return map[string]*spmtest.Model{
		"deberta":          spmtest.DeBERTa(),
		"identity":         change(func(m *spmtest.Model) { m.Rules = nil }),
		"keep spaces":      change(func(m *spmtest.Model) { m.KeepExtraSpaces = true }),
		"no dummy prefix":  change(func(m *spmtest.Model) { m.NoDummyPrefix = true }),
		"bare":             change(func(m *spmtest.Model) { m.NoDummyPrefix, m.KeepExtraSpaces = true, true }),
		"unescaped spaces": change(func(m *spmtest.Model) { m.NoEscapedSpaces = true }),
		"space as suffix":  change(func(m *spmtest.Model) { m.SpaceAsSuffix = true }),
		"byte fallback":    spmtest.DeBERTa().WithBytes(),
		"user defined": change(func(m *spmtest.Model) {
			m.Pieces = append(m.Pieces, spmfile.Piece{Text: "<tag>", Type: spmfile.UserDefined},
				spmfile.Piece{Text: "a b", Type: spmfile.UserDefined}, spmfile.Piece{Text: "ﬁ", Type: spmfile.UserDefined},
				spmfile.Piece{Text: "the▁", Type: spmfile.UserDefined})
		}),
		"unused":        change(func(m *spmtest.Model) { retype(m, spmfile.Unused, "▁dog", "d", "x", "?") }),
		"control":       change(func(m *spmtest.Model) { retype(m, spmfile.Control, "▁dog", "x", ".") }),
		"high scores":   change(func(m *spmtest.Model) { lift(m, 40) }),
		"equal scores":  change(func(m *spmtest.Model) { lift(m, 0) }),
		"denormalising": change(func(m *spmtest.Model) { m.DenormalizeRules = map[string]string{"é": "e", "..": "‥"} }),
	}
}

// lift moves all scores up, or sets them to 0.
func lift(m *spmtest.Model, by float32) {
	for i := range m.Pieces {
		if by == 0 {
			m.Pieces[i].Score = 0
		} else if m.Pieces[i].Type == spmfile.Normal {
			m.Pieces[i].Score += by
		}
	}
}

// TestSentencePiece compares every variant with what sentencepiece 0.2.0 makes
// of the same model file.
func TestSentencePiece(t *testing.T) {
	data, err := os.ReadFile("testdata/sentencepiece-0.2.0.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded map[string][]struct {
		Text, Normalized string
		IDs              []int32
		Pieces           []string
		Begin, End       []int32 // bytes
		Decoded          string
	}
	if err := json.Unmarshal(data, &recorded); err != nil {
		t.Fatal(err)
	}
	for name, file := range variants() {
		t.Run(name, func(t *testing.T) {
			m, err := Parse(file.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if len(recorded[name]) == 0 {
				t.Fatal("nothing is recorded")
			}
			for _, row := range recorded[name] {
				s, err := m.Segment(row.Text, LeadTrimmed, true)
				if err != nil {
					t.Fatal(err)
				}
				if got := string(s.Text); got != row.Normalized {
					t.Errorf("%q is normalised to %q, want %q", row.Text, got, row.Normalized)
				}
				var ids, begin, end []int32
				for i, seg := range s.Segments {
					b, e := s.Origin[seg.Start], s.Origin[seg.End]
					if i+1 < len(s.Segments) && s.Segments[i+1].Start == seg.Start {
						e = b // all but the last byte of a character
					}
					ids, begin, end = append(ids, seg.ID), append(begin, b), append(end, e)
				}
				if !slices.Equal(ids, row.IDs) || !slices.Equal(begin, row.Begin) || !slices.Equal(end, row.End) {
					t.Errorf("%q: got %v %v %v, want %v %v %v", row.Text, ids, begin, end, row.IDs, row.Begin, row.End)
				}
				if got := m.Decode(row.Pieces); got != row.Decoded {
					t.Errorf("%q is decoded to %q, want %q", row.Pieces, got, row.Decoded)
				}
				m.Release(s)
			}
		})
	}
}
