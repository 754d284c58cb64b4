package main

import (
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"govle/datasets"
	"govle/datasets/metrics"
	"govle/vle"
	"govle/vle/nn"
	"govle/vle/tokenizer"
)

// tokenizerOptions are those of texts without limits.
var tokenizerOptions = tokenizer.Options{}

// mlmSaid is a line of govle eval mlm -o.
type mlmSaid struct {
	ID    string `json:"id"`
	Image string `json:"image"`
	Text  string `json:"text"`
	// Masked are the places of the hidden tokens, Right what they were and Said the
	// likeliest tokens.
	Masked []int    `json:"masked"`
	Right  []string `json:"right"`
	Said   []string `json:"said"`
	// Rank is the place of the right token in the model's order, from 1.
	Rank []int `json:"rank"`

	hidden, right []int // the ids with masks, and what they were
}

func evalMLMCommand() *cobra.Command {
	o := &evalOptions{}
	m := masking{}
	cmd := o.command(&cobra.Command{
		Use:   "mlm --model DIR --data DATA",
		Short: "Masked words: how many the model gets right, given the picture",
		Long: `Hide tokens of captions behind [MASK] and count how often the likeliest token is the right
one. Which tokens are hidden follows from --seed and the caption's place. The baseline
"text only" gives the token that stood most often between the same two neighbours in the
training captions, "majority" the most frequent token.`,
		Example: `  govle eval mlm --model run/best --data scenes:1:500
  govle eval mlm --model vle-mlm --data captions:list.jsonl --images pictures --whole-word --json`,
	}, "mlm", func(ctx context.Context, o *evalOptions, rep *evalReport, loop *evalLoop) error {
		return evalMLM(ctx, o, rep, loop, m)
	})
	f := cmd.Flags()
	f.Float64Var(&m.share, "share", 0.15, "`share` of the tokens that are hidden; at least one is")
	f.BoolVar(&m.wholeWord, "whole-word", false, "hide whole words")
	f.Uint64Var(&m.seed, "seed", 1, "`seed` of what is hidden")
	return cmd
}

// masking says which tokens are hidden.
type masking struct {
	share     float64
	wholeWord bool
	seed      uint64
}

// hide encodes caption i and hides tokens of it.
func (m masking) hide(tok *tokenizer.Tokenizer, i int, s *mlmSaid) error {
	enc, err := tok.Encode(s.Text, tokenizerOptions)
	if err != nil {
		return err
	}
	var words [][]int
	for at, id := range enc.IDs {
		switch {
		case tok.IsSpecial(id):
		case m.wholeWord && len(words) > 0 && !strings.HasPrefix(tok.Token(id), "▁"):
			words[len(words)-1] = append(words[len(words)-1], at)
		default:
			words = append(words, []int{at})
		}
	}
	rng := rand.New(rand.NewPCG(m.seed, uint64(i)))
	n := max(1, int(m.share*float64(len(words))+rng.Float64()))
	s.hidden = slices.Clone(enc.IDs)
	for _, w := range rng.Perm(len(words))[:min(n, len(words))] {
		s.Masked = append(s.Masked, words[w]...)
	}
	slices.Sort(s.Masked)
	for _, at := range s.Masked {
		s.right = append(s.right, enc.IDs[at])
		s.Right = append(s.Right, tok.Token(enc.IDs[at]))
		s.hidden[at] = tok.MaskID()
	}
	return nil
}

