package notebook

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pageOf converts a notebook of the given cells.
func pageOf(t *testing.T, opts HTMLOptions, cells ...*Cell) string {
	t.Helper()
	b, err := ToHTML(&Notebook{Minor: 5, Cells: cells}, opts)
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(b), "<main")
	if !ok {
		t.Fatalf("no main element in %s", b)
	}
	return body
}

func display(bundle map[string]any) *Cell {
	return &Cell{Type: Code, Source: "x", Outputs: []*Output{{Type: DisplayData, Data: bundle}}}
}

func TestHTMLOutputs(t *testing.T) {
	const dot = "iVBORw0KGgo="
	for _, c := range []struct {
		name      string
		cell      *Cell
		want, not string
	}{
		{"html before picture", display(map[string]any{"text/html": "<b>h</b>", "image/png": dot, "text/plain": "p"}), `<div class="html"><b>h</b></div>`, "data:"},
		{"svg before png", display(map[string]any{"image/svg+xml": "<svg/>", "image/png": dot}), `src="data:image/svg+xml;base64,PHN2Zy8+"`, "image/png"},
		{"png with size", &Cell{Type: Code, Outputs: []*Output{{Type: DisplayData, Data: map[string]any{"image/png": "iVBO\nRw0KGgo=\n"},
			Metadata: map[string]any{"image/png": map[string]any{"width": 20}}}}}, `width="20" src="data:image/png;base64,iVBORw0KGgo="`, "\nRw0"},
		{"markdown", display(map[string]any{"text/markdown": "**b**", "text/plain": "p"}), "<strong>b</strong>", ">p<"},
		{"latex", display(map[string]any{"text/latex": "$x<y$"}), `<div class="math">x&lt;y</div>`, "$"},
		{"json", display(map[string]any{"application/json": map[string]any{"k": "<v>"}}), "&lt;v&gt;", "<v>"},
		{"plain escaped", display(map[string]any{"text/plain": "<script>"}), "<pre>&lt;script&gt;</pre>", "<script>"},
		{"widget's static form", display(map[string]any{"application/vnd.jupyter.widget-view+json": map[string]any{}, "text/html": "<i>slider</i>"}), "<i>slider</i>", "model_id"},
		{"script removed", display(map[string]any{"text/html": "a<SCRIPT src=x>alert(1)</script >b<iframe src=y>"}), "ab&lt;iframe", "alert"},
		{"stdout with colours", &Cell{Type: Code, Outputs: []*Output{{Type: Stream, Name: "stdout", Text: "a\x1b[31m<r>\x1b[0m\n"}}}, `a<span class="ansi-red">&lt;r&gt;</span></pre>`, "\x1b"},
		{"progress line", &Cell{Type: Code, Outputs: []*Output{{Type: Stream, Name: "stdout", Text: "10%\r20%\r30%\n"}}}, "<pre>30%</pre>", "10%"},
		{"error", &Cell{Type: Code, Outputs: []*Output{{Type: ErrorOutput, ErrorName: "E", ErrorValue: "v", Traceback: []string{"\x1b[1mE\x1b[0m: v"}}}}, `<div class="output error"><pre><span class="ansi-bold">E</span>: v</pre>`, ""},
		{"error without traceback", &Cell{Type: Code, Outputs: []*Output{{Type: ErrorOutput, ErrorName: "E", ErrorValue: "v"}}}, "<pre>E: v</pre>", ""},
		{"magic line", &Cell{Type: Code, Source: "%time\nx := 1"}, `<span class="magic">%time`, ""},
		{"source escaped", &Cell{Type: Code, Source: `s := "<b>"`}, "&lt;b&gt;", "<b>"},
		{"hidden source", &Cell{Type: Code, Source: "x", Metadata: map[string]any{"jupyter": map[string]any{"source_hidden": true}}}, `<details class="source">`, `<div class="source">`},
		{"removed cell", &Cell{Type: Code, Source: "secret", Metadata: map[string]any{"tags": []any{"remove-cell"}}}, "</main>", "secret"},
		{"raw html", &Cell{Type: Raw, Source: "<b>r</b>", Metadata: map[string]any{"format": "text/html"}}, "<b>r</b>", ""},
		{"raw for LaTeX", &Cell{Type: Raw, Source: `\newpage`, Metadata: map[string]any{"format": "text/latex"}}, "</main>", "newpage"},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := pageOf(t, HTMLOptions{}, c.cell)
			if !strings.Contains(page, c.want) {
				t.Errorf("%q is not in %s", c.want, page)
			}
			if c.not != "" && strings.Contains(page, c.not) {
				t.Errorf("%q is in %s", c.not, page)
			}
		})
	}
}

