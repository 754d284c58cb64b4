package main

import (
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"govle/vle"
)

// pbcLine is a line of govle pbc --json.
type pbcLine struct {
	Image   string       `json:"image"`
	Text    string       `json:"text"`
	Grid    int          `json:"grid"`
	Best    [2]int       `json:"best"`
	Inside  []float64    `json:"inside"`
	Focus   []float64    `json:"focus"`
	Logits  [][2]float64 `json:"logits"`
	Painted string       `json:"painted,omitempty"`
}

func pbcCommand() *cobra.Command {
	var model, out string
	var asJSON, stretched bool
	var precision precisionFlag
	cmd := &cobra.Command{
		Use:   "pbc IMAGE TEXT...",
		Short: "Find the part of a picture that a text speaks of",
		Long: `Score the patches of a picture for a text (patch-box classification) and paint the
picture with the patches that matter left clear.

` + pairsHelp + `
-o writes the painted picture as PNG or JPEG, by its name; for several texts the names
are numbered: out-1.png, out-2.png, …

--json prints an object a line: image, text, grid (patches along a side), best (row and
column of the best patch), inside (for each patch, row by row, the probability that the
text speaks of it), focus (a softmax over the patches), logits (outside, inside) and
painted (the file).`,
		Example: `  govle pbc photo.jpg "the dog" --model vle-pbc -o dog.png
  govle pbc photo.jpg "the dog" "the ball" --model vle-pbc --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkModel(model, "a PBC head"); err != nil {
				return err
			}
			if out != "" {
				if err := pictureName(out); err != nil {
					return err
				}
			}
			pairs, err := readPairs(cmd, args)
			if err != nil {
				return err
			}
			pipeline, err := vle.OpenPBC(model)
			if err != nil {
				return err
			}
			defer pipeline.Close()
			precision.apply(pipeline.Model)
			where := vle.Cropped
			if stretched {
				where = vle.Stretched
			}
			return eachPicture(pairs, func(img image.Image, at []int) error {
				all, err := pipeline.LocateAll(img, texts(pairs, at))
				if err != nil {
					return err
				}
				for i, s := range all {
					p := pairs[at[i]]
					painted := ""
					if out != "" {
						painted = numbered(out, at[i], len(pairs))
						if err := writePicture(painted, s.Paint(where)); err != nil {
							return err
						}
					}
					if err := printPatches(cmd.OutOrStdout(), p, s, painted, asJSON); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	f := cmd.Flags()
	precision.add(f)
	f.StringVar(&model, "model", "", "`folder` of a model with a PBC head")
	f.StringVarP(&out, "output", "o", "", "write the painted picture to this `file` (.png, .jpg)")
	f.BoolVar(&stretched, "stretched", false, "spread the patches over the whole picture, as the reference does")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printPatches(w io.Writer, p pair, s *vle.PatchScores, painted string, asJSON bool) error {
	if asJSON {
		best := s.Best()
		return printJSON(w, pbcLine{p.Image, p.Text, s.Grid, [2]int{best / s.Grid, best % s.Grid}, s.Inside, s.Focus, s.Logits, painted})
	}
	_, err := fmt.Fprintln(w, s)
	if err == nil && painted != "" {
		_, err = fmt.Fprintf(w, "  painted in %s\n", painted)
	}
	return err
}

// pictureName reports a name whose end says no format that is written.
func pictureName(name string) error {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".png", ".jpg", ".jpeg":
		return nil
	}
	return usagef("-o %s: pictures are written as .png or .jpg", name)
}

// numbered is name for one of one, and else with the item's number, from 1.
func numbered(name string, i, of int) string {
	if of == 1 {
		return name
	}
	ext := filepath.Ext(name)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), i+1, ext)
}

// writePicture writes img in the format that the name's end says.
func writePicture(name string, img image.Image) error {
	return writeFile(name, func(w io.Writer) error {
		if strings.EqualFold(filepath.Ext(name), ".png") {
			return png.Encode(w, img)
		}
		return jpeg.Encode(w, img, &jpeg.Options{Quality: 92})
	})
}
