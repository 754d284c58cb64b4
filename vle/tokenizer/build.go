package tokenizer

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"govle/vle/tokenizer/internal/spm"
	"govle/vle/tokenizer/internal/spmfile"
)

// Build makes a tokenizer whose tokens are the words of the given texts, for
// small models that read a small language. A word's score is the logarithm of its
// share of all words; the characters of ASCII come after them, so that other
// words are read letter by letter. Letters are read as small ones.
// The special tokens are DeBERTa-v3's. The same words in another order give the
// same tokenizer.
func Build(texts func(yield func(string) bool)) (*Tokenizer, error) {
	count := map[string]int{}
	total := 0
	for text := range texts {
		for _, field := range strings.Fields(pyLower(text)) {
			for _, piece := range wordPieces(field) {
				count[piece]++
				total++
			}
		}
	}
	if total == 0 {
		return nil, errors.New("tokenizer: there are no words to build a vocabulary of")
	}
	words := make([]string, 0, len(count))
	for w := range count {
		words = append(words, w)
	}
	slices.SortFunc(words, func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), strings.Compare(a, b))
	})
	file := &spmfile.Model{Pieces: []spmfile.Piece{
		{Text: "[PAD]", Type: spmfile.Control}, {Text: "[CLS]", Type: spmfile.Control},
		{Text: "[SEP]", Type: spmfile.Control}, {Text: "[UNK]", Type: spmfile.Unknown},
	}}
	for _, w := range words {
		file.Pieces = append(file.Pieces, spmfile.Piece{Text: w, Score: float32(math.Log(float64(count[w]) / float64(total))), Type: spmfile.Normal})
	}
	// A letter costs more than any word, so that a word is never cut up.
	letter := float32(-math.Log(float64(total)) - 1)
	for c := '!' - 1; c <= '~'; c++ {
		text := string(c)
		if c < '!' {
			text = wordStart
		}
		if unicode.IsUpper(c) || count[text] > 0 {
			continue
		}
		file.Pieces = append(file.Pieces, spmfile.Piece{Text: text, Score: letter, Type: spmfile.Normal})
	}
	model, err := spm.Parse(file.Marshal())
	if err != nil {
		return nil, fmt.Errorf("tokenizer: building a vocabulary: %w", err)
	}
	cfg := newConfig()
	if err := cfg.readSpecial(); err != nil {
		return nil, fmt.Errorf("tokenizer: building a vocabulary: %w", err)
	}
	cfg.lowerCase = true
	return newTokenizer(model, cfg)
}

// wordStart stands for the space before a word.
const wordStart = "▁"

// wordPieces cuts punctuation off the end of a word: "circle?" is "▁circle" and
// "?"; alone it is a word.
func wordPieces(field string) []string {
	end := len(field)
	for end > 0 && strings.IndexByte("?.,!:;", field[end-1]) >= 0 {
		end--
	}
	if end == 0 {
		return []string{wordStart + field}
	}
	out := []string{wordStart + field[:end]}
	for _, c := range field[end:] {
		out = append(out, string(c))
	}
	return out
}
