package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// results is the folder of the committed tables.
const results = "../../docs/results"

// runResults runs govle results on a file in dir.
func runResults(ctx context.Context, dir string, args ...string) (page, log string, err error) {
	root := newRoot()
	var b bytes.Buffer
	root.SetOut(&b)
	root.SetErr(&b)
	out := filepath.Join(dir, "page.md")
	root.SetArgs(append([]string{"results", "--config", filepath.Join(dir, "t.json"), "-o", out, "--work", filepath.Join(dir, "work")}, args...))
	err = root.ExecuteContext(ctx)
	data, _ := os.ReadFile(out)
	return string(data), b.String(), err
}

// table writes a file with one row that is trained in two stages of a step each.
func table(t *testing.T, title string) string {
	t.Helper()
	dir := t.TempDir()
	from, err := filepath.Abs(results)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stage := func(objective string) string {
		return fmt.Sprintf("architecture = %q\nprocessor = %q\nsteps = 3\nbatch = 4\nseed = 1\ndir = \"x\"\n[groups]\nlr = 1e-3\n"+
			"[[objective]]\nname = %q\n[[data]]\nkind = \"scenes\"\nlimit = 20\n",
			filepath.Join(from, "architecture.json"), filepath.Join(from, "tokenizer"), objective)
	}
	write("one.toml", stage("pbc"))
	write("two.toml", stage("vqa"))
	write("t.json", `{"title": "T", "text": "", "sections": [{"id": "s", "title": "S", "text": "",
 "score": [{"task": "vqa", "data": "scenes:1:4", "split": "test"}],
 "columns": [{"title": "all", "score": 0, "row": "all"}, {"title": "relate", "score": 0, "row": "question relate"}],
 "rows": [{"id": "r", "title": "`+title+`", "stages": [{"config": "one.toml", "quick": 1}, {"config": "two.toml", "quick": 2}]}],
 "published": [{"name": "P", "values": [99, 0]}]}]}`)
	return dir
}

// TestResults trains a row, goes on from the cache, and runs anew what was changed.
func TestResults(t *testing.T) {
	dir := table(t, "small")
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	page, log, err := runResults(stopped, dir)
	if err == nil || !strings.Contains(log, "r: interrupted") || strings.Contains(page, "small") {
		t.Fatalf("cancelled: %v\n%s\n%s", err, log, page)
	}
	page, log, err = runResults(context.Background(), dir, "--quick")
	if err != nil || !strings.Contains(page, "**quick**: `one.toml`, `two.toml`, 3 steps") || !strings.Contains(page, "| P | 99 |  | published |") ||
		!strings.Contains(page, "*from the text alone*") || !strings.Contains(page, "24 items") {
		t.Fatalf("%v\n%s\n%s", err, log, page)
	}
	before := page
	page, log, err = runResults(context.Background(), dir, "--quick")
	if err != nil || page != before || strings.Contains(log, "training") {
		t.Errorf("from the cache: %v\n%s\n%s", err, log, page)
	}
	// A full run replaces a quick one, and a quick one does not replace it.
	page, log, err = runResults(context.Background(), dir)
	if err != nil || strings.Contains(page, "**quick**") || !strings.Contains(page, "6 steps") {
		t.Errorf("in full: %v\n%s\n%s", err, log, page)
	}
	full := page
	if page, log, err = runResults(context.Background(), dir, "--quick"); err != nil || page != full {
		t.Errorf("quick after full: %v\n%s\n%s", err, log, page)
	}
	// A row whose configuration was changed is not shown.
	f, err := os.OpenFile(filepath.Join(dir, "two.toml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(f, "repeat = 2")
	f.Close()
	if page, _, err = runResults(context.Background(), dir, "--write"); err != nil || strings.Contains(page, "small") {
		t.Errorf("after a change: %v\n%s", err, page)
	}
}

func TestResultsMistakes(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"title": "T"`, `"titel": "T"`, `unknown field "titel"`},
		{`"score": 0, "row": "all"`, `"score": 1, "row": "all"`, `is of score 1 of 1`},
		{`[99, 0]`, `[99]`, "1 values for 2 columns"},
		{`"id": "r"`, `"id": ""`, `the id "" of a row`},
		{`"stages"`, `"model": "m", "stages"`, "give either model or stages"},
		{`"task": "vqa"`, `"task": "vqx"`, `task "vqx" is unknown`},
		{`scenes:1:4`, `easy-vqa:$GOVLE_NOWHERE`, "GOVLE_NOWHERE is not set"},
	} {
		dir := table(t, "small")
		file := filepath.Join(dir, "t.json")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, bytes.Replace(data, []byte(c.old), []byte(c.new), 1), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, log, err := runResults(context.Background(), dir, "--quick"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q\n%s", c.new, err, c.want, log)
		}
	}
}

// TestCommittedResults reads every configuration of the committed tables.
func TestCommittedResults(t *testing.T) {
	c, err := readResults(filepath.Join(results, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Sections {
		for _, row := range c.Sections[i].Rows {
			if _, err := c.inputs(&c.Sections[i], row); err != nil {
				t.Errorf("row %s: %v", row.ID, err)
			}
		}
	}
}