func TestHTMLMarkdown(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.png"), []byte("png"), 0o644); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(filepath.Dir(dir), "secret.png")
	if err := os.WriteFile(outside, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, in, want, not string }{
		{"table", "|a|b|\n|-|-:|\n|1|2|", "<table>", "|1|"},
		{"heading anchor", "# One two", `<h1 id="one-two">`, ""},
		{"inline math", "a $x_1 * y_1$ b *c*", `<span class="math">x_1 * y_1</span> b <em>c</em>`, ""},
		{"prices", "from $5 to $10", "from $5 to $10", "math"},
		{"math block", "text\n$$\na_1\n- b\n$$\nafter", "<div class=\"math\">a_1\n- b</div>", "<li>"},
		{"environment", "\\begin{align}\na &= b\n\\end{align}", `\begin{align}`, "<em>"},
		{"math not in code", "`$a$`", "<code>$a$</code>", "math"},
		{"code", "```go\nfunc f() {}\n```", `<span class="kd">func</span>`, ""},
		{"picture of the folder", "![p](p.png)", `<img alt="p" src="data:image/png;base64,cG5n">`, ""},
		{"picture in HTML", `<img width="3" src="p.png">`, `src="data:image/png;base64,cG5n"`, ""},
		{"picture outside the folder", "![p](../secret.png)", "elsewhere", "c2VjcmV0"},
		{"picture by absolute path", "![p](" + outside + ")", "elsewhere", "c2VjcmV0"},
		{"picture of the network", "![p](https://x.org/p.png)", `<a class="elsewhere" href="https://x.org/p.png">p</a>`, "<img"},
		{"attachment", "![p](attachment:a%20b.png)", "data:image/png;base64,aGk=", ""},
		{"dangerous link", "[x](javascript:alert(1))", `<a href="">x</a>`, "alert"},
		{"dangerous HTML", "a <script>alert(1)</script> <style>p{}</style> <object>", "&lt;/script> &lt;style>p{}&lt;/style> &lt;object", "<script"},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := pageOf(t, HTMLOptions{Dir: dir}, &Cell{Type: Markdown, Source: c.in,
				Attachments: map[string]any{"a b.png": map[string]any{"image/png": "aGk=\n"}}})
			if !strings.Contains(page, c.want) {
				t.Errorf("%q is not in %s", c.want, page)
			}
			if c.not != "" && strings.Contains(page, c.not) {
				t.Errorf("%q is in %s", c.not, page)
			}
		})
	}
}

func TestHTMLPolicyForbidsScripts(t *testing.T) {
	nb := &Notebook{Minor: 5, Cells: []*Cell{display(map[string]any{"text/html": "<script>go()</script>"})}}
	without, err := ToHTML(nb, HTMLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(without), "default-src &#39;none&#39;") || strings.Contains(string(without), "script-src") {
		t.Error("the page's policy allows scripts or the network")
	}
	with, err := ToHTML(nb, HTMLOptions{Scripts: true})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(with), "<script>go()</script>") || !strings.Contains(string(with), "script-src") {
		t.Error("wanted scripts do not stay")
	}
}

