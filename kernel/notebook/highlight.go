package notebook

import (
	"bytes"
	"html"
	"strings"
	"sync"

	"github.com/alecthomas/chroma/v2"
	chromahtml "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
)

var formatter = chromahtml.New(chromahtml.WithClasses(true), chromahtml.PreventSurroundingPre(true))

// highlight turns source into HTML spans with chroma's classes. In Go, lines
// that the kernel takes as commands (%time, !ls) are marked as such. Source in a
// language that chroma does not know is only escaped.
func highlight(source, language string) string {
	lexer := lexers.Get(language)
	if lexer == nil {
		return html.EscapeString(source)
	}
	lexer = chroma.Coalesce(lexer)
	if !strings.EqualFold(language, "go") {
		return highlightWith(lexer, source)
	}
	var b, code strings.Builder
	flush := func() {
		if code.Len() > 0 {
			b.WriteString(highlightWith(lexer, code.String()))
			code.Reset()
		}
	}
	for line := range strings.Lines(source) {
		if !isMagic(line) {
			code.WriteString(line)
			continue
		}
		flush()
		b.WriteString(`<span class="magic">` + html.EscapeString(line) + `</span>`)
	}
	flush()
	return b.String()
}

// isMagic is true for lines that the kernel takes as commands rather than Go.
func isMagic(line string) bool {
	return strings.IndexByte("%!$?", line[0]) >= 0
}

func highlightWith(lexer chroma.Lexer, source string) string {
	tokens, err := lexer.Tokenise(&chroma.TokeniseOptions{State: "root", EnsureLF: false}, source)
	if err != nil {
		return html.EscapeString(source)
	}
	// A cell is not a file: what the lexer cannot place is no error.
	plain := func() chroma.Token {
		t := tokens()
		if t != chroma.EOF && t.Type == chroma.Error {
			t.Type = chroma.Text
		}
		return t
	}
	var b bytes.Buffer
	if err := formatter.Format(&b, styles.Get("github"), plain); err != nil {
		return html.EscapeString(source)
	}
	return b.String()
}

// highlightCSS holds the colours of highlighted code in the light and the dark
// scheme.
var highlightCSS = sync.OnceValue(func() string {
	var b bytes.Buffer
	// Each scheme on its own: the dark one leaves colours out that it expects
	// to be the text's.
	b.WriteString("@media not all and (prefers-color-scheme: dark) {\n")
	formatter.WriteCSS(&b, styles.Get("github"))
	b.WriteString("}\n@media (prefers-color-scheme: dark) {\n")
	formatter.WriteCSS(&b, styles.Get("github-dark"))
	b.WriteString("}\n")
	// The page sets the background itself.
	b.WriteString(".chroma, .bg { background-color: transparent; }\n")
	return b.String()
})
