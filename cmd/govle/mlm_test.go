package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"govle/vle"
	"govle/vle/imageproc"
	"govle/vle/nn"
	"govle/vle/tokenizer"
)

// TestMLMAsTheHead holds what the command prints against the head's logits over
// the whole text: the head, the pictures and the tokens are held against the
// reference by govle parity, which has no recording of a pipeline of this head.
func TestMLMAsTheHead(t *testing.T) {
	const top = 7
	texts := []string{"a [MASK] of a [MASK].", "[MASK]", "what is the man doing? [MASK] a dog"}
	for _, kind := range []string{"tiny", "odd"} {
		dir := modelFolder(t, kind, "mlm")
		p, err := vle.OpenMLM(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for _, name := range []string{"dogs.png", "synth_tall.png"} {
			img, err := imageproc.DecodeFile(input(t, name), nil)
			if err != nil {
				t.Fatal(err)
			}
			px, err := p.Processor.Images.Process(img)
			if err != nil {
				t.Fatal(err)
			}
			lines := objects[mlmLine](t, well(t, append([]string{"mlm", input(t, name), "--model", dir, "--json", "--top", fmt.Sprint(top)}, texts...)...))
			for i, text := range texts {
				e, err := p.Processor.Tokenizer.Encode(text, tokenizer.Options{})
				if err != nil {
					t.Fatal(err)
				}
				r := nn.NewRun()
				y, _, err := p.Model.Forward(r, &vle.Batch{IDs: [][]int{e.IDs}, TypeIDs: [][]int{e.TypeIDs}, Pixels: px.Data})
				if err != nil {
					t.Fatal(err)
				}
				if len(lines[i].Blanks) != strings.Count(text, "[MASK]") {
					t.Fatalf("%s %s %q: %d blanks", kind, name, text, len(lines[i].Blanks))
				}
				blank, n := 0, y.Shape()[1]
				for at, id := range e.IDs {
					if id != p.Processor.Tokenizer.MaskID() {
						continue
					}
					compareFills(t, fmt.Sprintf("%s %s %q blank %d", kind, name, text, blank), lines[i].Blanks[blank], p.Processor.Tokenizer, nn.Floats(y)[at*n:(at+1)*n], top)
					blank++
				}
				r.Close()
			}
		}
	}
}

// compareFills compares fills with a blank's logits over the vocabulary.
func compareFills(t *testing.T, what string, fills []mlmFill, tok *tokenizer.Tokenizer, logits []float32, top int) {
	t.Helper()
	sum := 0.0
	for _, l := range logits {
		sum += math.Exp(float64(l))
	}
	best := slices.Clone(logits[:tok.VocabSize()])
	slices.Sort(best)
	slices.Reverse(best)
	if len(fills) != top {
		t.Fatalf("%s: %d fills", what, len(fills))
	}
	for k, f := range fills {
		want := math.Exp(float64(logits[f.ID])) / sum
		if math.Abs(f.Score-want) > 1e-6+1e-4*want || f.Token != tok.Token(f.ID) || math.Abs(float64(logits[f.ID]-best[k])) > 2e-5 {
			t.Errorf("%s, fill %d: %+v, want a score of %g; its logit is %g, the best is %g", what, k, f, want, logits[f.ID], best[k])
		}
	}
}
