package notebook

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRoundTrip reads notebooks that Python's nbformat wrote and expects to
// write the very same bytes.
func TestRoundTrip(t *testing.T) {
	files, err := filepath.Glob("testdata/corpus/*.ipynb")
	if err != nil || len(files) < 3 {
		t.Fatalf("found %d notebooks, err %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			nb, err := ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := nb.Write(&got); err != nil {
				t.Fatal(err)
			}
			if d := compareText(string(want), got.String(), CompareOptions{Strict: true}); d != "" {
				t.Error(d)
			}
			if !bytes.Equal(want, got.Bytes()) {
				t.Errorf("the bytes differ: %d read, %d written", len(want), got.Len())
			}
		})
	}
}

func TestReadKeepsEverything(t *testing.T) {
	nb, err := ReadFile("testdata/corpus/python-written.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	if name, language := nb.Kernel(); name != "govle" || language != "go" {
		t.Errorf("kernel %q in %q", name, language)
	}
	if got := nb.Title("?"); got != "Titel – ünïcode  \u2028 sep" {
		t.Errorf("title %q", got)
	}
	code := nb.Cells[1]
	if code.Source != "fmt.Println(\"hi\")\r\nx := 1\n" || code.ExecutionCount != 3 || !code.HasTag("parameters") {
		t.Errorf("code cell %+v", code)
	}
	if len(code.Outputs) != 4 || code.Outputs[0].Text != "hi\nthere" || code.Outputs[3].Traceback[1] != "l2\nl3" {
		t.Errorf("outputs %+v", code.Outputs)
	}
	if code.Extra["future_field"] == nil || nb.Extra["toplevel_extra"] == nil {
		t.Error("unknown fields are lost")
	}
}

func TestReadRefuses(t *testing.T) {
	cell := func(s string) string {
		return `{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[{"cell_type":"markdown","metadata":{},"source":""},` + s + `]}`
	}
	for _, c := range []struct {
		name, in, want string
		cell           int
	}{
		{"empty", " \n", "empty", 0},
		{"not JSON", "hello", "not valid JSON: line 1", 0},
		{"cut short", `{"nbformat":4,"cells":[`, "cut short", 0},
		{"text behind", "{}\n\n{}", "line 3: text after the end", 0},
		{"conflict", "{\n<<<<<<< HEAD\n}", "line 2: the file holds merge conflict marks", 0},
		{"a list", "[]", "holds a list", 0},
		{"no nbformat", "{}", `"nbformat" is missing`, 0},
		{"nbformat text", `{"nbformat":"4"}`, "a string, not a number", 0},
		{"too old", `{"nbformat":2}`, "nbformat 2 is too old", 0},
		{"too new", `{"nbformat":5}`, "nbformat 5 is newer", 0},
		{"no minor", `{"nbformat":4,"cells":[]}`, `"nbformat_minor" is missing`, 0},
		{"no cells", `{"nbformat":4,"nbformat_minor":5}`, `"cells" is missing`, 0},
		{"cells an object", `{"nbformat":4,"nbformat_minor":5,"cells":{}}`, `"cells" is an object, not a list`, 0},
		{"cell a string", cell(`"x"`), `item 2 of "cells" is a string`, 0},
		{"no type", cell(`{"source":""}`), `"cell_type" is missing`, 2},
		{"odd type", cell(`{"cell_type":"heading","source":""}`), `"cell_type" is "heading"`, 2},
		{"no source", cell(`{"cell_type":"raw"}`), `"source" is missing`, 2},
		{"source a number", cell(`{"cell_type":"raw","source":3}`), `"source" is a number`, 2},
		{"source of numbers", cell(`{"cell_type":"raw","source":[3]}`), "other things than strings", 2},
		{"metadata a list", cell(`{"cell_type":"raw","source":"","metadata":[]}`), `"metadata" is a list`, 2},
		{"id a number", cell(`{"cell_type":"raw","source":"","id":1}`), `"id" is a number`, 2},
		{"count a text", cell(`{"cell_type":"code","source":"","execution_count":"1"}`), `"execution_count" is a string`, 2},
		{"output without type", cell(`{"cell_type":"code","source":"","outputs":[{}]}`), `output 1: "output_type"`, 2},
		{"data a list", cell(`{"cell_type":"code","source":"","outputs":[{"output_type":"display_data","data":[]}]}`), `output 1: "data" is a list`, 2},
		{"traceback of objects", cell(`{"cell_type":"code","source":"","outputs":[{"output_type":"error","traceback":[{}]}]}`), `output 1: "traceback" holds an object`, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bad.ipynb")
			if err := os.WriteFile(path, []byte(c.in), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := ReadFile(path)
			var bad *FormatError
			if !errors.As(err, &bad) {
				t.Fatalf("error %v, wanted a *FormatError", err)
			}
			if !strings.Contains(bad.Reason, c.want) || bad.Cell != c.cell {
				t.Errorf("cell %d: %s; wanted %q of cell %d", bad.Cell, bad.Reason, c.want, c.cell)
			}
			if !strings.HasPrefix(err.Error(), path) {
				t.Errorf("error %q does not name the file", err)
			}
		})
	}
}

