package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"govle/datasets"
	"govle/datasets/metrics"
	"govle/vle"
	"govle/vle/nn"
)

// itmSaid is a line of govle eval itm -o.
type itmSaid struct {
	ID    string `json:"id"`
	Image string `json:"image"`
	// Texts are the caption and then false ones, Scores their probabilities of a
	// match.
	Texts  []string  `json:"texts"`
	Scores []float64 `json:"scores"`
}

func evalITMCommand() *cobra.Command {
	o := &evalOptions{}
	pool := 0
	cmd := o.command(&cobra.Command{
		Use:   "itm --model DIR --data DATA",
		Short: "Image-text matching: accuracy, and retrieval recall",
		Long: `Judge captions of pictures, each beside its false ones (of the data, or else the caption of
another picture), and look captions up by picture and pictures by caption among the
first --pool of them.

"accuracy" is the mean of how many captions are accepted and how many false ones are
rejected; "caption first" is how often a caption scores above all its false ones. In
retrieval captions of the same words count as one, and ties count against the model.`,
		Example: `  govle eval itm --model run/best --data scenes:1:500
  govle eval itm --model vle-itm --data captions:list.jsonl --images pictures --pool 1000 --json`,
	}, "itm", func(ctx context.Context, o *evalOptions, rep *evalReport, loop *evalLoop) error {
		return evalITM(ctx, o, rep, loop, pool)
	})
	cmd.Flags().IntVar(&pool, "pool", 100, "how many pictures and captions to look up; 0 for none")
	return cmd
}

func evalITM(ctx context.Context, o *evalOptions, rep *evalReport, loop *evalLoop, pool int) error {
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
	p, err := vle.OpenITM(dir)
	if err != nil {
		return err
	}
	defer p.Close()
	o.precision.apply(p.Model)
	said := make([]itmSaid, len(all))
	for i, c := range all {
		said[i] = itmSaid{ID: c.ID, Image: c.Picture.Name, Texts: append([]string{c.Text}, falseTexts(all, i)...)}
	}
	groups := byPicture(len(all), func(i int) string { return all[i].Picture.Name })
	finished, err := loop.run(ctx, groups, func(items []int) error {
		img, err := open(all[items[0]].Picture)
		if err != nil {
			return err
		}
		var texts []string
		for _, i := range items {
			texts = append(texts, said[i].Texts...)
		}
		m, err := p.RankTexts(img, texts)
		if err != nil {
			return fmt.Errorf("%s: %w", all[items[0]].Picture.Name, err)
		}
		scores := make([]float64, len(texts))
		for _, x := range m.Items {
			scores[x.Index] = x.Score
		}
		for _, i := range items {
			n := len(said[i].Texts)
			said[i].Scores, scores = scores[:n:n], scores[n:]
		}
		return nil
	})
	if err != nil {
		return err
	}
	rep.finished(finished)
	if err := scoreITM(rep, said, finished); err != nil {
		return err
	}
	if pool = min(pool, len(all)); pool > 1 && !rep.Interrupted {
		if err := retrieval(ctx, p, all[:pool], rep, loop); err != nil {
			return err
		}
	}
	return writeLines(o.out, said, finished)
}

// falseTexts are the false captions of item i: its own, or the next caption on
// from the middle of the list that has other words and another picture.
func falseTexts(all []datasets.Caption, i int) []string {
	if len(all[i].Negatives) > 0 {
		return all[i].Negatives
	}
	n := len(all)
	for k := range n {
		c := all[(i+n/2+k)%n]
		if c.Text != all[i].Text && c.Picture.Name != all[i].Picture.Name {
			return []string{c.Text}
		}
	}
	return nil
}

func scoreITM(rep *evalReport, said []itmSaid, finished []bool) error {
	var accepted, rejected, first, chance float64
	var scores []float64
	var positive []bool
	negatives, items, compared := 0, 0, 0
	for i, s := range said {
		if !finished[i] {
			continue
		}
		items++
		above := true
		for k, p := range s.Scores {
			scores, positive = append(scores, p), append(positive, k == 0)
			switch {
			case k == 0 && p > 0.5:
				accepted++
			case k > 0:
				negatives++
				if p <= 0.5 {
					rejected++
				}
				above = above && p < s.Scores[0]
			}
		}
		if len(s.Scores) > 1 {
			compared++
			chance += 1 / float64(len(s.Scores))
			if above {
				first++
			}
		}
	}
	if items == 0 || negatives == 0 {
		rep.note("There are no false captions to tell the true ones from.")
		return nil
	}
	half := map[string]float64{byChance: 0.5, byMajority: 0.5}
	accepted /= float64(items)
	rejected /= float64(negatives)
	rep.add("accuracy", items+negatives, (accepted+rejected)/2, half)
	rep.add("captions accepted", items, accepted, nil)
	rep.add("false ones rejected", negatives, rejected, nil)
	rep.add("caption first", compared, first/float64(compared), map[string]float64{byChance: chance / float64(compared)})
	auc, err := metrics.AUC(scores, positive)
	if err != nil {
		return err
	}
	rep.add("area under ROC", items+negatives, auc, map[string]float64{byChance: 0.5})
	return nil
}

