package engine

import (
	"fmt"
	"go/format"
	"go/token"
	"strings"
)

// IsComplete tells whether src can run as it stands: status is "complete",
// "incomplete" or "invalid"; indent is what the next line should start with
// when it is incomplete.
func (e *Engine) IsComplete(src string) (status, indent string) {
	trimmed := strings.TrimRight(src, " \t\r\n")
	if trimmed == "" || isMagic(src) {
		return "complete", ""
	}
	u, errs := parseUnit(token.NewFileSet(), "cell", src, nil)
	open, crossed := brackets(src)
	indent = strings.Repeat("\t", len(open))
	switch {
	case len(errs) == 0:
		// A function whose body is still to come parses, too.
		if n := len(u.chunks); n > 0 && u.chunks[n-1].kind == token.FUNC && !strings.HasSuffix(trimmed, "}") {
			return "incomplete", ""
		}
		return "complete", ""
	case crossed:
		return "invalid", ""
	case open != "", unterminated(errs):
		if first := errs[0]; first.off < len(trimmed) && !unterminated(errs) && open != "" && strings.Contains(first.msg, "illegal") {
			return "invalid", ""
		}
		return "incomplete", indent
	case errs[0].off >= len(trimmed):
		return "incomplete", "\t"
	}
	return "invalid", ""
}

// unterminated tells whether a text stops inside a raw string or a comment.
func unterminated(errs []*sourceError) bool {
	for _, err := range errs {
		if strings.Contains(err.msg, "raw string literal not terminated") || strings.Contains(err.msg, "comment not terminated") {
			return true
		}
	}
	return false
}

// isMagic tells whether a cell begins with a magic or shell line.
func isMagic(src string) bool {
	s := strings.TrimLeft(src, " \t\r\n")
	return strings.HasPrefix(s, "%") || strings.HasPrefix(s, "!")
}

// Format returns a cell's source as gofmt writes it. It fails on source that
// does not parse.
func (e *Engine) Format(src string) (string, error) {
	u, errs := parseUnit(token.NewFileSet(), "cell", src, nil)
	if len(errs) > 0 {
		return "", fmt.Errorf("formatting: %w", errs[0])
	}
	// gofmt takes a list of declarations or a list of statements; a cell may
	// mix them, so its stretches are formatted one by one.
	var out strings.Builder
	at := 0
	for i := 0; i < len(u.chunks); {
		decl := u.chunks[i].kind != token.ILLEGAL
		j := i
		for j < len(u.chunks) && (u.chunks[j].kind != token.ILLEGAL) == decl {
			j++
		}
		end := len(src)
		if j < len(u.chunks) {
			end = startOfComments(src, u.chunks[j-1].end, u.chunks[j].start)
		}
		b, err := format.Source([]byte(src[at:end]))
		if err != nil {
			return "", fmt.Errorf("formatting: %w", err)
		}
		out.Write(b)
		at, i = end, j
	}
	if len(u.chunks) == 0 {
		return src, nil
	}
	return strings.TrimRight(out.String(), "\n"), nil
}

// startOfComments is where the text that belongs to the chunk at next begins:
// after the line on which the chunk before it ends.
func startOfComments(src string, end, next int) int {
	if i := strings.IndexByte(src[end:next], '\n'); i >= 0 {
		return end + i + 1
	}
	return next
}
