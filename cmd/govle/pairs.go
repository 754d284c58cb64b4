package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"govle/vle"
	"govle/vle/imageproc"
)

// pair is a picture's file and a text about it.
type pair struct {
	Image, Text string
}

// pairsHelp tells of the arguments that readPairs reads.
const pairsHelp = `The texts are arguments, or - reads them from standard input: a text a line, or JSON
a line, {"image": "photo.jpg", "text": "…"}, where "image" may be left out when the
picture is an argument.`

// readPairs reads IMAGE TEXT…, IMAGE - or - alone. Lines of a list are texts, or
// JSON objects that may name a picture of their own.
func readPairs(cmd *cobra.Command, args []string) ([]pair, error) {
	switch {
	case len(args) == 1 && args[0] == "-":
		return readList(cmd.InOrStdin(), "")
	case len(args) == 2 && args[1] == "-":
		return readList(cmd.InOrStdin(), args[0])
	case len(args) < 2:
		return nil, usagef("a picture and a text are needed, or - for a list on standard input")
	}
	pairs := make([]pair, len(args)-1)
	for i, text := range args[1:] {
		pairs[i] = pair{args[0], text}
	}
	return pairs, nil
}

// maxLine bounds a line of a list.
const maxLine = 1 << 20

func readList(r io.Reader, picture string) ([]pair, error) {
	var pairs []pair
	n := 0
	err := eachLine(r, func(line []byte) error {
		n++
		p := pair{Image: picture, Text: string(line)}
		if line[0] == '{' {
			var o struct{ Image, Text, Question string }
			if err := json.Unmarshal(line, &o); err != nil {
				return fmt.Errorf("standard input: item %d is not JSON: %w", n, err)
			}
			p.Text = o.Text
			if p.Text == "" {
				p.Text = o.Question
			}
			if o.Image != "" {
				p.Image = o.Image
			}
			if p.Text == "" {
				return fmt.Errorf(`standard input: item %d has no "text"`, n)
			}
		}
		if p.Image == "" {
			return fmt.Errorf(`standard input: item %d names no picture; write {"image": "photo.jpg", "text": "…"}, or name the picture before the -`, n)
		}
		pairs = append(pairs, p)
		return nil
	})
	if err == nil && len(pairs) == 0 {
		err = fmt.Errorf("standard input: the list is empty")
	}
	return pairs, err
}

// eachLine calls f with each line that is not blank, white space trimmed.
func eachLine(r io.Reader, f func(line []byte) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	for s.Scan() {
		if line := bytes.TrimSpace(s.Bytes()); len(line) > 0 {
			if err := f(line); err != nil {
				return err
			}
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	return nil
}

// eachPicture decodes each picture of the pairs once, in order of appearance,
// and calls f with it and the numbers of its pairs.
func eachPicture(pairs []pair, f func(img image.Image, at []int) error) error {
	at := map[string][]int{}
	var order []string
	for i, p := range pairs {
		if at[p.Image] == nil {
			order = append(order, p.Image)
		}
		at[p.Image] = append(at[p.Image], i)
	}
	for _, name := range order {
		img, err := imageproc.DecodeFile(name, nil)
		if err != nil {
			return err
		}
		if err := f(img, at[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// eachEncoded is eachPicture with pictures that a pipeline encodes once for all
// their pairs.
func eachEncoded(pairs []pair, p interface {
	EncodeImage(image.Image) (*vle.EncodedImage, error)
}, f func(img *vle.EncodedImage, at []int) error) error {
	return eachPicture(pairs, func(img image.Image, at []int) error {
		e, err := p.EncodeImage(img)
		if err != nil {
			return err
		}
		return f(e, at)
	})
}

// texts are those of the numbered pairs.
func texts(pairs []pair, at []int) []string {
	out := make([]string, len(at))
	for i, k := range at {
		out[i] = pairs[k].Text
	}
	return out
}

// checkModel reports a missing --model.
func checkModel(model, head string) error {
	if model == "" {
		return usagef("--model is missing: name a folder with %s (config.json, weights, spm.model)", head)
	}
	return nil
}

// printJSON writes a value as one line.
func printJSON(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) }

// indent puts two spaces before every line.
func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }
