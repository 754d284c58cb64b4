package parity

import (
	"context"
	"fmt"
	"sort"

	"govle/vle"
	"govle/vle/imageproc"
)

// itmResult is what the reference's ITM pipeline gives for a pair.
type itmResult struct {
	Score []float64 `json:"score"` // of no and yes
	Match string    `json:"match"` // "True" or "False"
}

// itmLine is one line of itm.jsonl: a picture and a text, or a batch of them.
type itmLine struct {
	Kind   string    `json:"kind"`
	Image  string    `json:"image"`
	Text   string    `json:"text"`
	Logits []float64 `json:"logits"`

	Batch []struct {
		Image string `json:"image"`
		Text  string `json:"text"`
	} `json:"batch"`
	// Result is one itmResult, or as many as Batch has.
	Result oneOrList[itmResult] `json:"result"`
}

// findITM finds itm.jsonl: one case for each model and picture.
func findITM(f *folder) []testCase {
	if !f.has["itm.jsonl"] {
		return nil
	}
	return groupLines(f, "itm.jsonl", func(l itmLine) (kind, group string) {
		if l.Batch != nil {
			return l.Kind, "batch"
		}
		return l.Kind, l.Image
	}, func(_ context.Context, c *check, kind string, lines []itmLine) error {
		m, proc, err := openPipeline(f, kind, "itm")
		if err != nil {
			return err
		}
		defer m.Close()
		p := &vle.ITMPipeline{Model: m.Parameterized.(*vle.ITM), Processor: proc}
		for _, l := range lines {
			if l.Batch == nil {
				err = l.checkPair(c, f, p)
			} else {
				err = l.checkBatch(c, f, p)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (l itmLine) checkPair(c *check, f *folder, p *vle.ITMPipeline) error {
	img, err := imageproc.DecodeFile(f.path("inputs/"+l.Image), nil)
	if err != nil {
		return err
	}
	got, err := p.Match(img, l.Text)
	if err != nil {
		return err
	}
	if len(l.Result) != 1 {
		return fmt.Errorf("%s: no result is recorded", l.Image)
	}
	label := fmt.Sprintf("%s, %.40q", l.Image, l.Text)
	close(c, closely, label+": logits", got.Logits[:], l.Logits)
	compareMatch(c, label, *got, l.Result[0])
	return nil
}

// checkBatch judges the texts of each picture together.
func (l itmLine) checkBatch(c *check, f *folder, p *vle.ITMPipeline) error {
	if len(l.Batch) != len(l.Result) {
		return fmt.Errorf("a batch of %d pairs with %d results", len(l.Batch), len(l.Result))
	}
	byImage := map[string][]int{}
	for i, pair := range l.Batch {
		byImage[pair.Image] = append(byImage[pair.Image], i)
	}
	for _, name := range sortedKeys(byImage) {
		img, err := imageproc.DecodeFile(f.path("inputs/"+name), nil)
		if err != nil {
			return err
		}
		var texts []string
		for _, i := range byImage[name] {
			texts = append(texts, l.Batch[i].Text)
		}
		all, err := p.RankTexts(img, texts)
		if err != nil {
			return err
		}
		items := append([]vle.RankedMatch(nil), all.Items...)
		sort.Slice(items, func(a, b int) bool { return items[a].Index < items[b].Index })
		for k, i := range byImage[name] {
			compareMatch(c, fmt.Sprintf("batch, %s, %.40q", name, texts[k]), items[k].Match, l.Result[i])
		}
	}
	return nil
}

func compareMatch(c *check, label string, got vle.Match, want itmResult) {
	close(c, closely, label+": scores", []float64{1 - got.Score, got.Score}, want.Score)
	c.item(fmt.Sprint(got.Match) == map[string]string{"True": "true", "False": "false"}[want.Match], "%s: match is %v, recorded %s", label, got.Match, want.Match)
}
