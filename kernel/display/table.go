package display

import (
	"cmp"
	"fmt"
	"html"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Limits of what a table shows; what is left out is said.
const (
	maxRows    = 60
	maxColumns = 24
	maxCell    = 200 // characters
	maxDepth   = 4
)

// HTMLTable renders a value as an HTML table or tree: slices of structs and
// matrices as tables, structs and maps as lists of their fields. ok is false for
// values that are best shown as plain text. [Bundle] uses it.
func HTMLTable(v any) (page string, ok bool) {
	r := reflect.ValueOf(v)
	if !r.IsValid() {
		return "", false
	}
	switch v.(type) {
	case error, time.Time, time.Duration:
		return "", false
	}
	var b strings.Builder
	if m, isMatrix := v.(matrix); isMatrix && !isNilPointer(v) {
		writeMatrix(&b, m)
		return b.String(), true
	}
	if _, isStringer := v.(fmt.Stringer); isStringer {
		return "", false // its author has said how it looks
	}
	for r.Kind() == reflect.Pointer && !r.IsNil() {
		r = r.Elem()
	}
	switch r.Kind() {
	case reflect.Struct:
		if r.NumField() == 0 {
			return "", false
		}
		writeTree(&b, r, 0)
	case reflect.Map:
		if r.Len() == 0 {
			return "", false
		}
		writeTree(&b, r, 0)
	case reflect.Slice, reflect.Array:
		if r.Len() == 0 || !writeRows(&b, r) {
			return "", false
		}
	default:
		return "", false
	}
	return b.String(), true
}

// matrix is what gonum's mat.Matrix and the like have in common.
type matrix interface {
	Dims() (rows, columns int)
	At(row, column int) float64
}

const tableStyle = `<table style="border-collapse:collapse;font-family:monospace">`

// matrixText is a matrix as lines of numbers in columns, which fmt does not make of
// one. ok is false for values whose author has said how they look.
func matrixText(v any) (text string, ok bool) {
	m, isMatrix := v.(matrix)
	if !isMatrix {
		return "", false
	}
	switch v.(type) {
	case fmt.Stringer, fmt.Formatter:
		return "", false
	}
	rows, cols := m.Dims()
	var b strings.Builder
	fmt.Fprintf(&b, "%d × %d\n", rows, cols)
	table := tabwriter.NewWriter(&b, 0, 0, 1, ' ', tabwriter.AlignRight)
	for i := range min(rows, maxRows) {
		for j := range min(cols, maxColumns) {
			fmt.Fprintf(table, " %.6g\t", m.At(i, j))
		}
		if cols > maxColumns {
			fmt.Fprint(table, " …\t")
		}
		fmt.Fprintln(table)
	}
	table.Flush() // a strings.Builder takes everything
	if rows > maxRows {
		fmt.Fprintf(&b, "… %d more rows\n", rows-maxRows)
	}
	return strings.TrimSuffix(b.String(), "\n"), true
}

// writeMatrix shows the upper left part of a matrix.
func writeMatrix(b *strings.Builder, m matrix) {
	rows, cols := m.Dims()
	fmt.Fprintf(b, "<div>%d × %d</div>%s", rows, cols, tableStyle)
	for i := range min(rows, maxRows) {
		b.WriteString("<tr>")
		for j := range min(cols, maxColumns) {
			fmt.Fprintf(b, `<td style="text-align:right">%.6g</td>`, m.At(i, j))
		}
		if cols > maxColumns {
			b.WriteString("<td>…</td>")
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</table>")
	leftOut(b, rows)
}

func leftOut(b *strings.Builder, n int) {
	if n > maxRows {
		fmt.Fprintf(b, "<div>… %d more rows</div>", n-maxRows)
	}
}

// writeRows shows a slice of structs, of maps with string keys or of slices of
// numbers as a table; it tells whether the slice is one of these.
func writeRows(b *strings.Builder, r reflect.Value) bool {
	elem := r.Type().Elem()
	for elem.Kind() == reflect.Pointer {
		elem = elem.Elem()
	}
	switch elem.Kind() {
	case reflect.Struct:
		if elem.NumField() == 0 || elem.Implements(reflect.TypeFor[fmt.Stringer]()) || reflect.PointerTo(elem).Implements(reflect.TypeFor[fmt.Stringer]()) {
			return false
		}
		b.WriteString(tableStyle + "<tr><th></th>")
		n := min(elem.NumField(), maxColumns)
		for i := range n {
			b.WriteString("<th>" + html.EscapeString(elem.Field(i).Name) + "</th>")
		}
		b.WriteString("</tr>")
		for i := range min(r.Len(), maxRows) {
			fmt.Fprintf(b, "<tr><th>%d</th>", i)
			row := r.Index(i)
			for row.Kind() == reflect.Pointer && !row.IsNil() {
				row = row.Elem()
			}
			for j := range n {
				if row.Kind() != reflect.Struct {
					b.WriteString("<td>&lt;nil&gt;</td>")
					continue
				}
				writeCell(b, row.Field(j))
			}
			b.WriteString("</tr>")
		}
	case reflect.Map:
		if elem.Key().Kind() != reflect.String || elem.Implements(reflect.TypeFor[fmt.Stringer]()) {
			return false
		}
		writeRecords(b, r)
	case reflect.Slice, reflect.Array:
		switch elem.Elem().Kind() {
		case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128, reflect.String, reflect.Bool,
			reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
			reflect.Uint, reflect.Uint16, reflect.Uint32, reflect.Uint64: // bytes are text more often than numbers
		default:
			return false
		}
		b.WriteString(tableStyle)
		for i := range min(r.Len(), maxRows) {
			row := r.Index(i)
			for row.Kind() == reflect.Pointer && !row.IsNil() {
				row = row.Elem()
			}
			fmt.Fprintf(b, "<tr><th>%d</th>", i)
			if row.Kind() != reflect.Pointer {
				for j := range min(row.Len(), maxColumns) {
					writeCell(b, row.Index(j))
				}
				if row.Len() > maxColumns {
					b.WriteString("<td>…</td>")
				}
			}
			b.WriteString("</tr>")
		}
	default:
		return false
	}
	b.WriteString("</table>")
	leftOut(b, r.Len())
	return true
}

// writeRecords begins a table of a slice of maps: a column for each key that any of the
// shown rows has, in the order of their text.
func writeRecords(b *strings.Builder, r reflect.Value) {
	var names []string
	seen := map[string]bool{}
	rows := make([]reflect.Value, min(r.Len(), maxRows))
	for i := range rows {
		rows[i] = r.Index(i)
		for rows[i].Kind() == reflect.Pointer && !rows[i].IsNil() {
			rows[i] = rows[i].Elem()
		}
		if rows[i].Kind() != reflect.Map {
			continue
		}
		for _, k := range rows[i].MapKeys() {
			if name := k.String(); !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	more := len(names) > maxColumns
	names = names[:min(len(names), maxColumns)]
	b.WriteString(tableStyle + "<tr><th></th>")
	for _, name := range names {
		b.WriteString("<th>" + html.EscapeString(name) + "</th>")
	}
	b.WriteString("</tr>")
	for i, row := range rows {
		fmt.Fprintf(b, "<tr><th>%d</th>", i)
		for _, name := range names {
			var v reflect.Value
			if row.Kind() == reflect.Map {
				v = row.MapIndex(reflect.ValueOf(name).Convert(row.Type().Key()))
			}
			if !v.IsValid() {
				b.WriteString("<td></td>")
				continue
			}
			if v.Kind() == reflect.Interface && !v.IsNil() {
				v = v.Elem()
			}
			writeCell(b, v)
		}
		if more {
			b.WriteString("<td>…</td>")
		}
		b.WriteString("</tr>")
	}
}

func writeCell(b *strings.Builder, v reflect.Value) {
	align := "left"
	if v.CanInt() || v.CanUint() || v.CanFloat() {
		align = "right"
	}
	fmt.Fprintf(b, `<td style="text-align:%s">%s</td>`, align, html.EscapeString(short(v)))
}

// short is a value in one cell. fmt prints fields that reflection guards, too.
func short(v reflect.Value) string {
	s := []rune(fmt.Sprintf("%v", v))
	if len(s) > maxCell {
		s = append(s[:maxCell], '…')
	}
	return string(s)
}

// writeTree shows a struct or map as a list that folds.
func writeTree(b *strings.Builder, r reflect.Value, depth int) {
	entry := func(name string, v reflect.Value) {
		for (v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer) && !v.IsNil() && depth < maxDepth {
			v = v.Elem()
		}
		nested := depth < maxDepth && (v.Kind() == reflect.Struct && v.NumField() > 0 || v.Kind() == reflect.Map && v.Len() > 0) &&
			!v.Type().Implements(reflect.TypeFor[fmt.Stringer]())
		if !nested {
			fmt.Fprintf(b, "<div><b>%s</b> %s</div>", html.EscapeString(name), html.EscapeString(short(v)))
			return
		}
		open := ""
		if depth == 0 {
			open = " open"
		}
		fmt.Fprintf(b, "<details%s><summary><b>%s</b> %s</summary>", open, html.EscapeString(name), html.EscapeString(v.Type().String()))
		writeTree(b, v, depth+1)
		b.WriteString("</details>")
	}
	b.WriteString(`<div style="font-family:monospace;margin-left:1em">`)
	switch r.Kind() {
	case reflect.Struct:
		for i := range r.NumField() {
			entry(r.Type().Field(i).Name, r.Field(i))
		}
	case reflect.Map:
		n := 0
		for _, k := range sortedKeys(r) {
			if n++; n > maxRows {
				fmt.Fprintf(b, "<div>… %d more</div>", r.Len()-maxRows)
				break
			}
			entry(short(k), r.MapIndex(k))
		}
	}
	b.WriteString("</div>")
}

// sortedKeys are a map's keys in the order of their text, numbers by value.
func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.CanInt() && b.CanInt():
			return cmp.Compare(a.Int(), b.Int())
		case a.CanFloat() && b.CanFloat():
			return cmp.Compare(a.Float(), b.Float())
		}
		return cmp.Compare(short(a), short(b))
	})
	return keys
}
