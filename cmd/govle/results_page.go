package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// page writes the tables of what the cache has.
func (r *resultsRun) page(c *resultsConfig, out string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", c.Title, c.Text)
	for i := range c.Sections {
		s := &c.Sections[i]
		var rows []resultsRow
		for _, row := range s.Rows {
			cell := r.cache[row.ID]
			if cell == nil {
				continue
			}
			// A row whose configuration was changed since is not shown.
			if inputs, err := c.inputs(s, row); err != nil || inputs != cell.Inputs {
				continue
			}
			rows = append(rows, row)
		}
		if len(rows) > 0 {
			r.section(&b, s, rows)
		}
	}
	if err := os.WriteFile(out, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// section writes a table: the models, what is reached without looking, and the
// figures of others.
func (r *resultsRun) section(b *strings.Builder, s *resultsSection, rows []resultsRow) {
	fmt.Fprintf(b, "\n## %s\n\n", s.Title)
	if s.Text != "" {
		fmt.Fprintf(b, "%s\n\n", s.Text)
	}
	line := func(cells ...string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }
	head, rule := []string{""}, []string{"---"}
	for _, col := range s.Columns {
		head, rule = append(head, col.Title), append(rule, "---:")
	}
	line(append(head, "made with")...)
	line(append(rule, "---")...)
	for _, row := range rows {
		cell := r.cache[row.ID]
		cells := []string{row.Title}
		for _, col := range s.Columns {
			cells = append(cells, figure(cell.Reports[col.Score].row(col.Row), ""))
		}
		line(append(cells, cell.budget(row))...)
	}
	first := r.cache[rows[0].ID]
	for _, base := range []string{byTextOnly, byMajority, byChance} {
		cells, any := []string{baselineNames[base]}, false
		for _, col := range s.Columns {
			f := figure(first.Reports[col.Score].row(col.Row), base)
			cells, any = append(cells, f), any || f != ""
		}
		if any {
			line(append(cells, "")...)
		}
	}
	for _, p := range s.Published {
		cells := []string{p.Name}
		for _, v := range p.Values {
			if cell := fmt.Sprintf("%g", v); v != 0 {
				cells = append(cells, cell)
			} else {
				cells = append(cells, "")
			}
		}
		line(append(cells, "published")...)
	}
	b.WriteString("\n")
	for i, sc := range s.Score {
		rep := first.Reports[i]
		fmt.Fprintf(b, "Scored: `%s` on %s%s, %d items.\n", sc.Task, sc.Data, optional(" ", sc.Split), rep.Items)
	}
}

// baselineNames are baselines as the page calls them.
var baselineNames = map[string]string{
	byTextOnly: "*from the text alone*", byMajority: "*most frequent answer*", byChance: "*chance*",
}

// figure is a row's score, or its named baseline.
func figure(row *evalRow, baseline string) string {
	if row == nil {
		return ""
	}
	v := row.Score
	if baseline != "" {
		var ok bool
		if v, ok = row.Baselines[baseline]; !ok {
			return ""
		}
	}
	return fmt.Sprintf("%.2f", v)
}

// budget says how a row was made.
func (c *resultsCell) budget(row resultsRow) string {
	if len(row.Stages) == 0 {
		return "`" + strings.TrimLeft(row.Model, "./") + "`, " + c.Date
	}
	var names []string
	for _, st := range row.Stages {
		names = append(names, "`"+st.Config+"`")
	}
	kind := ""
	if c.Quick {
		kind = "**quick**: "
	}
	return fmt.Sprintf("%s%s, %d steps, %s on %s, %s", kind, strings.Join(names, ", "), c.Steps,
		(time.Duration(c.Seconds) * time.Second).Round(time.Second), c.Machine, c.Date)
}

func optional(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}
