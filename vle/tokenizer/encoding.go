package tokenizer

// Offset is a half-open range [Start, End) of a token in the text it came
// from.
type Offset struct{ Start, End int }

// Encoding is a text, or a pair of texts, as a model reads it. All slices
// have the same length.
type Encoding struct {
	// IDs are the token ids, special and padding tokens included.
	IDs []int
	// TypeIDs is 0 for [CLS], the first text, its [SEP] and padding, and 1
	// for the second text and its [SEP].
	TypeIDs []int
	// AttentionMask is 1 for tokens and 0 for padding.
	AttentionMask []int
	// SpecialTokensMask is 1 for the [CLS], [SEP] and padding that the
	// tokenizer added, 0 for everything that stands in the text (a [MASK]
	// written there too).
	SpecialTokensMask []int
	// WordIDs numbers words from 0 through both texts: a word is a token
	// that opens with ▁ and those that follow it up to the next ▁ or
	// special token. It is -1 for special tokens, whether added or written
	// in the text. Whole-word masking hides tokens of equal WordIDs.
	WordIDs []int
	// Tokens are the pieces as strings. A run of characters that the model
	// does not know is one token that keeps its (normalised) characters,
	// although its id is that of [UNK].
	Tokens []string
	// Offsets locate each token in its text in characters (runes; an
	// invalid byte counts as one). A token that opens with ▁ includes the
	// space before the word. They are {0, 0} for added special tokens.
	//
	// They are what the fast tokenizer reports wherever it finds the same
	// tokens, but for two of its habits: after a character that
	// normalisation deletes (most control characters), its offsets slip
	// by one; and it trims white space that an unknown token at the end of
	// a text holds.
	Offsets []Offset
	// ByteOffsets are Offsets in bytes.
	ByteOffsets []Offset
	// Truncated is how many tokens truncation removed.
	Truncated int
}

// Len is the number of tokens, padding included.
func (e *Encoding) Len() int { return len(e.IDs) }
