package train

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"govle/vle"
	"govle/vle/nn"
	"govle/vle/tokenizer"
)

// MLM is masked language modelling (Devlin et al. 2019): of the tokens chosen,
// 80 % become [MASK], 10 % another token and 10 % stay, and the loss is the
// cross-entropy of what they were. Boxes are not shown to the model.
type MLM struct {
	Tokenizer *tokenizer.Tokenizer
	// Share of the tokens that are chosen; 0 means 0.15. At least one is.
	Share float64
	// WholeWord chooses words, all of whose tokens are treated alike.
	WholeWord bool
}

// Name returns "mlm".
func (MLM) Name() string { return "mlm" }

// Prepare chooses tokens of each text and hides them.
func (o MLM) Prepare(c *vle.Config, batch []*Example, rng *rand.Rand) ([]*Example, error) {
	if o.Tokenizer == nil {
		return nil, fmt.Errorf("train: the mlm objective has no tokenizer: set MLM.Tokenizer")
	}
	share := o.Share
	if share == 0 {
		share = 0.15
	}
	if !(share > 0 && share <= 1) {
		return nil, fmt.Errorf("train: the share of masked tokens is %g: it must lie above 0 and be at most 1", share)
	}
	var out []*Example
	for _, e := range batch {
		words := o.words(e.IDs)
		if len(words) == 0 || !e.isFor(o) {
			continue
		}
		copied := *e
		copied.FusionTypes = nil
		copied.IDs = append([]int(nil), e.IDs...)
		copied.targets = nil
		want := max(1, int(share*float64(len(words))+rng.Float64()))
		for _, w := range rng.Perm(len(words))[:min(want, len(words))] {
			how := rng.Float64()
			for _, at := range words[w] {
				copied.targets = append(copied.targets, target{at, e.IDs[at]})
				switch {
				case how < 0.8:
					copied.IDs[at] = o.Tokenizer.MaskID()
				case how < 0.9:
					copied.IDs[at] = o.another(rng)
				}
			}
		}
		out = append(out, &copied)
	}
	return out, nil
}

// words lists the places of the tokens that may be chosen, those of a word
// together when whole words are.
func (o MLM) words(ids []int) [][]int {
	var out [][]int
	inWord := false
	for at, id := range ids {
		if o.Tokenizer.IsSpecial(id) {
			inWord = false
			continue
		}
		if o.WholeWord && inWord && !strings.HasPrefix(o.Tokenizer.Token(id), "▁") {
			out[len(out)-1] = append(out[len(out)-1], at)
			continue
		}
		out = append(out, []int{at})
		inWord = true
	}
	return out
}

// another draws a token that is not special.
func (o MLM) another(rng *rand.Rand) int {
	for {
		if id := rng.IntN(o.Tokenizer.VocabSize()); !o.Tokenizer.IsSpecial(id) {
			return id
		}
	}
}

// Units returns the number of hidden tokens.
func (MLM) Units(_ *vle.Config, e *Example) int { return len(e.targets) }

// Run runs a *vle.MLM.
func (o MLM) Run(m vle.Parameterized, r *nn.Run, examples []*Example) (*Outcome, error) {
	h, err := head[*vle.MLM](m, o.Name())
	if err != nil {
		return nil, err
	}
	var at [][2]int
	var classes []int
	for i, e := range examples {
		for _, t := range e.targets {
			at = append(at, [2]int{i, t.at})
			classes = append(classes, t.class)
		}
	}
	x, err := h.ForwardAt(r, batch(examples, ownText, false), at)
	if err != nil {
		return nil, err
	}
	return classified(r, x, classes), nil
}
