package main

import (
	"context"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"govle/datasets"
	"govle/datasets/metrics"
	"govle/vle"
	"govle/vle/imageproc"
)

// pbcSaid is a line of govle eval pbc -o.
type pbcSaid struct {
	ID     string         `json:"id"`
	Image  string         `json:"image"`
	Phrase string         `json:"phrase"`
	Boxes  []datasets.Box `json:"boxes"`
	// Best is the likeliest patch, row by row from 0; Scores are the probabilities
	// of all.
	Best   int       `json:"best"`
	Inside []int     `json:"inside"`
	Scores []float64 `json:"scores"`
	// Pointing is the share of the likeliest patches that lie inside.
	Pointing  float64 `json:"pointing"`
	Precision float64 `json:"average_precision"`
}

func evalPBCCommand() *cobra.Command {
	o := &evalOptions{}
	return o.command(&cobra.Command{
		Use:   "pbc --model DIR --data DATA",
		Short: "Patch-box classification: pointing accuracy and average precision",
		Long: `Look for the phrases of captions in their pictures. "pointing" is how often the likeliest
patch is one that a box of the phrase touches, "average precision" the mean over the
phrases of that of ranking the patches. Phrases whose boxes the model does not see are
left out. The baseline "text only" ranks patches by how often they were inside in the
training captions; "chance" is the share of patches inside.`,
		Example: `  govle eval pbc --model run/best --data scenes:1:500
  govle eval pbc --model vle-pbc --data captions:regions.jsonl --images pictures --json`,
	}, "pbc", evalPBC)
}

// phrase is a phrase of a caption.
type phraseItem struct {
	caption datasets.Caption
	region  datasets.Region
}

// phrases lists the phrases of captions that have boxes.
func phrases(src datasets.Source[datasets.Caption]) ([]phraseItem, error) {
	var out []phraseItem
	for c, err := range datasets.All(src) {
		if err != nil {
			return nil, err
		}
		for _, r := range c.Regions {
			if len(r.Boxes) > 0 {
				out = append(out, phraseItem{c, r})
			}
		}
	}
	return out, nil
}

func evalPBC(ctx context.Context, o *evalOptions, rep *evalReport, loop *evalLoop) error {
	dir, err := o.model()
	if err != nil {
		return err
	}
	src, err := o.spec.captions()
	if err != nil {
		return err
	}
	all, err := phrases(src)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("%s: no caption has a phrase with boxes", o.spec)
	}
	p, err := vle.OpenPBC(dir)
	if err != nil {
		return err
	}
	defer p.Close()
	o.precision.apply(p.Model)
	patch := p.Model.Config().Vision.PatchSize
	said := make([]pbcSaid, len(all))
	finished, err := loop.run(ctx, byPicture(len(all), func(i int) string { return all[i].caption.Picture.Name }), func(items []int) error {
		first := all[items[0]].caption
		img, err := open(first.Picture)
		if err != nil {
			return err
		}
		var texts []string
		for _, i := range items {
			texts = append(texts, all[i].region.Phrase)
		}
		found, err := p.LocateAll(img, texts)
		if err != nil {
			return fmt.Errorf("%s: %w", first.Picture.Name, err)
		}
		for k, i := range items {
			x := all[i]
			s := pbcSaid{ID: x.caption.ID, Image: first.Picture.Name, Phrase: x.region.Phrase, Boxes: x.region.Boxes,
				Best: largest(found[k].Inside), Scores: found[k].Inside, Inside: patchesOf(found[k].Geometry, patch, x.region.Boxes)}
			if len(s.Inside) > 0 {
				if s.Pointing, s.Precision, err = pointed(s.Scores, s.Inside); err != nil {
					return fmt.Errorf("%s: %q: %w", first.Picture.Name, s.Phrase, err)
				}
			}
			said[i] = s
		}
		return nil
	})
	if err != nil {
		return err
	}
	rep.finished(finished)
	prior, err := fitPlaces(o, p.Processor.Images, patch)
	if err != nil {
		return err
	}
	var pointing, precision, chance, textPointing, textPrecision float64
	n, unseen := 0, 0
	for i, s := range said {
		if !finished[i] {
			continue
		}
		if len(s.Inside) == 0 {
			unseen++
			continue
		}
		n++
		pointing, precision = pointing+s.Pointing, precision+s.Precision
		chance += float64(len(s.Inside)) / float64(len(s.Scores))
		if prior != nil {
			a, b, err := pointed(prior, s.Inside)
			if err != nil {
				return err
			}
			textPointing, textPrecision = textPointing+a, textPrecision+b
		}
	}
	if n > 0 {
		row := func(name string, score, text float64) {
			b := map[string]float64{byChance: chance / float64(n), byTextOnly: text / float64(n)}
			if prior == nil {
				b[byTextOnly] = math.NaN()
			}
			rep.add(name, n, score/float64(n), b)
		}
		row("pointing", pointing, textPointing)
		row("average precision", precision, textPrecision)
	}
	if unseen > 0 {
		rep.note("%d phrases lie outside of what the model sees.", unseen)
	}
	return writeLines(o.out, said, finished)
}

// pointed scores patches against those inside.
func pointed(scores []float64, inside []int) (pointing, precision float64, err error) {
	in := make([]bool, len(scores))
	for _, i := range inside {
		in[i] = true
	}
	if pointing, err = metrics.Pointing(scores, in); err == nil {
		precision, err = metrics.AveragePrecision(scores, in)
	}
	return pointing, precision, err
}

// fitPlaces counts how often each patch is inside in the training captions; nil
// if there are none.
func fitPlaces(o *evalOptions, images *imageproc.Processor, patch int) ([]float64, error) {
	spec, ok, err := o.fitSpec()
	if err != nil || !ok {
		return nil, err
	}
	spec.Limit = min(max(spec.Limit, 1), 500) // a few show where things lie
	src, err := spec.captions()
	if err != nil {
		return nil, fmt.Errorf("baselines: %w", err)
	}
	var sum []float64
	for c, err := range datasets.All(src) {
		if err != nil {
			return nil, fmt.Errorf("baselines: %w", err)
		}
		img, err := open(c.Picture)
		if err != nil {
			return nil, fmt.Errorf("baselines: %w", err)
		}
		px, err := images.Process(img)
		if err != nil {
			return nil, fmt.Errorf("baselines: %w", err)
		}
		if rows, cols := px.Geometry.Grid(patch); sum == nil {
			sum = make([]float64, rows*cols)
		}
		for _, r := range c.Regions {
			for _, i := range patchesOf(px.Geometry, patch, r.Boxes) {
				sum[i]++
			}
		}
	}
	return sum, nil
}
