package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sbinet/npyio/npy"
	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/mat"

	"govle/vle"
)

// featureKinds are what govle features can give, in the order of the help.
var featureKinds = []string{"pooled", "text", "image", "fused-text", "fused-image"}

// featureLine is a line of govle features --json.
type featureLine struct {
	Image  string      `json:"image"`
	Text   string      `json:"text"`
	Kind   string      `json:"kind"`
	Shape  [2]int      `json:"shape"`
	Tokens []string    `json:"tokens"`
	Values [][]float64 `json:"values,omitempty"`
	File   string      `json:"file,omitempty"`
}

func featuresCommand() *cobra.Command {
	var model, kind, out string
	var asJSON bool
	var precision precisionFlag
	cmd := &cobra.Command{
		Use:   "features IMAGE TEXT...",
		Short: "Compute the hidden states of a picture with a text",
		Long: `Compute what the model makes of a picture with a text, as numbers to build on.

` + pairsHelp + `
--kind says which: pooled (one row for the pair: the text's half, then the image's),
text and image (the encoders' own states, a row a token; the image's first row is the
class token), fused-text and fused-image (those after the fusion).

Any head will do; without --model it is the body of the small embedded model.
-o writes a NumPy .npy file of float64, numbered for several texts: out-1.npy, …

--json prints an object a line: image, text, kind, shape, tokens (the text's), and
values (the rows), or file with -o.`,
		Example: `  govle features photo.jpg "a dog" --model vle-base --json
  govle features photo.jpg "a dog" --model vle-base --kind fused-image -o dog.npy`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(featureKinds, kind) {
				return usagef("--kind %q is not known; it is one of %s", kind, strings.Join(featureKinds, ", "))
			}
			if out != "" && filepath.Ext(out) != ".npy" {
				return usagef("-o %s: features are written as .npy", out)
			}
			pairs, err := readPairs(cmd, args)
			if err != nil {
				return err
			}
			pipeline, err := vle.OpenFeatures(model)
			if err != nil {
				return err
			}
			defer pipeline.Close()
			precision.apply(pipeline.Model)
			return eachEncoded(pairs, pipeline, func(img *vle.EncodedImage, at []int) error {
				for _, k := range at {
					f, err := pipeline.Extract(img, pairs[k].Text)
					if err != nil {
						return err
					}
					m := chosen(f, kind)
					line := featureLine{Image: pairs[k].Image, Text: pairs[k].Text, Kind: kind, Tokens: f.Tokens}
					line.Shape[0], line.Shape[1] = m.Dims()
					if out != "" {
						line.File = numbered(out, k, len(pairs))
						if err := writeNPY(line.File, m); err != nil {
							return err
						}
					}
					if asJSON {
						if out == "" {
							for i := range line.Shape[0] {
								line.Values = append(line.Values, m.RawRowView(i))
							}
						}
						if err := printJSON(cmd.OutOrStdout(), line); err != nil {
							return err
						}
						continue
					}
					fmt.Fprintf(cmd.OutOrStdout(), "%s, %q: %s, %d×%d\n", line.Image, line.Text, kind, line.Shape[0], line.Shape[1])
					if out != "" {
						fmt.Fprintf(cmd.OutOrStdout(), "  written to %s\n", line.File)
						continue
					}
					fmt.Fprintln(cmd.OutOrStdout(), indent(fmt.Sprintf("%.4g", mat.Formatted(m, mat.Excerpt(3), mat.Squeeze()))))
				}
				return nil
			})
		},
	}
	f := cmd.Flags()
	precision.add(f)
	f.StringVar(&model, "model", "embedded", "`folder` of a model, or embedded")
	f.StringVar(&kind, "kind", "pooled", "which: "+strings.Join(featureKinds, ", "))
	f.StringVarP(&out, "output", "o", "", "write to this .npy `file`")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// chosen is the matrix of a kind.
func chosen(f *vle.Features, kind string) *mat.Dense {
	switch kind {
	case "text":
		return f.Text
	case "image":
		return f.Image
	case "fused-text":
		return f.FusedText
	case "fused-image":
		return f.FusedImage
	}
	return mat.NewDense(1, len(f.Pooled), f.Pooled)
}

func writeNPY(name string, m *mat.Dense) error {
	return writeFile(name, func(w io.Writer) error { return npy.Write(w, m) })
}