// recallAt are the ranks of retrieval.
var recallAt = []int{1, 5, 10}

// textsAtOnce bounds the texts of one pass about a picture.
const textsAtOnce = 64

// retrieval scores every caption of the pool with every picture of it.
func retrieval(ctx context.Context, p *vle.ITMPipeline, pool []datasets.Caption, rep *evalReport, loop *evalLoop) error {
	var texts []string
	textOf := map[string]int{}
	for _, c := range pool {
		if _, ok := textOf[c.Text]; !ok {
			textOf[c.Text] = len(texts)
			texts = append(texts, c.Text)
		}
	}
	pictures := byPicture(len(pool), func(i int) string { return pool[i].Picture.Name })
	rightTexts := make([][]int, len(pictures)) // of each picture
	rightPictures := make([][]int, len(texts)) // of each text
	for k, items := range pictures {
		for _, i := range items {
			t := textOf[pool[i].Text]
			rightTexts[k] = append(rightTexts[k], t)
			rightPictures[t] = append(rightPictures[t], k)
		}
	}
	features, err := encodeTexts(p, texts)
	if err != nil {
		return err
	}
	scores := make([][]float64, len(pictures))
	groups := make([][]int, len(pictures))
	for k := range groups {
		groups[k] = []int{k}
	}
	second := &evalLoop{w: loop.w, every: loop.every, what: "pictures looked up"}
	finished, err := second.run(ctx, groups, func(items []int) error {
		pic := pool[pictures[items[0]][0]].Picture
		img, err := open(pic)
		if err != nil {
			return err
		}
		px, err := p.Processor.Images.Process(img)
		if err != nil {
			return fmt.Errorf("%s: %w", pic.Name, err)
		}
		image, err := p.Model.Body.EncodeImages(px.Data)
		if err != nil {
			return fmt.Errorf("%s: %w", pic.Name, err)
		}
		for _, f := range features {
			b := &vle.Batch{ImageFeatures: image, Images: make([]int, f.Rows.Items()), TextFeatures: f}
			r := nn.NewRun()
			y, err := p.Model.Forward(r, b)
			if err == nil {
				x := nn.Floats(y)
				for i := 0; i < len(x); i += 2 {
					scores[items[0]] = append(scores[items[0]], float64(x[i+1]-x[i]))
				}
			}
			r.Close()
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if count(finished) < len(finished) {
		rep.Interrupted = true
		rep.note("Retrieval was interrupted: no recall.")
		return nil
	}
	back := make([][]float64, len(texts))
	for t := range back {
		for k := range scores {
			back[t] = append(back[t], scores[k][t])
		}
	}
	for _, d := range []struct {
		name   string
		scores [][]float64
		right  [][]int
	}{{"caption of a picture", scores, rightTexts}, {"picture of a caption", back, rightPictures}} {
		r, err := metrics.RecallAt(d.scores, d.right, recallAt...)
		if err != nil {
			return err
		}
		for i, k := range recallAt {
			rep.add(fmt.Sprintf("%s, recall@%d", d.name, k), len(d.scores), r[i], map[string]float64{byChance: chanceRecall(d.right, len(d.scores[0]), k)})
		}
	}
	return nil
}

// encodeTexts runs the text encoder over texts, some at a time.
func encodeTexts(p *vle.ITMPipeline, texts []string) ([]*vle.TextFeatures, error) {
	var out []*vle.TextFeatures
	for len(texts) > 0 {
		n := min(textsAtOnce, len(texts))
		b := &vle.Batch{}
		enc, err := p.Processor.Tokenizer.EncodeBatch(texts[:n], nil, tokenizerOptions)
		if err != nil {
			return nil, err
		}
		for _, e := range enc {
			b.IDs, b.TypeIDs = append(b.IDs, e.IDs), append(b.TypeIDs, e.TypeIDs)
		}
		f, err := p.Model.Body.EncodeTexts(b)
		if err != nil {
			return nil, err
		}
		out, texts = append(out, f), texts[n:]
	}
	if len(out) == 0 {
		return nil, errors.New("no captions")
	}
	return out, nil
}

// chanceRecall is the recall of a random order: for each query one minus the
// chance that none of its right candidates is among the first k of n.
func chanceRecall(right [][]int, n, k int) float64 {
	sum := 0.0
	for _, r := range right {
		miss := 1.0
		for j := range min(k, n) {
			miss *= max(0, float64(n-len(r)-j)) / float64(n-j)
		}
		sum += 1 - miss
	}
	return sum / float64(len(right))
}
