package llm

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sort"
	"strings"
	"unicode"

	"govle/vle"
)

// Captioner describes a picture in a sentence.
type Captioner interface {
	Caption(ctx context.Context, img image.Image) (string, error)
}

// CaptionFunc is a function as a [Captioner].
type CaptionFunc func(ctx context.Context, img image.Image) (string, error)

// Caption calls f.
func (f CaptionFunc) Caption(ctx context.Context, img image.Image) (string, error) {
	return f(ctx, img)
}

// Caption is a caption that the user gives, for any picture.
func Caption(text string) Captioner {
	return CaptionFunc(func(context.Context, image.Image) (string, error) { return text, nil })
}

// TextRanker judges how well texts fit a picture; *vle.ITMPipeline does.
type TextRanker interface {
	RankTexts(img image.Image, texts []string) (*vle.Matches, error)
}

// BlankFiller gives the k best words for each [MASK] of texts about a picture;
// *vle.MLMPipeline does.
type BlankFiller interface {
	FillAll(img image.Image, texts []string, k int) ([]*vle.Blanks, error)
}

var (
	_ TextRanker  = (*vle.ITMPipeline)(nil)
	_ BlankFiller = (*vle.MLMPipeline)(nil)
)

// mask marks a blank in a text.
const mask = "[MASK]"

// VLECaption finds a caption with VLE's own heads: MLM fills the blanks of the
// texts, ITM chooses the text that fits best. Without ITM the likeliest filling
// is taken, of the first text that has blanks; without MLM the texts may have
// none. One of both is enough.
type VLECaption struct {
	// Texts are the captions to choose from, in which [MASK] is a blank, such as
	// "a photo of a [MASK] on a [MASK].".
	Texts []string
	ITM   TextRanker
	MLM   BlankFiller
	// Fills is how many words are tried for each blank; 0 means 5.
	Fills int
}

// maxFillings bounds how many fillings of one text are tried, best first.
const maxFillings = 64

// Caption returns the best caption.
func (c *VLECaption) Caption(ctx context.Context, img image.Image) (string, error) {
	if len(c.Texts) == 0 {
		return "", errors.New("llm: no captions to choose from: set Texts")
	}
	if c.ITM == nil && c.MLM == nil {
		return "", errors.New("llm: captions are ranked by ITM or filled by MLM: set one of them")
	}
	var blank []string
	for _, t := range c.Texts {
		if strings.Contains(t, mask) {
			blank = append(blank, t)
		}
	}
	var filled map[string][]string
	if len(blank) > 0 {
		if c.MLM == nil {
			return "", fmt.Errorf("llm: the caption %q has a blank: set MLM to fill it", blank[0])
		}
		if c.ITM == nil {
			blank = blank[:1] // the first is taken
		}
		var err error
		if filled, err = c.fill(img, blank); err != nil {
			return "", err
		}
		if c.ITM == nil {
			return filled[blank[0]][0], nil
		}
	}
	var all []string
	for _, t := range c.Texts {
		if f := filled[t]; f != nil {
			all = append(all, f...)
		} else {
			all = append(all, t)
		}
	}
	if c.ITM == nil {
		return all[0], nil
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	ranked, err := c.ITM.RankTexts(img, all)
	if err != nil {
		return "", fmt.Errorf("llm: ranking captions: %w", err)
	}
	return ranked.Items[0].Text, nil
}

// fill returns the fillings of each text, best first and at least one.
func (c *VLECaption) fill(img image.Image, texts []string) (map[string][]string, error) {
	k := c.Fills
	if k <= 0 {
		k = 5
	}
	// Some of the best tokens are punctuation, which fills no blank.
	blanks, err := c.MLM.FillAll(img, texts, 4*k)
	if err != nil {
		return nil, fmt.Errorf("llm: filling the blanks of captions: %w", err)
	}
	filled := map[string][]string{}
	for i, t := range texts {
		if filled[t] = fillings(t, blanks[i], k); len(filled[t]) == 0 {
			return nil, fmt.Errorf("llm: no word fills the blanks of %q", t)
		}
	}
	return filled, nil
}

// fillings returns the text with its blanks filled by the k best words each, in
// order of the product of their scores.
func fillings(text string, b *vle.Blanks, k int) []string {
	type filling struct {
		words []string
		score float64
	}
	parts := strings.Split(text, mask)
	if len(b.Blanks) != len(parts)-1 {
		return nil
	}
	all := []filling{{nil, 1}}
	for _, fills := range b.Blanks {
		var words []vle.Fill
		for _, f := range fills {
			if len(words) < k && strings.ContainsFunc(f.Token, unicode.IsLetter) && !strings.HasPrefix(f.Token, "[") {
				words = append(words, f)
			}
		}
		var next []filling
		for _, f := range all {
			for _, w := range words {
				next = append(next, filling{append(f.words[:len(f.words):len(f.words)], w.Token), f.score * w.Score})
			}
		}
		sort.SliceStable(next, func(i, j int) bool { return next[i].score > next[j].score })
		all = next[:min(len(next), maxFillings)]
	}
	out := make([]string, len(all))
	for i, f := range all {
		var s strings.Builder
		for j, w := range f.words {
			before := s.String() + parts[j]
			// A piece that begins with ▁ is a word of its own; another one goes on
			// with the word before it.
			word, starts := strings.CutPrefix(w, "▁")
			before = strings.TrimRight(before, " ")
			if starts && before != "" {
				before += " "
			}
			s.Reset()
			s.WriteString(before + strings.ReplaceAll(word, "▁", " "))
		}
		out[i] = s.String() + parts[len(parts)-1]
	}
	return out
}