func TestANSI(t *testing.T) {
	for _, c := range []struct{ name, in, html, plain string }{
		{"none", "a<b", "a&lt;b", "a<b"},
		{"bright", "\x1b[91mx\x1b[39my", `<span class="ansi-bright-red">x</span>y`, "xy"},
		{"bold and background", "\x1b[1;44mx\x1b[0m", `<span class="ansi-on-blue ansi-bold">x</span>`, "x"},
		{"256 basic", "\x1b[38;5;9mx", `<span class="ansi-bright-red">x</span>`, "x"},
		{"256 cube", "\x1b[38;5;208mx", `<span style="color:#ff8700">x</span>`, "x"},
		{"256 grey", "\x1b[48;5;232mx", `<span style="background:#080808">x</span>`, "x"},
		{"true colour", "\x1b[38;2;1;2;300mx", `<span style="color:#0102ff">x</span>`, "x"},
		{"kept over text", "\x1b[31ma\x1b[1mb\x1b[0mc", `<span class="ansi-red">a</span><span class="ansi-red ansi-bold">b</span>c`, "abc"},
		{"cursor movement dropped", "a\x1b[2K\x1b[1Ab", "ab", "ab"},
		{"link dropped", "\x1b]8;;http://x\x07t\x1b]8;;\x1b\\u", "tu", "tu"},
		{"cut short", "a\x1b[31", "a", "a"},
		{"lone escape", "a\x1b", "a", "a"},
		{"junk parameters", "\x1b[38;5mx\x1b[99;mx", "xx", "xx"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ansiHTML(c.in); got != c.html {
				t.Errorf("HTML %q, wanted %q", got, c.html)
			}
			if got := StripANSI(c.in); got != c.plain {
				t.Errorf("plain %q, wanted %q", got, c.plain)
			}
		})
	}
}

func TestToMarkdown(t *testing.T) {
	nb := &Notebook{Minor: 5, Cells: []*Cell{
		{Type: Markdown, Source: "![p](attachment:p.png)", Attachments: map[string]any{"p.png": map[string]any{"image/png": "aGk="}}},
		{Type: Code, Source: "s := \"```\"", Outputs: []*Output{
			{Type: Stream, Name: "stdout", Text: "\x1b[31mred\x1b[0m\n"},
			{Type: DisplayData, Data: map[string]any{"image/png": "cG5n\n", "text/plain": "p"}},
			{Type: DisplayData, Data: map[string]any{"image/svg+xml": "<svg/>"}},
			{Type: ExecuteResult, Data: map[string]any{"text/plain": "7"}},
			{Type: ErrorOutput, ErrorName: "E", ErrorValue: "v"},
		}},
	}}
	doc, files, err := ToMarkdown(nb, "a b_files")
	if err != nil {
		t.Fatal(err)
	}
	const want = "![p](a%20b_files/cell1_p.png)\n\n````go\ns := \"```\"\n````\n\n```text\nred\n```\n\n" +
		"![picture](a%20b_files/cell2_2.png)\n\n![picture](a%20b_files/cell2_3.svg)\n\n```text\n7\n```\n\n```text\nE: v\n```\n"
	if string(doc) != want {
		t.Errorf("document\n%s\nwanted\n%s", doc, want)
	}
	for name, content := range map[string]string{"a b_files/cell1_p.png": "hi", "a b_files/cell2_2.png": "png", "a b_files/cell2_3.svg": "<svg/>"} {
		if string(files[name]) != content {
			t.Errorf("file %s holds %q, wanted %q", name, files[name], content)
		}
	}
	nb.Cells[1].Outputs[1].Data["image/png"] = "???"
	if _, _, err := ToMarkdown(nb, "f"); err == nil || !strings.Contains(err.Error(), "cell 2: output 2") {
		t.Errorf("error %v, wanted one that names the output", err)
	}
}
