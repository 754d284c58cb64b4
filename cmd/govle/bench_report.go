package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"govle/vle/blas"
	"govle/vle/blas/peak"
)

// benchReport is what results.json holds and the Markdown report shows.
type benchReport struct {
	Machine []string
	Peer    string
	Rows    []*benchRow
	Left    []benchLeft
}

// benchLeft is a case that is not in the report, and why.
type benchLeft struct{ Name, Why string }

// peakRate is the measured float32 multiply-adds of one thread, 10⁹ operations a
// second.
func peakRate() float64 {
	rate, _ := peak.FMA(50)
	return rate
}

// describeMachine says on what it was measured: no names, no paths.
func describeMachine(peak float64) []string {
	c := cpuid.CPU
	var have []string
	for _, f := range []cpuid.FeatureID{cpuid.AVX2, cpuid.FMA3, cpuid.AVX512F, cpuid.AVX512VNNI, cpuid.AVX512BF16} {
		if c.Supports(f) {
			have = append(have, f.String())
		}
	}
	name := c.BrandName
	if name == "" {
		name = runtime.GOARCH
	}
	floats, eights := blas.Kernel()
	return []string{
		fmt.Sprintf("Processor: %s, %d logical cores; %s", name, runtime.NumCPU(), strings.Join(have, ", ")),
		fmt.Sprintf("Caches: L1 %s, L2 %s, L3 %s", kib(c.Cache.L1D), kib(c.Cache.L2), kib(c.Cache.L3)),
		fmt.Sprintf("Measured peak of float32 multiply-adds: %.0f G/s on one thread", peak/1e9),
		fmt.Sprintf("%s on %s/%s; kernels %s (float32) and %s (8 bits)",
			runtime.Version(), runtime.GOOS, runtime.GOARCH, floats, eights),
	}
}

func kib(n int) string {
	if n <= 0 {
		return "unknown"
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// loadAverage is the system's over the last minute, "" where it does not tell.
func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(data), " ")
	return first
}

// put adds a row or replaces the one of that name, in the order of the cases.
func (r *benchReport) put(row *benchRow) {
	if i := slices.IndexFunc(r.Rows, func(o *benchRow) bool { return o.Name == row.Name }); i >= 0 {
		r.Rows[i] = row
		return
	}
	order := map[string]int{}
	for i, c := range benchCases() {
		order[c.name] = i
	}
	r.Rows = append(r.Rows, row)
	slices.SortStableFunc(r.Rows, func(a, b *benchRow) int { return order[a.Name] - order[b.Name] })
}

// read adds the rows of an earlier run.
func (r *benchReport) read(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var old benchReport
	if err := json.Unmarshal(data, &old); err != nil {
		return fmt.Errorf("reading %s: %w (delete it or leave --keep out)", path, err)
	}
	for _, row := range old.Rows {
		if len(row.Sides) > 0 {
			r.put(row)
		}
	}
	return nil
}

func (r *benchReport) write(path string) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// render writes the Markdown report and the plot of the ratios beside it.
func (r *benchReport) render(path string) error {
	plot := strings.TrimSuffix(path, filepath.Ext(path)) + ".svg"
	drawn, err := r.draw(plot)
	if err != nil {
		return err
	}
	if !drawn {
		plot = ""
	}
	return os.WriteFile(path, r.markdown(filepath.Base(plot)), 0o644)
}

func (r *benchReport) markdown(plot string) []byte {
	var b bytes.Buffer
	b.WriteString("# Benchmarks\n\nWritten by `govle bench` (`make bench`); `make bench-peers` installs the other side first.\n" +
		"All sides of a case run in one session, in turn, with the same inputs, weights and number of threads.\n\n")
	for _, line := range r.Machine {
		fmt.Fprintf(&b, "* %s\n", line)
	}
	if r.Peer != "" {
		fmt.Fprintf(&b, "* Beside it: %s\n", r.Peer)
	} else {
		b.WriteString("* PyTorch was not there, so govle's own figures stand alone.\n")
	}
	if len(r.Rows) > 0 {
		first, last := r.Rows[0].Taken, r.Rows[0].Taken
		for _, row := range r.Rows {
			if row.Taken.Before(first) {
				first = row.Taken
			}
			if row.Taken.After(last) {
				last = row.Taken
			}
		}
		fmt.Fprintf(&b, "* Measured %s to %s UTC\n", first.Format("2006-01-02 15:04"), last.Format("15:04"))
	}
	b.WriteString("\nRatio: the other side's time (or memory) through govle's first row, by the best runs and, in brackets,\n" +
		"the median over the rounds; above 1 govle is faster (smaller). G/s is 10⁹ operations a second, a multiply-add\n" +
		"being two. Load is the system's over the minute before the case: above 0 the machine was shared or still\n" +
		"busy with the case before, and the best runs say more than the medians.\n\n")
	if plot != "" && plot != "." {
		fmt.Fprintf(&b, "![Ratios of all cases](%s)\n\n", plot)
	}
	group := ""
	for _, row := range r.Rows {
		if g, _, _ := strings.Cut(row.Name, "/"); g != group {
			group = g
			fmt.Fprintf(&b, "## %s\n\n| case | side | best | median | ratio | target | threads | load |\n|---|---|---|---|---|---|---|---|\n", g)
		}
		row.markdown(&b)
		if row == r.Rows[len(r.Rows)-1] || !strings.HasPrefix(r.Rows[slices.Index(r.Rows, row)+1].Name+"/", group+"/") {
			b.WriteString("\n")
		}
	}
	if len(r.Left) > 0 {
		b.WriteString("## Left out\n\n")
		for _, l := range r.Left {
			fmt.Fprintf(&b, "* %s: %s\n", l.Name, l.Why)
		}
	}
	return b.Bytes()
}

func (r *benchRow) markdown(b *bytes.Buffer) {
	for i, s := range r.Sides {
		name, target, load, ratio, threads := "", "", "", "", ""
		if i == 0 {
			name, load = fmt.Sprintf("**%s** %s", strings.TrimPrefix(r.Name, groupOf(r.Name)+"/"), r.About), r.Load
			threads = fmt.Sprint(r.Threads)
			target = r.targetText()
			if len(r.Sides) == 1 {
				ratio = "nobody beside it"
			}
		} else {
			ratio = fmt.Sprintf("%.2f (%.2f)", s.RatioMin, s.RatioMedian)
		}
		side := s.Name
		if s.Note != "" {
			side += "; " + s.Note
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n",
			name, side, r.figure(s, s.Min), r.figure(s, s.Median), ratio, target, threads, load)
	}
}

func groupOf(name string) string {
	g, _, _ := strings.Cut(name, "/")
	return g
}

func (r *benchRow) targetText() string {
	if r.Target == 0 {
		return ""
	}
	text := fmt.Sprintf("≥ %.4g", r.Target)
	if r.Rival == "" {
		text = "≤ " + r.figure(r.Sides[0], r.Target)
	}
	if v := r.verdict(); v != "" {
		text += ", " + v
	}
	return text
}
