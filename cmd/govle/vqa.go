package main

import (
	"fmt"
	"image"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/mat"

	"govle/viz"
	"govle/vle"
)

// vqaLine is a line of govle vqa --json.
type vqaLine struct {
	Image     string      `json:"image"`
	Question  string      `json:"question"`
	Answers   []vqaAnswer `json:"answers"`
	Chart     string      `json:"chart,omitempty"`
	Attention string      `json:"attention,omitempty"`
}

type vqaAnswer struct {
	Answer string  `json:"answer"`
	Score  float64 `json:"score"`
}

// vqaOptions are the flags of govle vqa.
type vqaOptions struct {
	precision   precisionFlag
	model       string
	top         int
	candidates  []string
	chart       string
	attention   string
	layer, head int
	asJSON      bool
}

func vqaCommand() *cobra.Command {
	var o vqaOptions
	cmd := &cobra.Command{
		Use:   "vqa IMAGE QUESTION...",
		Short: "Ask questions about a picture",
		Long: `Ask questions about a picture and print the most likely answers.

Without --model the small model inside this program answers; it knows pictures with
one coloured shape. --model takes a VLE folder in Hugging Face layout (config.json,
weights, spm.model).

The questions are arguments, or - reads them from standard input: a question a line,
or JSON a line, {"image": "photo.jpg", "question": "…"}, where "image" may be left out
when the picture is an argument. A picture is encoded once for all its questions.

--candidates chooses among these answers only, all of which are printed; their scores
add up to 1. Each must be an answer that the model knows; govle info --json lists them.

-o draws the answers as bars (the first 40), --attention how much each word of the
question looks at each part of the picture. Both write PNG or SVG, by the name; for
several questions the names are numbered: out-1.png, out-2.png, …

--json prints an object a line: image, question, answers (each an answer and its score,
best first), and the names of the written pictures, chart and attention.`,
		Example: `  govle vqa testdata/shapes/teal-circle.png "what color is the circle?"
  govle vqa photo.jpg "How many dogs are there?" --model vle-base-for-vqa --top 10 --json
  govle vqa photo.jpg "Is it day?" --model vle-base-for-vqa --candidates yes,no
  govle vqa photo.jpg "Where is the cat?" --model vle-base-for-vqa -o answers.svg --attention where.png
  govle vqa photo.jpg - --model vle-base-for-vqa --json < questions.txt`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			pairs, err := readPairs(cmd, args)
			if err != nil {
				return err
			}
			pipeline, err := vle.OpenVQA(o.model)
			if err != nil {
				return err
			}
			defer pipeline.Close()
			o.precision.apply(pipeline.Model)
			if err := o.checkModel(pipeline.Model.Config()); err != nil {
				return err
			}
			return eachEncoded(pairs, pipeline, func(img *vle.EncodedImage, at []int) error {
				return o.answer(cmd.OutOrStdout(), pipeline, img, pairs, at)
			})
		},
	}
	f := cmd.Flags()
	o.precision.add(f)
	f.StringVar(&o.model, "model", "embedded", "`folder` of the model, or embedded")
	f.IntVar(&o.top, "top", 5, "how many answers to print")
	f.StringSliceVar(&o.candidates, "candidates", nil, "choose among these `answers`, with commas between; may be repeated")
	f.StringVarP(&o.chart, "output", "o", "", "draw the answers as bars into this `file` (.png, .svg)")
	f.StringVar(&o.attention, "attention", "", "draw where the model looked into this `file` (.png, .svg)")
	f.IntVar(&o.layer, "layer", -1, "fusion layer of the attention, from 0; -1 is the last")
	f.IntVar(&o.head, "head", vle.MeanHead, "head of the attention, from 0; -1 is the mean of all")
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

// check reports flags that no model could satisfy.
func (o *vqaOptions) check(cmd *cobra.Command) error {
	flags := cmd.Flags()
	switch {
	case o.top < 1:
		return usagef("--top %d: ask for at least one answer", o.top)
	case flags.Changed("candidates") && flags.Changed("top"):
		return usagef("--candidates prints all of them: leave --top out")
	case flags.Changed("candidates") && len(o.candidates) == 0:
		return usagef("--candidates names no answer; write for example --candidates yes,no")
	case o.attention == "" && (flags.Changed("layer") || flags.Changed("head")):
		return usagef("--layer and --head choose what --attention draws: name its file")
	case o.chart != "" && o.chart == o.attention:
		return usagef("-o and --attention both write %s: name two files", o.chart)
	}
	for _, name := range []string{o.chart, o.attention} {
		if name == "" {
			continue
		}
		switch strings.ToLower(filepath.Ext(name)) {
		case ".png", ".svg":
		default:
			return usagef("%s: charts are written as .png or .svg", name)
		}
	}
	for i, c := range o.candidates {
		o.candidates[i] = strings.TrimSpace(c)
	}
	return nil
}

