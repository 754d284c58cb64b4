package notebook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// CompareOptions say which differences between two runs do not count. The zero
// value counts all but those of DefaultIgnore.
type CompareOptions struct {
	// Ignore lists patterns of text that may differ, besides DefaultIgnore.
	Ignore []*regexp.Regexp
	// Strict leaves DefaultIgnore out.
	Strict bool
	// Numbers is the relative tolerance for numbers in text; 0 means exact.
	Numbers float64
	// Pixels is how far a colour channel of a picture may be off, of 255.
	Pixels int
	// PixelShare is the share of a picture's pixels that may be further off than
	// that, from 0 to 1.
	PixelShare float64
}

// DefaultIgnore holds the patterns of text that differs from run to run:
// durations and rates, points in time, addresses, UUIDs, goroutine numbers.
var DefaultIgnore = []*regexp.Regexp{
	regexp.MustCompile(`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?(?:Z|[+-]\d\d:?\d\d)\b)?`),
	regexp.MustCompile(`\b\d+(?:\.\d+)?(?:e[+-]?\d+)? ?(?:[kMGT]i?)?(?:B|it|op|FLOP|img|tok|token|question|step)?s?/s(?:ec)?\b`),
	regexp.MustCompile(`\b(?:\d+(?:\.\d+)?(?:ns|µs|μs|us|ms|s|m|h))+\b`),
	regexp.MustCompile(`\b\d+(?:\.\d+)? (?:ns|µs|μs|us|ms|s|sec|min|h|seconds?|minutes?|hours?)\b`),
	regexp.MustCompile(`\b0x[0-9a-fA-F]{6,16}\b`),
	regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`),
	regexp.MustCompile(`\bgoroutine \d+\b`),
}

// Verdict is what a comparison found of one code cell.
type Verdict struct {
	// Cell counts all cells of the notebook from 1.
	Cell int
	// Source is the cell's source.
	Source string
	// Skipped says why the cell was not compared; empty when it was.
	Skipped string
	// Differences is empty when the outputs agree.
	Differences []string
}

// OK reports whether nothing differs.
func (v *Verdict) OK() bool { return len(v.Differences) == 0 }

// Verify runs a notebook anew and compares what comes out with the outputs that
// the notebook holds. nb itself is not changed. The verdicts stand in the order
// of the code cells. A cell that fails although the committed one did not is a
// difference, and the cells after it are reported as not run; the error is for
// what kept the notebook from running at all.
func Verify(ctx context.Context, nb *Notebook, run RunOptions, compare CompareOptions) ([]Verdict, error) {
	fresh := nb.Clone()
	run.Save = ""
	for _, c := range fresh.Cells {
		if c.Type == Code && failed(c) && !c.HasTag("raises-exception") {
			if c.Metadata == nil {
				c.Metadata = map[string]any{}
			}
			tags, _ := c.Metadata["tags"].([]any)
			c.Metadata["tags"] = append(slices.Clone(tags), "raises-exception")
		}
	}
	err := Run(ctx, fresh, run)
	var stopped *CellError
	if err != nil && !errors.As(err, &stopped) {
		return nil, err
	}
	var verdicts []Verdict
	for i, c := range nb.Cells {
		if c.Type != Code {
			continue
		}
		v := Verdict{Cell: i + 1, Source: c.Source}
		switch {
		case stopped != nil && i+1 > stopped.Cell:
			v.Skipped = fmt.Sprintf("not run, because cell %d failed", stopped.Cell)
		case c.HasTag("nbval-ignore-output"):
			v.Skipped = "tagged nbval-ignore-output"
		case c.HasTag("skip-execution"):
			v.Skipped = "tagged skip-execution"
		default:
			v.Differences = compareCells(c, fresh.Cells[i], compare)
		}
		if stopped != nil && i+1 == stopped.Cell && v.OK() {
			v.Differences = []string{stopped.Error()}
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}

func failed(c *Cell) bool {
	return slices.ContainsFunc(c.Outputs, func(o *Output) bool { return o.Type == ErrorOutput })
}

// compareCells lists what differs between the outputs of two runs of one cell.
// Printed text is compared as a whole for each stream, because how stdout and
// stderr interleave is a matter of chance.
func compareCells(want, got *Cell, opts CompareOptions) []string {
	var diffs []string
	for _, name := range []string{"stdout", "stderr"} {
		if d := compareText(streamText(want, name), streamText(got, name), opts); d != "" {
			diffs = append(diffs, name+": "+d)
		}
	}
	a, b := withoutStreams(want), withoutStreams(got)
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			diffs = append(diffs, "new output: "+describe(b[i]))
		case i >= len(b):
			diffs = append(diffs, "missing output: "+describe(a[i]))
		default:
			for _, d := range compareOutputs(a[i], b[i], opts) {
				diffs = append(diffs, fmt.Sprintf("output %d: %s", i+1, d))
			}
		}
	}
	return diffs
}

func streamText(c *Cell, name string) string {
	var b strings.Builder
	for _, o := range c.Outputs {
		if o.Type == Stream && o.Name == name {
			b.WriteString(o.Text)
		}
	}
	return overwrite(b.String())
}

func withoutStreams(c *Cell) []*Output {
	var out []*Output
	for _, o := range c.Outputs {
		if o.Type != Stream {
			out = append(out, o)
		}
	}
	return out
}

// describe names an output in a line.
func describe(o *Output) string {
	if o.Type == ErrorOutput {
		return "error " + o.ErrorName + ": " + firstLine(o.ErrorValue, 80)
	}
	text, _ := o.Data["text/plain"].(string)
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", o.Type, strings.Join(slices.Sorted(maps.Keys(o.Data)), ", "), firstLine(text, 60)))
}

func compareOutputs(a, b *Output, opts CompareOptions) []string {
	if a.Type != b.Type {
		return []string{fmt.Sprintf("was %s, now %s", describe(a), describe(b))}
	}
	if a.Type == ErrorOutput {
		for _, pair := range [][2]string{
			{a.ErrorName, b.ErrorName}, {a.ErrorValue, b.ErrorValue},
			{StripANSI(strings.Join(a.Traceback, "\n")), StripANSI(strings.Join(b.Traceback, "\n"))},
		} {
			if d := compareText(pair[0], pair[1], opts); d != "" {
				return []string{"error: " + d}
			}
		}
		return nil
	}
	var diffs []string
	mimes := maps.Clone(a.Data)
	maps.Copy(mimes, b.Data)
	for _, mime := range slices.Sorted(maps.Keys(mimes)) {
		v, w := a.Data[mime], b.Data[mime]
		switch {
		case v == nil:
			diffs = append(diffs, mime+" is new")
		case w == nil:
			diffs = append(diffs, mime+" is missing")
		default:
			if d := compareValue(mime, v, w, opts); d != "" {
				diffs = append(diffs, mime+": "+d)
			}
		}
	}
	return diffs
}

// compareValue compares one form of an output. A widget's form names models by
// random ids, so only its being there counts.
func compareValue(mime string, v, w any, opts CompareOptions) string {
	if mime == "application/vnd.jupyter.widget-view+json" {
		return ""
	}
	s, ok1 := v.(string)
	t, ok2 := w.(string)
	if !ok1 || !ok2 {
		var e, f encoder
		e.value(v, 0)
		f.value(w, 0)
		s, t = e.String(), f.String()
	} else if strings.HasPrefix(mime, "image/") && mime != "image/svg+xml" {
		return comparePictures(s, t, opts)
	}
	return compareText(s, t, opts)
}
