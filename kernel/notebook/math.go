package notebook

import (
	"bytes"
	"html"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// mathExtension keeps TeX in Markdown away from Markdown's own rules, so that
// $a_1 * b_1$ has no emphasis in it: $…$ and $$…$$ within a line, and blocks
// that begin with $$ or \begin{…}.
type mathExtension struct{}

func (mathExtension) Extend(m goldmark.Markdown) {
	m.Parser().AddOptions(
		parser.WithInlineParsers(util.Prioritized(mathInline{}, 50)),
		parser.WithBlockParsers(util.Prioritized(mathBlocks{}, 50)),
	)
}

var (
	kindMath      = ast.NewNodeKind("Math")
	kindMathBlock = ast.NewNodeKind("MathBlock")
)

// mathNode is TeX within a line; Source includes the dollar signs.
type mathNode struct {
	ast.BaseInline
	Source  string
	Display bool
}

func (n *mathNode) Kind() ast.NodeKind             { return kindMath }
func (n *mathNode) Dump(source []byte, level int)  { ast.DumpHelper(n, source, level, nil, nil) }
func (n *mathBlock) Kind() ast.NodeKind            { return kindMathBlock }
func (n *mathBlock) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }
func (n *mathBlock) IsRaw() bool                   { return true }

// mathBlock is TeX on lines of its own; end is what its last line ends with.
type mathBlock struct {
	ast.BaseBlock
	end []byte
}

type mathInline struct{}

func (mathInline) Trigger() []byte { return []byte{'$'} }

// Parse follows pandoc's rule, which leaves prices alone: no space after the
// opening dollar nor before the closing one, and no digit after the closing one.
func (mathInline) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, _ := block.PeekLine()
	if display, ok := bytes.CutPrefix(line, []byte("$$")); ok {
		end := bytes.Index(display, []byte("$$"))
		if end <= 0 {
			return nil
		}
		block.Advance(end + 4)
		return &mathNode{Source: string(line[:end+4]), Display: true}
	}
	if len(line) < 3 || line[1] == ' ' || line[1] == '\t' || line[1] == '\n' {
		return nil
	}
	for i := 2; i < len(line); i++ {
		if line[i] != '$' || line[i-1] == '\\' {
			continue
		}
		if line[i-1] == ' ' || i+1 < len(line) && line[i+1] >= '0' && line[i+1] <= '9' {
			return nil
		}
		block.Advance(i + 1)
		return &mathNode{Source: string(line[:i+1])}
	}
	return nil
}

type mathBlocks struct{}

func (mathBlocks) Trigger() []byte             { return []byte{'$', '\\'} }
func (mathBlocks) CanInterruptParagraph() bool { return true }
func (mathBlocks) CanAcceptIndentedLine() bool { return false }

func (mathBlocks) Open(_ ast.Node, reader text.Reader, _ parser.Context) (ast.Node, parser.State) {
	line, segment := reader.PeekLine()
	trimmed := bytes.TrimSpace(line)
	n := &mathBlock{}
	if rest, ok := bytes.CutPrefix(trimmed, []byte("$$")); ok {
		if end := bytes.Index(rest, []byte("$$")); end >= 0 && end != len(rest)-2 {
			return nil, parser.NoChildren // $$…$$ followed by text is a paragraph
		}
		n.end = []byte("$$")
		trimmed = rest
	} else if rest, ok := bytes.CutPrefix(trimmed, []byte(`\begin{`)); ok {
		name, _, ok := bytes.Cut(rest, []byte("}"))
		if !ok {
			return nil, parser.NoChildren
		}
		n.end = []byte(`\end{` + string(name) + "}")
	} else {
		return nil, parser.NoChildren
	}
	n.Lines().Append(segment)
	if bytes.HasSuffix(trimmed, n.end) {
		n.end = nil // complete on one line
	}
	reader.AdvanceToEOL()
	return n, parser.NoChildren
}

func (mathBlocks) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	n := node.(*mathBlock)
	if n.end == nil {
		return parser.Close
	}
	line, segment := reader.PeekLine()
	if line == nil {
		return parser.Close
	}
	n.Lines().Append(segment)
	reader.AdvanceToEOL()
	if bytes.HasSuffix(bytes.TrimSpace(line), n.end) {
		n.end = nil
	}
	return parser.Continue | parser.NoChildren
}

func (mathBlocks) Close(ast.Node, text.Reader, parser.Context) {}

func renderMath(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		n := node.(*mathNode)
		class := "math"
		if n.Display {
			class = "math block"
		}
		w.WriteString(`<span class="` + class + `">` + html.EscapeString(strings.Trim(n.Source, "$")) + `</span>`)
	}
	return ast.WalkSkipChildren, nil
}

func renderMathBlock(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		tex := strings.TrimSpace(string(linesOf(node, source)))
		tex = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(tex, "$$"), "$$"))
		w.WriteString(`<div class="math">` + html.EscapeString(tex) + "</div>\n")
	}
	return ast.WalkSkipChildren, nil
}