func evalMLM(ctx context.Context, o *evalOptions, rep *evalReport, loop *evalLoop, m masking) error {
	if !(m.share > 0 && m.share <= 1) {
		return usagef("--share %g: it lies above 0 and is at most 1", m.share)
	}
	dir, err := o.model()
	if err != nil {
		return err
	}
	src, err := o.spec.captions()
	if err != nil {
		return err
	}
	all, err := collect(src)
	if err != nil {
		return err
	}
	p, err := vle.OpenMLM(dir)
	if err != nil {
		return err
	}
	defer p.Close()
	o.precision.apply(p.Model)
	tok := p.Processor.Tokenizer
	said := make([]mlmSaid, len(all))
	for i, c := range all {
		said[i] = mlmSaid{ID: c.ID, Image: c.Picture.Name, Text: c.Text}
		if err := m.hide(tok, i, &said[i]); err != nil {
			return fmt.Errorf("caption %s: %w", c.ID, err)
		}
	}
	finished, err := loop.run(ctx, byPicture(len(all), func(i int) string { return all[i].Picture.Name }), func(items []int) error {
		pic := all[items[0]].Picture
		img, err := open(pic)
		if err != nil {
			return err
		}
		if err := fillPicture(p, img, items, said); err != nil {
			return fmt.Errorf("%s: %w", pic.Name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	rep.finished(finished)
	if err := scoreMLM(o, rep, tok, said, finished); err != nil {
		return err
	}
	return writeLines(o.out, said, finished)
}

// fillPicture fills in what the model says of the numbered captions, which show
// one picture.
func fillPicture(p *vle.MLMPipeline, img image.Image, items []int, said []mlmSaid) error {
	px, err := p.Processor.Images.Process(img)
	if err != nil {
		return err
	}
	features, err := p.Model.Body.EncodeImages(px.Data)
	if err != nil {
		return err
	}
	tok := p.Processor.Tokenizer
	for len(items) > 0 {
		part := items[:min(textsAtOnce, len(items))]
		items = items[len(part):]
		b := &vle.Batch{ImageFeatures: features, Images: make([]int, len(part))}
		var at [][2]int
		for k, i := range part {
			b.IDs = append(b.IDs, said[i].hidden)
			for _, place := range said[i].Masked {
				at = append(at, [2]int{k, place})
			}
		}
		if len(at) == 0 {
			continue
		}
		r := nn.NewRun()
		y, err := p.Model.ForwardAt(r, b, at)
		if err != nil {
			r.Close()
			return err
		}
		logits := nn.Floats(y)
		words := len(logits) / len(at)
		for _, i := range part {
			s := &said[i]
			for k := range s.Masked {
				row := logits[:words]
				logits = logits[words:]
				rank, best := 1, 0
				for id, v := range row {
					if v > row[best] {
						best = id
					}
					// Ties do not help the model.
					if id != s.right[k] && v >= row[s.right[k]] {
						rank++
					}
				}
				s.Rank, s.Said = append(s.Rank, rank), append(s.Said, tok.Token(best))
			}
		}
		r.Close()
	}
	return nil
}

// scoreMLM adds the rows.
func scoreMLM(o *evalOptions, rep *evalReport, tok *tokenizer.Tokenizer, said []mlmSaid, finished []bool) error {
	prior, err := fitNeighbours(o, tok)
	if err != nil {
		return err
	}
	var right, five, text, majority float64
	n := 0
	for i, s := range said {
		if !finished[i] {
			continue
		}
		for k, rank := range s.Rank {
			n++
			right += float64(b2i(rank == 1))
			five += float64(b2i(rank <= 5))
			if prior != nil {
				text += float64(b2i(prior.Answer(neighbours(tok, s.hidden, s.Masked[k])) == s.Right[k]))
				majority += float64(b2i(prior.Majority() == s.Right[k]))
			}
		}
	}
	if n == 0 {
		rep.note("No token could be hidden.")
		return nil
	}
	var base map[string]float64
	if prior != nil {
		base = map[string]float64{byTextOnly: text / float64(n), byMajority: majority / float64(n)}
	}
	rep.add("accuracy", n, right/float64(n), base)
	rep.add("among the best 5", n, five/float64(n), nil)
	return nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// neighbours is what stands on both sides of a token.
func neighbours(tok *tokenizer.Tokenizer, ids []int, at int) string {
	return tok.Token(ids[at-1]) + " " + tok.Token(ids[at+1])
}

// fitNeighbours counts the tokens of the training captions by what stands beside
// them; nil if there are none.
func fitNeighbours(o *evalOptions, tok *tokenizer.Tokenizer) (*metrics.Prior, error) {
	spec, ok, err := o.fitSpec()
	if err != nil || !ok {
		return nil, err
	}
	src, err := spec.captions()
	if err != nil {
		return nil, fmt.Errorf("baselines: %w", err)
	}
	prior := &metrics.Prior{}
	for c, err := range datasets.All(src) {
		if err != nil {
			return nil, fmt.Errorf("baselines: %w", err)
		}
		enc, err := tok.Encode(c.Text, tokenizerOptions)
		if err != nil {
			return nil, fmt.Errorf("baselines: caption %s: %w", c.ID, err)
		}
		for at, id := range enc.IDs {
			if !tok.IsSpecial(id) && at > 0 && at+1 < len(enc.IDs) {
				prior.Fit(neighbours(tok, enc.IDs, at), tok.Token(id))
			}
		}
	}
	return prior, nil
}
