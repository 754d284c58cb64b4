package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// evalReport is what govle eval prints.
type evalReport struct {
	Task   string   `json:"task"`
	Models []string `json:"models"`
	Data   string   `json:"data"`
	// Items were scored, of Of.
	Items       int       `json:"items"`
	Of          int       `json:"of"`
	Interrupted bool      `json:"interrupted,omitempty"`
	Seconds     float64   `json:"seconds"`
	Rows        []evalRow `json:"rows"`
	Notes       []string  `json:"notes,omitempty"`
}

// evalRow is a figure in per cent with what it is compared with.
type evalRow struct {
	Name      string             `json:"name"`
	Items     int                `json:"items"`
	Score     float64            `json:"score"`
	Baselines map[string]float64 `json:"baselines,omitempty"`
}

// Names of baselines.
const (
	byChance   = "chance"
	byMajority = "majority"
	byTextOnly = "text only"
)

// percent rounds a fraction to two decimals of a per cent.
func percent(x float64) float64 { return math.Round(1e4*x) / 100 }

// add adds a row whose score and baselines are fractions of 1; a baseline that is
// not a number is left out.
func (r *evalReport) add(name string, items int, score float64, baselines map[string]float64) {
	row := evalRow{Name: name, Items: items, Score: percent(score)}
	for k, v := range baselines {
		if !math.IsNaN(v) {
			if row.Baselines == nil {
				row.Baselines = map[string]float64{}
			}
			row.Baselines[k] = percent(v)
		}
	}
	r.Rows = append(r.Rows, row)
}

// note adds a remark.
func (r *evalReport) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// finished says how far the loop came.
func (r *evalReport) finished(done []bool) {
	r.Items, r.Of = count(done), len(done)
	r.Interrupted = r.Items < r.Of
}

// row finds a row by its name.
func (r *evalReport) row(name string) *evalRow {
	for i := range r.Rows {
		if r.Rows[i].Name == name {
			return &r.Rows[i]
		}
	}
	return nil
}

// String is the report as a table.
func (r *evalReport) String() string {
	var b strings.Builder
	for _, m := range r.Models {
		fmt.Fprintf(&b, "%s\n", m)
	}
	fmt.Fprintf(&b, "%s on %s: %d items", r.Task, r.Data, r.Items)
	if r.Interrupted {
		fmt.Fprintf(&b, " of %d, interrupted", r.Of)
	}
	fmt.Fprintf(&b, ", %.3g s\n\n", r.Seconds)
	columns := map[string]bool{}
	for _, row := range r.Rows {
		for k := range row.Baselines {
			columns[k] = true
		}
	}
	names := slices.Sorted(maps.Keys(columns))
	table := [][]string{append([]string{"", "items", "score %"}, names...)}
	for _, row := range r.Rows {
		cells := []string{row.Name, fmt.Sprint(row.Items), fmt.Sprintf("%.2f", row.Score)}
		for _, k := range names {
			cell := ""
			if v, ok := row.Baselines[k]; ok {
				cell = fmt.Sprintf("%.2f", v)
			}
			cells = append(cells, cell)
		}
		table = append(table, cells)
	}
	if len(r.Rows) > 0 {
		writeColumns(&b, table)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(&b, n)
	}
	return b.String()
}

// writeColumns writes rows of cells, the first column to the left, others to the
// right.
func writeColumns(b *strings.Builder, table [][]string) {
	width := make([]int, len(table[0]))
	for _, row := range table {
		for i, c := range row {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	for _, row := range table {
		var line strings.Builder
		for i, c := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if i == 0 {
				line.WriteString("  " + c + pad)
			} else {
				line.WriteString("  " + pad + c)
			}
		}
		fmt.Fprintln(b, strings.TrimRight(line.String(), " "))
	}
}

// writeLines writes a JSON line for each finished item, in the data's order.
func writeLines[T any](name string, items []T, finished []bool) error {
	if name == "" {
		return nil
	}
	return writeFile(name, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		enc := json.NewEncoder(b)
		enc.SetEscapeHTML(false)
		for i, x := range items {
			if !finished[i] {
				continue
			}
			if err := enc.Encode(x); err != nil {
				return err
			}
		}
		return b.Flush()
	})
}
