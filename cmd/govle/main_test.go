package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"govle/kernel/notebook"
)

// TestMain lets the test binary be the kernel that govle run starts, as govle
// itself is in use.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "kernel" {
		os.Exit(execute(context.Background(), os.Args[1:]))
	}
	os.Exit(m.Run())
}

// govle runs a command line and returns its exit status and what it printed.
func govle(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	capture := func(f **os.File) func() string {
		old := *f
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		*f = w
		text := make(chan string)
		go func() {
			b, _ := io.ReadAll(r)
			text <- string(b)
		}()
		return func() string {
			*f = old
			w.Close()
			return <-text
		}
	}
	out, err := capture(&os.Stdout), capture(&os.Stderr)
	status = execute(context.Background(), args)
	return status, out(), err()
}

func TestUsage(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.ipynb")
	if err := os.WriteFile(bad, []byte(`{"nbformat":4,"nbformat_minor":5,"cells":[{}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	python := filepath.Join(t.TempDir(), "python.ipynb")
	if err := os.WriteFile(python, []byte(`{"nbformat":4,"nbformat_minor":5,"cells":[],"metadata":{"kernelspec":{"name":"python3","language":"python"}}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, args string
		status     int
		want       string
	}{
		{"help", "--help", 0, "Available Commands"},
		{"nothing", "", 0, "Available Commands"},
		{"help of a command", "run --help", 0, "govle run train.ipynb"},
		{"version", "version", 0, "govle "},
		{"unknown command", "frob", 2, `govle: unknown command "frob"`},
		{"unknown flag", "run --frob x", 2, "govle run: unknown flag: --frob"},
		{"no argument", "run", 2, "govle run: accepts 1 arg(s)"},
		{"parameter without value", "run " + python + " -p k", 2, "write name=value"},
		{"no such file", "run /no/such.ipynb", 1, "govle run: open /no/such.ipynb: no such file"},
		{"bad notebook", "convert " + bad + " --to html", 1, bad + `: cell 1: "cell_type" is missing`},
		{"other language", "run " + python, 1, "--kernel python3"},
		{"no such kernel", "run " + python + " --kernel no-such-kernel", 1, "no-such-kernel"},
		{"unwritable output", "run " + bad[:len(bad)-len("bad.ipynb")] + "../nothing.ipynb", 1, "nothing.ipynb"},
		{"unknown format", "convert " + python + " --to pdf", 2, `--to "pdf" is not known`},
		{"bad pattern", "verify " + python + " --ignore (", 2, "--ignore"},
		{"kernel without file", "kernel", 2, "--connection-file is missing"},
		{"bad size", "kernel -f x --memory-limit 3Q", 2, "--memory-limit"},
		{"bad level", "kernel -f x --log-level loud", 2, "--log-level"},
		{"not a picture", "vqa " + bad + " what?", 1, bad},
		{"no model", "vqa x.png what? --model /no/such", 1, "/no/such"},
		{"no answers wanted", "vqa x.png what? --top 0", 2, "--top 0"},
		{"empty parity folder", "parity " + t.TempDir(), 1, "no recorded outputs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, stdout, stderr := govle(t, strings.Fields(c.args)...)
			if status != c.status || !strings.Contains(stdout+stderr, c.want) {
				t.Errorf("status %d, wanted %d; %q is not in\n%s%s", status, c.status, c.want, stdout, stderr)
			}
			if c.status != 0 && stdout != "" {
				t.Errorf("an error is told on stdout: %s", stdout)
			}
		})
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, c := range newRoot().Commands() {
		if c.Short == "" || c.RunE == nil && c.Run == nil {
			t.Errorf("%s has no description or does nothing", c.Name())
		}
		if c.HasFlags() && c.Example == "" {
			t.Errorf("%s has no example", c.Name())
		}
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{
		"": 0, "12": 12, "12B": 12, "1kB": 1000, "2MB": 2_000_000, "1.5GiB": 3 << 29, "4G": 4 << 30, "1 TiB": 1 << 40,
	} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("parseSize(%q) is %d, %v, wanted %d", s, got, err, want)
		}
	}
	for _, s := range []string{"x", "-1", "1Q", "1MM", "1e30GB", "GB"} {
		if got, err := parseSize(s); err == nil {
			t.Errorf("parseSize(%q) is %d, wanted an error", s, got)
		}
	}
}

// TestRun runs notebooks through the real kernel: the worker is built once and
// cached, so that a second run takes seconds.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the kernel")
	}
	dir := t.TempDir()
	in := "../../kernel/notebook/testdata/first.ipynb"
	out, page := filepath.Join(dir, "out.ipynb"), filepath.Join(dir, "page.html")
	status, _, stderr := govle(t, "run", in, "-o", out, "--html", page, "-p", "count=2", "-p", "name=Grace")
	if status != 0 {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	if !strings.Contains(stderr, "[2/6] count = 2") {
		t.Errorf("no progress in\n%s", stderr)
	}
	nb, err := notebook.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if got := nb.Cells[3].Outputs[0].Text; got != "0 Grace\n1 Grace\n" {
		t.Errorf("the loop printed %q", got)
	}
	if o := nb.Cells[4].Outputs[0]; o.Type != notebook.ExecuteResult || o.Data["image/png"] == nil || o.ExecutionCount != 4 {
		t.Errorf("the picture is %+v", o)
	}
	if nb.Cells[3].Metadata["execution"] == nil {
		t.Error("no times are kept")
	}
	if html, err := os.ReadFile(page); err != nil || !bytes.Contains(html, []byte("data:image/png;base64,")) {
		t.Errorf("the page holds no picture (%v)", err)
	}

	t.Run("verify", func(t *testing.T) {
		if status, stdout, stderr := govle(t, "verify", out); status != 0 || !strings.Contains(stdout, "6 of 6 code cells agree") {
			t.Errorf("status %d\n%s%s", status, stdout, stderr)
		}
		nb.Cells[3].Outputs[0].Text = "0 Grace\n1 Alan\n"
		if err := nb.WriteFile(out); err != nil {
			t.Fatal(err)
		}
		status, stdout, _ := govle(t, "verify", out)
		if want := `cell 4: DIFFERS`; status != 1 || !strings.Contains(stdout, want) || !strings.Contains(stdout, `was "1 Alan", now "1 Grace"`) {
			t.Errorf("status %d, %q is not in\n%s", status, want, stdout)
		}
	})
}

