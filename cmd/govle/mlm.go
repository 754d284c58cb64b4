package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"govle/vle"
)

// mlmLine is a line of govle mlm --json.
type mlmLine struct {
	Image  string      `json:"image"`
	Text   string      `json:"text"`
	Blanks [][]mlmFill `json:"blanks"`
}

type mlmFill struct {
	Token string  `json:"token"`
	ID    int     `json:"id"`
	Word  string  `json:"word"`
	Score float64 `json:"score"`
}

func mlmCommand() *cobra.Command {
	var model string
	var top int
	var asJSON bool
	var precision precisionFlag
	cmd := &cobra.Command{
		Use:   "mlm IMAGE TEXT...",
		Short: "Fill the blanks of a text about a picture",
		Long: `Find the words for each [MASK] of a text about a picture (masked language modelling).

` + pairsHelp + `

--json prints an object a line: image, text and blanks, for each [MASK] a list of token
(a leading ▁ begins a word), id, word and score, best first.`,
		Example: `  govle mlm photo.jpg "a photo of a [MASK]." --model vle-base
  govle mlm photo.jpg "two [MASK] on a [MASK]." --model vle-base --top 10 --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if top < 1 {
				return usagef("--top %d: ask for at least one word", top)
			}
			if err := checkModel(model, "an MLM head"); err != nil {
				return err
			}
			pairs, err := readPairs(cmd, args)
			if err != nil {
				return err
			}
			pipeline, err := vle.OpenMLM(model)
			if err != nil {
				return err
			}
			defer pipeline.Close()
			precision.apply(pipeline.Model)
			return eachEncoded(pairs, pipeline, func(img *vle.EncodedImage, at []int) error {
				for _, k := range at {
					p := pairs[k]
					blanks, err := pipeline.Fill(img, p.Text, top)
					if err != nil {
						return err
					}
					if !asJSON {
						fmt.Fprintln(cmd.OutOrStdout(), blanks)
						continue
					}
					line := mlmLine{Image: p.Image, Text: p.Text}
					for _, fills := range blanks.Blanks {
						var row []mlmFill
						for _, f := range fills {
							word := strings.TrimSpace(strings.ReplaceAll(f.Token, "▁", " "))
							row = append(row, mlmFill{f.Token, f.ID, word, f.Score})
						}
						line.Blanks = append(line.Blanks, row)
					}
					if err := printJSON(cmd.OutOrStdout(), line); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	f := cmd.Flags()
	precision.add(f)
	f.StringVar(&model, "model", "", "`folder` of a model with an MLM head")
	f.IntVar(&top, "top", 5, "how many words to print for a blank")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
