package vle

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// scored is a row of a table of scores: a label and a share from 0 to 1.
type scored struct {
	label string
	score float64
}

// textTable writes a heading and a line a row.
func textTable(heading string, rows []scored) string {
	width := 0
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r.label))
	}
	var b strings.Builder
	b.WriteString(heading)
	for _, r := range rows {
		pad := strings.Repeat(" ", width-utf8.RuneCountInString(r.label))
		fmt.Fprintf(&b, "\n  %s%s  %6.2f %%", r.label, pad, 100*r.score)
	}
	return b.String()
}

// htmlTable is the same as a table with bars.
func htmlTable(heading string, rows []scored) string {
	var b strings.Builder
	b.WriteString(`<table style="border-collapse:collapse"><caption style="text-align:left;font-style:italic">`)
	b.WriteString(html.EscapeString(heading))
	b.WriteString("</caption>")
	for _, r := range rows {
		fmt.Fprintf(&b, `<tr><td style="text-align:left;padding:2px 8px">%s</td>`+
			`<td style="text-align:right;padding:2px 8px">%.2f&nbsp;%%</td>`+
			`<td style="padding:2px 8px"><div style="width:160px;background:#8882"><div style="width:%.1f%%;height:0.8em;background:#4878b0"></div></div></td></tr>`,
			html.EscapeString(r.label), 100*r.score, 100*r.score)
	}
	b.WriteString("</table>")
	return b.String()
}

func bundle(heading string, rows []scored) map[string]any {
	return map[string]any{"text/plain": textTable(heading, rows), "text/html": htmlTable(heading, rows)}
}