// checkModel reports a candidate, layer or head that the model lacks, before it
// answers.
func (o *vqaOptions) checkModel(c *vle.Config) error {
	for _, answer := range o.candidates {
		if !slices.Contains(c.Labels, answer) {
			return usagef("--candidates: %q is not among the model's %d answers, which govle info --model %s --json lists", answer, len(c.Labels), o.model)
		}
	}
	if o.attention == "" {
		return nil
	}
	if c.NumLayers == 0 {
		return fmt.Errorf("--attention: the model has no fusion layer to look at")
	}
	if o.layer < -1 || o.layer >= c.NumLayers {
		return usagef("--layer %d: the model's fusion layers are 0 to %d", o.layer, c.NumLayers-1)
	}
	if o.head < vle.MeanHead || o.head >= c.NumHeads {
		return usagef("--head %d: the model's heads are 0 to %d", o.head, c.NumHeads-1)
	}
	return nil
}

// answer answers the numbered questions about one picture.
func (o *vqaOptions) answer(w io.Writer, pipeline *vle.VQAPipeline, img *vle.EncodedImage, pairs []pair, at []int) error {
	all, err := o.answers(pipeline, img, texts(pairs, at))
	if err != nil {
		return err
	}
	for i, a := range all {
		p := pairs[at[i]]
		line := vqaLine{Image: p.Image, Question: p.Text}
		if o.chart != "" {
			line.Chart = numbered(o.chart, at[i], len(pairs))
			if err := writeBars(line.Chart, a); err != nil {
				return err
			}
		}
		if o.attention != "" {
			line.Attention = numbered(o.attention, at[i], len(pairs))
			if err := o.writeAttention(line.Attention, pipeline, img, p.Text); err != nil {
				return err
			}
		}
		if o.asJSON {
			for _, t := range a.Top {
				line.Answers = append(line.Answers, vqaAnswer{t.Label, t.Score})
			}
			err = printJSON(w, line)
		} else {
			err = printAnswers(w, a, line, len(at) < len(pairs))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *vqaOptions) answers(pipeline *vle.VQAPipeline, img *vle.EncodedImage, questions []string) ([]*vle.Answers, error) {
	if len(o.candidates) == 0 {
		return pipeline.AnswerAll(img, questions, o.top)
	}
	var all []*vle.Answers
	for _, q := range questions {
		a, err := pipeline.Rank(img, q, o.candidates)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// printAnswers prints for people; named puts the picture before the question,
// for lists about several.
func printAnswers(w io.Writer, a *vle.Answers, line vqaLine, named bool) error {
	shown := *a
	if named {
		shown.Question = line.Image + ": " + a.Question
	}
	_, err := fmt.Fprintln(w, &shown)
	for _, written := range []struct{ what, file string }{
		{"the answers are drawn in", line.Chart}, {"where it looked is drawn in", line.Attention},
	} {
		if err == nil && written.file != "" {
			_, err = fmt.Fprintf(w, "  %s %s\n", written.what, written.file)
		}
	}
	return err
}

// maxBars and maxPanels bound what one picture shows.
const (
	maxBars   = 40
	maxPanels = 128
)

func writeBars(name string, a *vle.Answers) error {
	n := min(maxBars, len(a.Top))
	bars, err := viz.NewTopK(a.Question, a.Labels()[:n], a.Scores()[:n])
	if err != nil {
		return err
	}
	return writeFigure(name, bars)
}

// writeAttention draws the cross-attention of each of the question's tokens
// over the part of the picture that the patches cover.
func (o *vqaOptions) writeAttention(name string, pipeline *vle.VQAPipeline, img *vle.EncodedImage, question string) error {
	x, err := pipeline.Explain(img, question, 1)
	if err != nil {
		return err
	}
	if len(x.Tokens) > maxPanels {
		return fmt.Errorf("--attention: the question has %d tokens, and at most %d fit into a picture: shorten it", len(x.Tokens), maxPanels)
	}
	layer := o.layer
	if layer < 0 {
		layer = x.Layers - 1
	}
	words := make([]string, len(x.Tokens))
	weights := make([]mat.Matrix, len(x.Tokens))
	for i, token := range x.Tokens {
		words[i] = strings.TrimPrefix(token, "▁") // the mark of a word's first piece
		if weights[i], err = x.TextToImage(layer, o.head, i); err != nil {
			return err
		}
	}
	figure, err := viz.NewAttention(img.Image, words, weights)
	if err != nil {
		return err
	}
	side := float64(x.Grid * pipeline.Model.Config().Vision.PatchSize)
	x0, y0 := x.Geometry.ToSource(0, 0)
	x1, y1 := x.Geometry.ToSource(side, side)
	pixel := func(v float64) int { return int(math.Round(v)) }
	figure.Region = image.Rect(pixel(x0), pixel(y0), pixel(x1), pixel(y1)).Add(img.Bounds().Min)
	figure.Title = question
	return writeFigure(name, figure)
}

// writeFigure writes a figure in the format that the name's end says.
func writeFigure(name string, figure interface {
	WritePNG(io.Writer) error
	WriteSVG(io.Writer) error
}) error {
	if strings.EqualFold(filepath.Ext(name), ".svg") {
		return writeFile(name, figure.WriteSVG)
	}
	return writeFile(name, figure.WritePNG)
}
