package main

import (
	"cmp"
	"fmt"
	"image"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"govle/vle"
	"govle/vle/imageproc"
)

// itmLine is a line of govle itm --json.
type itmLine struct {
	Image  string     `json:"image"`
	Text   string     `json:"text"`
	Index  int        `json:"index"`
	Match  bool       `json:"match"`
	Score  float64    `json:"score"`
	Logits [2]float64 `json:"logits"`
}

func itmCommand() *cobra.Command {
	var model, text string
	var asJSON bool
	var precision precisionFlag
	cmd := &cobra.Command{
		Use:   "itm IMAGE TEXT...",
		Short: "Judge whether texts belong to a picture",
		Long: `Judge whether texts belong to a picture (image-text matching), best first.

` + pairsHelp + `
With --text all arguments are pictures, and that text is looked for in them.

--json prints an object a line in the same order: image, text, index (its place in the
question, from 0), match, score (the probability of a match) and logits (of no and yes).`,
		Example: `  govle itm photo.jpg "a cat on a sofa" "a dog in the snow" --model vle-itm
  govle itm *.jpg --text "a dog in the snow" --model vle-itm --json
  govle itm photo.jpg - --model vle-itm < captions.txt`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkModel(model, "an ITM head"); err != nil {
				return err
			}
			var pairs []pair
			var err error
			if text == "" {
				pairs, err = readPairs(cmd, args)
			} else {
				pairs, err = picturesFor(cmd, args, text)
			}
			if err != nil {
				return err
			}
			pipeline, err := vle.OpenITM(model)
			if err != nil {
				return err
			}
			defer pipeline.Close()
			precision.apply(pipeline.Model)
			show := func(about string, m *vle.Matches, line func(vle.RankedMatch) itmLine) error {
				return printMatches(cmd.OutOrStdout(), about, m, asJSON, line)
			}
			if text != "" {
				m, err := rankPictures(pipeline, text, pairs)
				if err != nil {
					return err
				}
				return show(text, m, func(r vle.RankedMatch) itmLine {
					return itmLine{pairs[r.Index].Image, text, r.Index, r.Match.Match, r.Score, r.Logits}
				})
			}
			return eachPicture(pairs, func(img image.Image, at []int) error {
				m, err := pipeline.RankTexts(img, texts(pairs, at))
				if err != nil {
					return err
				}
				return show(pairs[at[0]].Image, m, func(r vle.RankedMatch) itmLine {
					p := pairs[at[r.Index]]
					return itmLine{p.Image, p.Text, at[r.Index], r.Match.Match, r.Score, r.Logits}
				})
			})
		},
	}
	f := cmd.Flags()
	precision.add(f)
	f.StringVar(&model, "model", "", "`folder` of a model with an ITM head")
	f.StringVar(&text, "text", "", "one `text`, to rank pictures by")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// picturesAtOnce is how many decoded pictures are held.
const picturesAtOnce = 16

// rankPictures ranks the pairs' pictures for one text and names them in the
// result.
func rankPictures(pipeline *vle.ITMPipeline, text string, pairs []pair) (*vle.Matches, error) {
	all := &vle.Matches{}
	for from := 0; from < len(pairs); from += picturesAtOnce {
		var imgs []image.Image
		for _, p := range pairs[from:min(from+picturesAtOnce, len(pairs))] {
			img, err := imageproc.DecodeFile(p.Image, nil)
			if err != nil {
				return nil, err
			}
			imgs = append(imgs, img)
		}
		some, err := pipeline.RankImages(text, imgs)
		if err != nil {
			return nil, err
		}
		for _, r := range some.Items {
			r.Index += from
			r.Text = pairs[r.Index].Image
			all.Items = append(all.Items, r)
		}
	}
	slices.SortStableFunc(all.Items, func(a, b vle.RankedMatch) int { return cmp.Compare(b.Score, a.Score) })
	return all, nil
}

// picturesFor pairs one text with pictures: arguments, or - for a name a line.
func picturesFor(cmd *cobra.Command, args []string, text string) ([]pair, error) {
	if len(args) != 1 || args[0] != "-" {
		pairs := make([]pair, len(args))
		for i, a := range args {
			pairs[i] = pair{a, text}
		}
		return pairs, nil
	}
	var pairs []pair
	err := eachLine(cmd.InOrStdin(), func(line []byte) error {
		pairs = append(pairs, pair{string(line), text})
		return nil
	})
	if err == nil && len(pairs) == 0 {
		err = fmt.Errorf("standard input: the list is empty")
	}
	return pairs, err
}

func printMatches(w io.Writer, about string, m *vle.Matches, asJSON bool, line func(vle.RankedMatch) itmLine) error {
	if !asJSON {
		m.About = about
		_, err := fmt.Fprintln(w, m)
		return err
	}
	for _, r := range m.Items {
		if err := printJSON(w, line(r)); err != nil {
			return err
		}
	}
	return nil
}
