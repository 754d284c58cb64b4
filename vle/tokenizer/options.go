package tokenizer

import "fmt"

// Options says how a text or a pair of texts becomes one [Encoding]. The zero
// value adds the special tokens, cuts nothing and pads nothing.
type Options struct {
	// MaxLength is the number of tokens, special ones included, that
	// truncation cuts to and that PadToMax pads to. 0 means the
	// tokenizer's own limit ([Tokenizer.ModelMaxLength]); where that is
	// unlimited too, nothing is cut or padded.
	MaxLength int
	// Truncation chooses what is cut when the sequence is too long.
	Truncation Truncation
	// Padding chooses the length to pad to.
	Padding Padding
	// PadToMultipleOf rounds the padded length up to a multiple; 0 or 1
	// means no rounding. It has no effect under NoPadding. MaxLength must
	// be such a multiple where the sequence is also truncated.
	PadToMultipleOf int
	// NoSpecialTokens leaves out [CLS] and [SEP].
	NoSpecialTokens bool
}

// Truncation is a strategy for sequences longer than MaxLength. As in the
// reference, where the sequence to be cut has no more tokens than would have
// to go, nothing is cut at all and the encoding stays too long; the zero of
// [Encoding.Truncated] tells.
type Truncation int

const (
	// DoNotTruncate cuts nothing.
	DoNotTruncate Truncation = iota
	// LongestFirst cuts token by token from whichever sequence of a pair
	// is longer (the second one when they are equally long).
	LongestFirst
	// OnlyFirst cuts the first sequence of a pair, or the only one.
	OnlyFirst
	// OnlySecond cuts the second sequence of a pair; a single text is left
	// alone.
	OnlySecond
)

// Padding is a strategy for sequences that are too short.
type Padding int

const (
	// NoPadding adds nothing.
	NoPadding Padding = iota
	// PadLongest pads to the longest encoding of the batch.
	PadLongest
	// PadToMax pads to MaxLength.
	PadToMax
)

// limit is MaxLength, or otherwise where it is not given. Option values that no
// caller can mean are errors.
func (o *Options) limit(otherwise int) (int, error) {
	limit := o.MaxLength
	if limit == 0 {
		limit = otherwise
	}
	switch {
	case o.MaxLength < 0:
		return 0, fmt.Errorf("tokenizer: MaxLength is %d, want 0 or more", o.MaxLength)
	case o.PadToMultipleOf < 0:
		return 0, fmt.Errorf("tokenizer: PadToMultipleOf is %d, want 0 or more", o.PadToMultipleOf)
	case o.Truncation < DoNotTruncate || o.Truncation > OnlySecond:
		return 0, fmt.Errorf("tokenizer: unknown truncation strategy %d", o.Truncation)
	case o.Padding < NoPadding || o.Padding > PadToMax:
		return 0, fmt.Errorf("tokenizer: unknown padding strategy %d", o.Padding)
	case o.Padding == PadToMax && limit > maxPadding && limit != unlimited:
		return 0, fmt.Errorf("tokenizer: padding to %d tokens, more than the limit of %d", limit, maxPadding)
	case o.PadToMultipleOf > maxPadding:
		return 0, fmt.Errorf("tokenizer: padding to a multiple of %d, more than the limit of %d", o.PadToMultipleOf, maxPadding)
	case o.Truncation != DoNotTruncate && o.Padding != NoPadding && limit != unlimited && roundUp(limit, o.PadToMultipleOf) != limit:
		return 0, fmt.Errorf("tokenizer: truncation to %d tokens and padding to a multiple of %d exclude each other", limit, o.PadToMultipleOf)
	}
	return limit, nil
}

// maxPadding bounds what a wrong number can cost.
const maxPadding = 1 << 24
