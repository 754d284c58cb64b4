package engine

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The files in testdata/cells are tables of cells. "== name" begins a test,
// "---" separates its cells. After a cell's source stand what it must do:
//
//	=> the text of the value ("<none>": nothing is shown); one for each line
//	>> a line of standard output
//	2> a part of standard error
//	!! a part of the error; without one the cell must succeed
//	## the MIME type of another form of the value

type cellCase struct {
	line               int
	src                string
	value, stdout      []string
	stderr, err, kinds []string
}

type cellTable struct {
	name  string
	cells []*cellCase
}

func readTables(t *testing.T, path string) (tables []*cellTable) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var table *cellTable
	var c *cellCase
	for i, line := range strings.Split(string(b), "\n") {
		mark, rest := "", ""
		if len(line) >= 2 {
			mark, rest = line[:2], strings.TrimPrefix(line[2:], " ")
		}
		switch {
		case mark == "==":
			c = &cellCase{line: i + 2}
			table = &cellTable{name: rest, cells: []*cellCase{c}}
			tables = append(tables, table)
		case table == nil:
		case line == "---":
			c = &cellCase{line: i + 2}
			table.cells = append(table.cells, c)
		case mark == "=>":
			c.value = append(c.value, rest)
		case mark == ">>":
			c.stdout = append(c.stdout, rest)
		case mark == "2>":
			c.stderr = append(c.stderr, rest)
		case mark == "!!":
			c.err = append(c.err, rest)
		case mark == "##":
			c.kinds = append(c.kinds, rest)
		default:
			c.src += line + "\n"
		}
	}
	return tables
}

func TestCells(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "cells", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tables of cells: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			e, sink := own(t)
			for _, table := range readTables(t, file) {
				t.Run(table.name, func(t *testing.T) {
					for _, c := range table.cells {
						runCell(t, e, sink, file, c)
						if t.Failed() {
							return
						}
					}
				})
			}
		})
	}
}

func runCell(t *testing.T, e *Engine, sink *record, file string, c *cellCase) {
	t.Helper()
	id := cellID()
	r := e.Execute(context.Background(), Cell{ID: id, Count: cellCount(), Source: strings.TrimSuffix(c.src, "\n")})
	errText := ""
	if r.Err != nil {
		errText = r.Err.Name + "\n" + r.Err.Value + "\n" + strings.Join(r.Err.Traceback, "\n")
	}
	if r.Err != nil && c.err == nil {
		t.Errorf("%s:%d: %s", file, c.line, errText)
	}
	for _, want := range c.err {
		if !strings.Contains(unstyled(errText), want) {
			t.Errorf("%s:%d: error %q lacks %q", file, c.line, unstyled(errText), want)
		}
	}
	if c.value != nil {
		got, want := "<none>", strings.Join(c.value, "\n")
		if r.Value != nil {
			got, _ = r.Value["text/plain"].(string)
		}
		if got != want {
			t.Errorf("%s:%d: value %q, want %q", file, c.line, got, want)
		}
	}
	if c.stdout != nil {
		if got, want := sink.text(id, "stdout"), strings.Join(c.stdout, "\n")+"\n"; got != want {
			t.Errorf("%s:%d: stdout %q, want %q", file, c.line, got, want)
		}
	}
	for _, want := range c.stderr {
		if got := unstyled(sink.text(id, "stderr")); !strings.Contains(got, want) {
			t.Errorf("%s:%d: stderr %q lacks %q", file, c.line, got, want)
		}
	}
	for _, kind := range c.kinds {
		if _, ok := r.Value[kind]; !ok {
			t.Errorf("%s:%d: the value has no %s, only %v", file, c.line, kind, slices.Sorted(keys(r.Value)))
		}
	}
}

func keys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// unstyled takes the colours out of a traceback.
func unstyled(s string) string {
	return strings.NewReplacer(red, "", green, "", bold, "", faint, "", plain, "").Replace(s)
}
