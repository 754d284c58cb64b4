package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"govle/vle"
	"govle/vle/imageproc"
)

func vqaCommand() *cobra.Command {
	var model string
	var top int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "vqa IMAGE QUESTION",
		Short: "Ask a question about a picture",
		Long: `Ask a question about a picture and print the most likely answers.

Without --model the small model inside this program answers; it knows pictures with
one coloured shape. --model takes a VLE folder in Hugging Face layout (config.json,
weights, spm.model).`,
		Example: `  govle vqa testdata/shapes/teal-circle.png "What colour is the circle?"
  govle vqa photo.jpg "How many dogs are there?" --model vle-base-for-vqa --top 10 --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if top < 1 {
				return usagef("--top %d: ask for at least one answer", top)
			}
			pipeline, err := openVQA(model)
			if err != nil {
				return err
			}
			defer pipeline.Close()
			picture, err := imageproc.DecodeFile(args[0], nil)
			if err != nil {
				return err
			}
			answers, err := pipeline.Answer(picture, args[1], top)
			if err != nil {
				return err
			}
			if !asJSON {
				fmt.Fprintln(cmd.OutOrStdout(), answers)
				return nil
			}
			type row struct {
				Answer string  `json:"answer"`
				Score  float64 `json:"score"`
			}
			rows := make([]row, len(answers.Top))
			for i, a := range answers.Top {
				rows[i] = row{a.Label, a.Score}
			}
			e := json.NewEncoder(cmd.OutOrStdout())
			e.SetIndent("", "  ")
			return e.Encode(map[string]any{"image": args[0], "question": args[1], "answers": rows})
		},
	}
	f := cmd.Flags()
	f.StringVar(&model, "model", "embedded", "`folder` of the model, or embedded")
	f.IntVar(&top, "top", 5, "how many answers to print")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// openVQA opens the model in a folder, or the one inside this program.
func openVQA(model string) (*vle.VQAPipeline, error) {
	if model == "embedded" {
		return vle.Embedded()
	}
	return vle.OpenVQA(model)
}
