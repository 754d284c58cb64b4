package notebook

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"io"
	"mime"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// maxEmbedded is the size in bytes of the largest picture file that is put into
// a page.
const maxEmbedded = 32 << 20

// markdownRenderer renders the Markdown of one page; heading anchors are unique
// across its cells.
type markdownRenderer struct {
	md  goldmark.Markdown
	ids parser.IDs
}

func newMarkdown(p *page) *markdownRenderer {
	md := goldmark.New(
		goldmark.WithExtensions(extension.GFM, extension.Footnote, mathExtension{}),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(&nodeRenderer{p}, 100))),
	)
	return &markdownRenderer{md: md, ids: parser.NewContext().IDs()}
}

func (m *markdownRenderer) render(source string) (template.HTML, error) {
	var b bytes.Buffer
	ctx := parser.NewContext(parser.WithIDs(m.ids))
	err := m.md.Convert([]byte(source), &b, parser.WithContext(ctx))
	return template.HTML(b.String()), err
}

// firstHeading is the text of the first heading of a Markdown source, or "".
func firstHeading(source string) string {
	b := []byte(source)
	doc := goldmark.DefaultParser().Parse(text.NewReader(b))
	title := ""
	ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if h, ok := n.(*ast.Heading); ok && entering {
			title = strings.TrimSpace(plainText(h, b))
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	return title
}

// plainText is the text below a node without its markup.
func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			switch n := n.(type) {
			case *ast.Text:
				b.Write(n.Segment.Value(source))
				if n.SoftLineBreak() {
					b.WriteByte(' ')
				}
			case *ast.String:
				b.Write(n.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// nodeRenderer renders what a page shows otherwise than goldmark does: code with
// colours, pictures inside the page, raw HTML filtered.
type nodeRenderer struct{ page *page }

func (r *nodeRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindFencedCodeBlock, r.codeBlock)
	reg.Register(ast.KindCodeBlock, r.codeBlock)
	reg.Register(ast.KindImage, r.image)
	reg.Register(ast.KindRawHTML, r.rawHTML)
	reg.Register(ast.KindHTMLBlock, r.htmlBlock)
	reg.Register(kindMath, renderMath)
	reg.Register(kindMathBlock, renderMathBlock)
}

func (r *nodeRenderer) codeBlock(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	language := ""
	if f, ok := n.(*ast.FencedCodeBlock); ok {
		language = string(f.Language(source))
	}
	code := strings.TrimRight(string(linesOf(n, source)), "\n")
	w.WriteString(`<pre class="chroma"><code>` + highlight(code, language) + "</code></pre>\n")
	return ast.WalkSkipChildren, nil
}

func (r *nodeRenderer) image(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	img := n.(*ast.Image)
	alt := template.HTMLEscapeString(plainText(img, source))
	destination := string(img.Destination)
	uri, ok := r.page.dataURI(destination)
	switch {
	case ok:
		w.WriteString(`<img alt="` + alt + `" src="` + template.HTMLEscapeString(uri) + `"`)
		if len(img.Title) > 0 {
			w.WriteString(` title="` + template.HTMLEscapeString(string(img.Title)) + `"`)
		}
		w.WriteString(">")
	default:
		// The page fetches nothing; a picture elsewhere becomes a link to it.
		if alt == "" {
			alt = template.HTMLEscapeString(destination)
		}
		if strings.HasPrefix(destination, "https://") || strings.HasPrefix(destination, "http://") {
			w.WriteString(`<a class="elsewhere" href="` + template.HTMLEscapeString(destination) + `">` + alt + `</a>`)
		} else {
			w.WriteString(`<span class="elsewhere">` + alt + `</span>`)
		}
	}
	return ast.WalkSkipChildren, nil
}

func (r *nodeRenderer) rawHTML(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		segments := n.(*ast.RawHTML).Segments
		w.WriteString(r.page.filterHTML(string(segments.Value(source)), false))
	}
	return ast.WalkSkipChildren, nil
}

func (r *nodeRenderer) htmlBlock(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		block := n.(*ast.HTMLBlock)
		raw := linesOf(n, source)
		if block.HasClosure() {
			raw = append(raw, block.ClosureLine.Value(source)...)
		}
		w.WriteString(r.page.filterHTML(string(raw), false))
	}
	return ast.WalkSkipChildren, nil
}

func linesOf(n ast.Node, source []byte) []byte {
	var b []byte
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b = append(b, line.Value(source)...)
	}
	return b
}

// dataURI gives the picture that a Markdown destination names as a data URI: an
// attachment of the cell, or a file below the page's folder. ok is false for
// anything else.
func (p *page) dataURI(destination string) (uri string, ok bool) {
	if strings.HasPrefix(destination, "data:image/") {
		return destination, true
	}
	if name, found := strings.CutPrefix(destination, "attachment:"); found {
		if plain, err := url.PathUnescape(name); err == nil {
			name = plain
		}
		bundle, _ := p.attachments[name].(map[string]any)
		for mimeType, v := range bundle {
			if s, isString := v.(string); isString && strings.HasPrefix(mimeType, "image/") {
				if splitsIntoLines(mimeType) { // SVG is kept as text
					s = base64.StdEncoding.EncodeToString([]byte(s))
				}
				return "data:" + mimeType + ";base64," + strings.Join(strings.Fields(s), ""), true
			}
		}
		return "", false
	}
	if p.opts.Dir == "" || strings.Contains(destination, ":") || strings.HasPrefix(destination, "/") {
		return "", false
	}
	name, err := url.PathUnescape(destination)
	if err != nil {
		return "", false
	}
	mimeType := mime.TypeByExtension(strings.ToLower(path.Ext(name)))
	if !strings.HasPrefix(mimeType, "image/") {
		return "", false
	}
	b, err := readBelow(p.opts.Dir, name)
	if err != nil {
		return "", false
	}
	return "data:" + mimeType + ";base64," + base64.StdEncoding.EncodeToString(b), true
}

// readBelow reads a file of bounded size that lies in dir or below it.
func readBelow(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(path.Clean(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxEmbedded {
		return nil, &os.PathError{Op: "read", Path: name, Err: os.ErrInvalid}
	}
	return io.ReadAll(io.LimitReader(f, maxEmbedded))
}