func TestRunStopsAtError(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the kernel")
	}
	out := filepath.Join(t.TempDir(), "out.ipynb")
	status, stdout, stderr := govle(t, "run", "../../kernel/notebook/testdata/fails.ipynb", "-o", out, "--echo")
	for _, want := range []string{"cell 7 failed: Panic: runtime error: index out of range", "2 │ none[count]", "failed"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not in\n%s", want, stderr)
		}
	}
	if status != 1 || !strings.Contains(stdout, "0 Ada\n1 Ada\n2 Ada\n") {
		t.Errorf("status %d, printed\n%s", status, stdout)
	}
	nb, err := notebook.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	n := len(nb.Cells)
	if o := nb.Cells[n-2].Outputs; len(o) != 1 || o[0].ErrorName != "Panic" {
		t.Errorf("the failed cell holds %+v", o)
	}
	if last := nb.Cells[n-1]; last.ExecutionCount != 0 || last.Outputs != nil {
		t.Errorf("the cell behind the failed one was run: %+v", last)
	}
}

func TestRunTimeout(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the kernel")
	}
	dir := t.TempDir()
	in := filepath.Join(dir, "loop.ipynb")
	nb := &notebook.Notebook{Minor: 5, Cells: []*notebook.Cell{
		{Type: notebook.Code, ID: "a", Source: "import \"fmt\"\nfmt.Println(\"started\")\nn := 0\nfor {\n\tn++\n}"},
	}}
	if err := nb.WriteFile(in); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := govle(t, "run", in, "-o", in, "--timeout", "6s")
	if status != 1 || !strings.Contains(stderr, "cell 1 failed: Timeout: interrupted after 6s") {
		t.Errorf("status %d\n%s", status, stderr)
	}
	got, err := notebook.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	if o := got.Cells[0].Outputs; len(o) != 2 || o[0].Text != "started\n" || o[1].Type != notebook.ErrorOutput {
		t.Errorf("the interrupted cell holds %+v", o)
	}
}

// TestREPL runs pieces that come from a pipe.
func TestREPL(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a worker")
	}
	old := os.Stdin
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stdin = r
	defer func() { os.Stdin = old }()
	io.WriteString(w, "x := 20\nx * 2\n\nnowhere\nx + 1")
	w.Close()
	status, stdout, stderr := govle(t, "repl")
	if status != 1 || stdout != "40\n21\n" || !strings.Contains(stderr, "undefined: nowhere") {
		t.Errorf("status %d, printed %q\n%s", status, stdout, stderr)
	}
}

// TestOtherKernelsNotebooks runs notebooks in the forms of the other Go kernels,
// by the kernelspec names that they carry.
func TestOtherKernelsNotebooks(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the kernel")
	}
	for name, want := range map[string][]string{
		"gophernotes.ipynb": {"49\n", "25\n", "<b>bold</b>", "shown in the middle\n5\n", "from the shell\n"},
		"gonb.ipynb":        {"42\n", "3\n", "from the shell\n", "1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := govle(t, "run", "../../kernel/notebook/testdata/"+name)
			if status != 0 {
				t.Fatalf("status %d\n%s", status, stderr)
			}
			rest := stdout
			for _, w := range want {
				_, after, ok := strings.Cut(rest, w)
				if !ok {
					t.Fatalf("%q is not, in its order, in\n%s", w, stdout)
				}
				rest = after
			}
		})
	}
}
