package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"govle/datasets"
	"govle/vle/tokenizer"
)

func vocabularyCommand() *cobra.Command {
	var data []string
	var split, out string
	cmd := &cobra.Command{
		Use:   "vocabulary --data KIND:… -o DIR",
		Short: "Make a tokenizer of the words of data sets",
		Long: `Make a tokenizer whose tokens are the words of data sets, for a small model that is
trained from scratch on them. Other words are read letter by letter. Data:

` + dataHelp,
		Example: `  govle vocabulary --data scenes:1:20000 --data easy-vqa:easy_vqa/data -o my-tokenizer`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(data) == 0 || out == "" {
				return usagef("--data or -o is missing")
			}
			var specs []dataSpec
			for _, s := range data {
				d, err := parseData(s)
				if err != nil {
					return err
				}
				d.Split = split
				specs = append(specs, d)
			}
			var failed error
			t, err := tokenizer.Build(func(yield func(string) bool) {
				for _, d := range specs {
					if failed = d.texts(yield); failed != nil {
						return
					}
				}
			})
			if failed != nil {
				return failed
			}
			if err != nil {
				return err
			}
			if err := t.Save(out); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d tokens in %s\n", t.VocabSize(), out)
			return err
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&data, "data", nil, "`data` to take words from (may be repeated)")
	f.StringVar(&split, "split", "train", "the data's `split`")
	f.StringVarP(&out, "output", "o", "", "`folder` to write the tokenizer to")
	return cmd
}

// texts yields every text of a data set as models read it.
func (d dataSpec) texts(yield func(string) bool) error {
	if q, err := d.questions(); err == nil {
		for q, err := range datasets.All(q) {
			if err != nil {
				return err
			}
			if !yield(q.Text) {
				return nil
			}
		}
		if d.Kind != "scenes" {
			return nil
		}
	} else if d.Kind != "captions" && d.Kind != "vcr" {
		return err
	}
	if d.Kind != "vcr" {
		src, err := d.captions()
		if err != nil {
			return err
		}
		for c, err := range datasets.All(src) {
			if err != nil {
				return err
			}
			for _, text := range append([]string{c.Text}, c.Negatives...) {
				if !yield(text) {
					return nil
				}
			}
		}
		if d.Kind == "captions" {
			return nil
		}
	}
	src, err := d.choices()
	if err != nil {
		return err
	}
	for c, err := range datasets.All(src) {
		if err != nil {
			return err
		}
		all := append(append([][]datasets.Word{c.Question}, c.Answers...), c.Rationales...)
		for _, words := range all {
			for _, w := range words {
				text := w.Text
				if len(w.Objects) > 0 {
					text = c.Objects[w.Objects[0]].Name
				}
				if !yield(text) {
					return nil
				}
			}
		}
	}
	return nil
}
