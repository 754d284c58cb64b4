package notebook

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

// HTMLOptions say how a page is made. The zero value is usable.
type HTMLOptions struct {
	// Title is the page's title. Empty means the notebook's first heading, or
	// "Notebook".
	Title string
	// Dir is the folder that relative paths of pictures in Markdown start from;
	// such pictures are put into the page. Empty means that they are not looked
	// for. Pictures outside Dir are never read.
	Dir string
	// Scripts lets scripts in the notebook's HTML outputs run in the page. They
	// are inert otherwise: the page's content security policy allows neither
	// scripts nor any access to the network.
	Scripts bool
}

// ToHTML makes one page that needs no other file and no network: Markdown with
// tables and code, highlighted Go, each output by its richest form, pictures as
// data URIs, errors with their colours. It follows the reader's light or dark
// scheme. LaTeX stays as it was written.
func ToHTML(nb *Notebook, opts HTMLOptions) ([]byte, error) {
	title := opts.Title
	if title == "" {
		title = nb.Title("Notebook")
	}
	_, language := nb.Kernel()
	if language == "" {
		language = "go"
	}
	p := &page{opts: opts, language: language}
	p.markdown = newMarkdown(p)
	var cells []pageCell
	for i, c := range nb.Cells {
		if c.HasTag("remove-cell") {
			continue
		}
		cell, err := p.cell(c)
		if err != nil {
			return nil, fmt.Errorf("cell %d: %w", i+1, err)
		}
		cells = append(cells, cell)
	}
	var out bytes.Buffer
	err := pageTemplate.Execute(&out, map[string]any{
		"Title":    title,
		"Policy":   contentPolicy(opts.Scripts),
		"Style":    template.CSS(pageCSS + "\n" + highlightCSS()),
		"Cells":    cells,
		"Language": language,
	})
	return out.Bytes(), err
}

// contentPolicy keeps a page from fetching anything, and from running anything
// unless scripts are allowed: a notebook's HTML may come from a stranger.
func contentPolicy(scripts bool) string {
	policy := "default-src 'none'; img-src data:; media-src data:; font-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
	if scripts {
		policy += "; script-src 'unsafe-inline' 'unsafe-eval'"
	}
	return policy
}

//go:embed page.css
var pageCSS string

//go:embed page.html.tmpl
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// page is the state of one conversion.
type page struct {
	opts     HTMLOptions
	language string
	markdown *markdownRenderer
	// attachments are those of the Markdown cell that is being rendered.
	attachments map[string]any
}

// pageCell is what the template shows of a cell.
type pageCell struct {
	Kind   string // "markdown", "code" or "raw"
	Prompt string
	// Body is rendered Markdown or highlighted source; empty when hidden for
	// good.
	Body template.HTML
	// Folded says that the source is shown on demand only.
	Folded        bool
	Outputs       []pageOutput
	OutputsFolded bool
	Failed        bool
}

type pageOutput struct {
	Kind string // "stdout", "stderr", "error", "display" or "result"
	Body template.HTML
}

func (p *page) cell(c *Cell) (pageCell, error) {
	out := pageCell{Kind: c.Type}
	jupyter, _ := c.Metadata["jupyter"].(map[string]any)
	switch c.Type {
	case Markdown:
		p.attachments = c.Attachments
		body, err := p.markdown.render(c.Source)
		out.Body = body
		return out, err
	case Raw:
		format, _ := c.Metadata["format"].(string)
		if format == "" {
			format, _ = c.Metadata["raw_mimetype"].(string)
		}
		switch {
		case format == "text/html":
			out.Body = template.HTML(p.filterHTML(c.Source, false))
		case format == "":
			out.Body = template.HTML("<pre>" + template.HTMLEscapeString(c.Source) + "</pre>")
		}
		return out, nil
	}

	if c.ExecutionCount > 0 {
		out.Prompt = fmt.Sprint(c.ExecutionCount)
	}
	if !c.HasTag("remove-input") && strings.TrimSpace(c.Source) != "" {
		out.Body = template.HTML(highlight(strings.TrimRight(c.Source, "\n"), p.language))
		out.Folded = jupyter["source_hidden"] == true || c.HasTag("hide-input") || c.HasTag("hide-cell")
	}
	out.OutputsFolded = jupyter["outputs_hidden"] == true || c.HasTag("hide-output") || c.HasTag("hide-cell")
	if c.HasTag("remove-output") {
		return out, nil
	}
	for _, o := range c.Outputs {
		body, err := p.output(o)
		if err != nil {
			return out, err
		}
		if body.Body != "" {
			out.Outputs = append(out.Outputs, body)
		}
		out.Failed = out.Failed || o.Type == ErrorOutput
	}
	return out, nil
}