func TestReadV3(t *testing.T) {
	const old = `{"nbformat":3,"nbformat_minor":0,"metadata":{"name":"old"},"worksheets":[{"cells":[
		{"cell_type":"heading","level":2,"source":["A\n","title"]},
		{"cell_type":"code","language":"python","collapsed":false,"input":["1+1\n","2"],"prompt_number":4,"outputs":[
			{"output_type":"pyout","prompt_number":4,"text":["4"],"png":"AAAA\n","metadata":{"png":{"width":5}}},
			{"output_type":"stream","stream":"stderr","text":"warn"},
			{"output_type":"pyerr","ename":"E","evalue":"v","traceback":["t"]}]}]}]}`
	nb, err := Read(strings.NewReader(old))
	if err != nil {
		t.Fatal(err)
	}
	if nb.Minor != 5 || len(nb.Cells) != 2 || len(nb.Metadata) != 0 || nb.Extra != nil {
		t.Fatalf("notebook %+v", nb)
	}
	if h := nb.Cells[0]; h.Type != Markdown || h.Source != "## A title" || h.ID == "" || h.Extra != nil {
		t.Errorf("heading %+v", h)
	}
	c := nb.Cells[1]
	if c.Source != "1+1\n2" || c.ExecutionCount != 4 || c.Extra != nil || len(c.Outputs) != 3 {
		t.Fatalf("code %+v", c)
	}
	if o := c.Outputs[0]; o.Type != ExecuteResult || o.ExecutionCount != 4 || o.Data["text/plain"] != "4" ||
		o.Data["image/png"] != "AAAA\n" || o.Metadata["image/png"] == nil || o.Extra != nil {
		t.Errorf("result %+v", o)
	}
	if o := c.Outputs[1]; o.Name != "stderr" || o.Text != "warn" || o.Extra != nil {
		t.Errorf("stream %+v", o)
	}
	if o := c.Outputs[2]; o.Type != ErrorOutput || o.ErrorName != "E" {
		t.Errorf("error %+v", o)
	}
}

func TestWriteFileKeepsOldOnFailure(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.ipynb")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	nb := &Notebook{Minor: 5, Cells: []*Cell{{Type: Code, Metadata: map[string]any{"bad": func() {}}}}}
	if err := nb.WriteFile(path); err == nil || !strings.Contains(err.Error(), "cell 1") {
		t.Errorf("error %v, wanted one that names cell 1", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "old" {
		t.Errorf("the old file was lost: %q", b)
	}
	nb.Cells[0].Metadata = nil
	if err := nb.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, wanted that of the old file", info.Mode())
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%d files are left, wanted 1", len(left))
	}
}

// FuzzRead feeds the reader anything: it must not panic, and what it accepts
// must come out of writing and reading unchanged.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/corpus/*.ipynb")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		nb, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		var once, twice bytes.Buffer
		if err := nb.Write(&once); err != nil {
			t.Fatalf("writing what was read: %v", err)
		}
		again, err := Read(bytes.NewReader(once.Bytes()))
		if err != nil {
			t.Fatalf("reading what was written: %v\n%s", err, once.Bytes())
		}
		if err := again.Write(&twice); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Fatalf("a second round trip changed the file:\n%s\n%s", once.Bytes(), twice.Bytes())
		}
		// Content that a front end shows must not be able to stop a conversion
		// by a panic either.
		ToHTML(nb, HTMLOptions{})
		ToMarkdown(nb, "files")
	})
}
