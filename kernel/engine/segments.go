package engine

import (
	"go/ast"
	"go/parser"
	"slices"
	"strings"
)

// segment is a stretch of a cell that is Go, or one command.
type segment struct {
	line string // the command; "" for Go
	// text is the Go, or what a "%%" command rules. It begins after the first
	// above lines of the cell.
	text  string
	above int
}

// source is the segment's text on the lines that it has in the cell, so that
// positions stay true.
func (s segment) source() string { return strings.Repeat("\n", s.above) + s.text }

// segments cuts a cell at its command lines. Most cells have none. known tells
// the names of the session: "!ok" is Go when there is an ok.
func segments(src string, known func(name string) bool) []segment {
	isCommand := func(line string) bool { return isCommand(line) && !isNegation(line, known) }
	lines := strings.SplitAfter(src, "\n")
	if !slices.ContainsFunc(lines, isCommand) {
		return []segment{{text: src}}
	}
	var out []segment
	var open openText
	at := 0             // offset of the line that comes next
	from, above := 0, 0 // of the Go that has not been put out yet, and the lines before it
	flush := func() {
		if text := src[from:at]; strings.TrimSpace(text) != "" {
			out = append(out, segment{text: text, above: above})
		}
	}
	for i := 0; i < len(lines); i++ {
		if open.any() || !isCommand(lines[i]) {
			open.line(lines[i])
			at += len(lines[i])
			continue
		}
		flush()
		var command strings.Builder
		for ; ; i++ {
			at += len(lines[i])
			head, more := strings.CutSuffix(strings.TrimRight(lines[i], "\r\n"), "\\")
			if !more || i+1 == len(lines) {
				command.WriteString(lines[i])
				break
			}
			command.WriteString(head)
		}
		from, above, open = at, i+1, openText{}
		s := segment{line: strings.TrimSpace(command.String())}
		if name, _, _ := strings.Cut(s.line, " "); name == "%main" && strings.TrimSpace(src[at:]) != "" {
			s.line = "%" + s.line // GoNB's %main is its %%: it rules what follows
		}
		if strings.HasPrefix(s.line, "%%") {
			s.text, s.above = src[at:], above
			return append(out, s)
		}
		out = append(out, s)
	}
	flush()
	return out
}

// openText knows what a text leaves open at the end of a line. It reads each line
// once: a cell may have thousands, and each of them may look like a command.
type openText struct {
	depth   int  // of brackets
	raw     bool // in a raw string
	comment bool // in a comment that may have many lines
}

// any tells whether the next line belongs to what was begun before it.
func (o *openText) any() bool { return o.depth > 0 || o.raw || o.comment }

// line reads the next line.
func (o *openText) line(s string) {
	for s != "" {
		switch {
		case o.raw:
			_, after, ok := strings.Cut(s, "`")
			o.raw, s = !ok, after
			continue
		case o.comment:
			_, after, ok := strings.Cut(s, "*/")
			o.comment, s = !ok, after
			continue
		}
		i := strings.IndexAny(s, "()[]{}`\"'/")
		if i < 0 {
			return
		}
		c := s[i]
		s = s[i+1:]
		switch c {
		case '(', '[', '{':
			o.depth++
		case ')', ']', '}':
			o.depth = max(0, o.depth-1)
		case '`':
			o.raw = true
		case '"', '\'':
			s = afterQuote(s, c)
		case '/':
			if strings.HasPrefix(s, "/") {
				return
			}
			if strings.HasPrefix(s, "*") {
				o.comment, s = true, s[1:]
			}
		}
	}
}

// afterQuote is what follows the quote that ends a string or a character.
func afterQuote(s string, quote byte) string {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case quote:
			return s[i+1:]
		}
	}
	return ""
}

// isCommand tells lines that are not Go: magics, shell lines and questions.
func isCommand(line string) bool {
	line = strings.TrimRight(line, " \t\r\n")
	if line == "" {
		return false
	}
	switch line[0] {
	case '%', '!', '$', '?':
		return len(line) > 1 || line[0] == '%'
	case ':':
		return len(line) > 1 && line[1] != '='
	}
	if name, ok := strings.CutSuffix(line, "?"); ok {
		return isSelector(strings.TrimRight(name, "?"))
	}
	return false
}

// isNegation tells the Go expressions that begin as shell lines do.
func isNegation(line string, known func(string) bool) bool {
	if line[0] != '!' {
		return false
	}
	x, err := parser.ParseExpr(strings.TrimSpace(line))
	if err != nil {
		return false
	}
	var first *ast.Ident
	ast.Inspect(x, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && first == nil {
			first = id
		}
		return first == nil
	})
	return first == nil || known(first.Name)
}

// isSelector tells names such as strings.ToUpper.
func isSelector(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !isWord(r) && r != '.' })
}
