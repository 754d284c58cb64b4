package engine

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// A cell is a mixture that go/parser does not take as it stands. It is cut into
// chunks at the top-level semicolons; then the same text is parsed twice, once
// as a file with everything but imports, types, constants and functions blanked
// out, once as a function body with just these blanked out. So every node keeps
// the offset that it has in the cell.

const (
	declPrefix = "package main;"
	stmtPrefix = "package main; func _() {"
	stmtSuffix = "\n}\n"
)

// chunk is a stretch of top-level source, its final semicolon included.
type chunk struct {
	start, end int
	kind       token.Token // IMPORT, TYPE, CONST, FUNC; ILLEGAL for statements
}

// unit is one text whose declarations and statements go into a cell's package:
// the cell itself, or an earlier cell of which some declarations are taken again.
type unit struct {
	file   string // the name in positions
	src    string
	chunks []chunk
	decls  *ast.File  // imports, types, constants, functions
	stmts  []ast.Stmt // everything else, in order
	// unresolved are the identifiers of stmts that no statement before them has
	// declared.
	unresolved []*ast.Ident
	declBase   token.Pos // position of offset 0 in decls
	stmtBase   token.Pos // position of offset 0 in stmts
	declEnd    token.Pos
	stmtEnd    token.Pos
}

// offset turns a position into an offset of the unit's source; ok is false when
// the position belongs elsewhere.
func (u *unit) offset(p token.Pos) (off int, ok bool) {
	switch {
	case u.declBase != token.NoPos && p >= u.declBase && p <= u.declEnd:
		return int(p - u.declBase), true
	case u.stmtBase != token.NoPos && p >= u.stmtBase && p <= u.stmtEnd:
		return min(int(p-u.stmtBase), len(u.src)), true
	case u.stmtBase != token.NoPos && p > u.stmtEnd && p <= u.stmtEnd+token.Pos(len(stmtSuffix)):
		return len(u.src), true // the closing brace that the cell did not write
	}
	return 0, false
}

// lineCol is the 1-based line and column, in bytes, of an offset.
func lineCol(src string, off int) (line, col int) {
	off = min(max(off, 0), len(src))
	before := src[:off]
	return 1 + strings.Count(before, "\n"), off - strings.LastIndexByte(before, '\n')
}

// position words a place in a unit, such as "cell[3]:2:9".
func (u *unit) position(off int) string {
	line, col := lineCol(u.src, off)
	return fmt.Sprintf("%s:%d:%d", u.file, line, col)
}

// split cuts source into chunks. bad receives what is no Go at all.
func split(src string, bad func(off int, msg string)) []chunk {
	fset := token.NewFileSet()
	file := fset.AddFile("", fset.Base(), len(src))
	var s scanner.Scanner
	s.Init(file, []byte(src), func(p token.Position, msg string) { bad(p.Offset, msg) }, 0)
	type tok struct {
		off int
		tok token.Token
		lit string
	}
	var toks []tok
	for {
		pos, t, lit := s.Scan()
		if t == token.EOF {
			break
		}
		toks = append(toks, tok{file.Offset(pos), t, lit})
	}
	var chunks []chunk
	depth, first := 0, -1
	flush := func(next, end int) {
		if first >= 0 {
			kind := token.ILLEGAL
			switch t := toks[first].tok; t {
			case token.IMPORT, token.TYPE, token.CONST:
				kind = t
			case token.FUNC:
				// A declaration has a name next, or a receiver and then a name
				// and its parameters; all else is a function literal.
				i := first + 1
				if i < next && toks[i].tok == token.LPAREN {
					for d := 0; i < next; i++ {
						if toks[i].tok == token.LPAREN {
							d++
						} else if toks[i].tok == token.RPAREN {
							if d--; d == 0 {
								i++
								break
							}
						}
					}
					if i+1 < next && toks[i].tok == token.IDENT && toks[i+1].tok == token.LPAREN {
						kind = token.FUNC
					}
				} else if i < next && toks[i].tok == token.IDENT {
					kind = token.FUNC
				}
			}
			chunks = append(chunks, chunk{toks[first].off, end, kind})
		}
		first = -1
	}
	for i, t := range toks {
		// A written semicolon may be the empty condition of a for clause, which
		// no chunk before it holds; one that a line's end stands for is nothing.
		if first < 0 && (t.tok != token.SEMICOLON || t.lit == ";") {
			first = i
		}
		switch t.tok {
		case token.LPAREN, token.LBRACE, token.LBRACK:
			depth++
		case token.RPAREN, token.RBRACE, token.RBRACK:
			depth--
		case token.SEMICOLON:
			if depth <= 0 {
				end := t.off
				if t.lit == ";" {
					end++
				}
				flush(i, end)
			}
		}
	}
	flush(len(toks), len(src))
	return chunks
}

// blank replaces what keep does not want by spaces; line ends stay.
func blank(src string, chunks []chunk, keep func(chunk) bool) string {
	out := []byte(src)
	wipe := func(from, to int) {
		for i := from; i < to; i++ {
			if out[i] != '\n' {
				out[i] = ' '
			}
		}
	}
	at := 0
	for _, c := range chunks {
		wipe(at, c.start)
		if !keep(c) {
			wipe(c.start, c.end)
		}
		at = c.end
	}
	wipe(at, len(out))
	return string(out)
}

// parseUnit parses a text. want, when not nil, picks the declarations to take;
// then there are no statements. On failure the syntax errors are returned as
// well as whatever could be parsed.
func parseUnit(fset *token.FileSet, file, src string, want func(chunk) bool) (*unit, []*sourceError) {
	u := &unit{file: file, src: src}
	var scanErrs []*sourceError
	u.chunks = split(src, func(off int, msg string) {
		scanErrs = append(scanErrs, &sourceError{unit: u, off: off, msg: msg})
	})
	isDecl := func(c chunk) bool { return c.kind != token.ILLEGAL }
	take := isDecl
	if want != nil {
		take = want
	}
	var errs []*sourceError
	collect := func(err error, base int) {
		var list scanner.ErrorList
		if errors.As(err, &list) {
			for _, e := range list {
				if e.Msg == "imports must appear before other declarations" {
					continue // in a cell they stand anywhere
				}
				off := min(max(e.Pos.Offset-base, 0), len(src))
				errs = append(errs, &sourceError{unit: u, off: off, msg: e.Msg})
			}
		}
	}
	declText := declPrefix + blank(src, u.chunks, take)
	u.declBase = token.Pos(fset.Base() + len(declPrefix))
	u.declEnd = token.Pos(fset.Base() + len(declText))
	f, err := parser.ParseFile(fset, file, declText, parser.SkipObjectResolution|parser.ParseComments)
	collect(err, len(declPrefix))
	u.decls = f
	if want == nil {
		stmtText := stmtPrefix + blank(src, u.chunks, func(c chunk) bool { return !isDecl(c) }) + stmtSuffix
		u.stmtBase = token.Pos(fset.Base() + len(stmtPrefix))
		u.stmtEnd = u.stmtBase + token.Pos(len(src))
		f, err := parser.ParseFile(fset, file, stmtText, parser.ParseComments)
		collect(err, len(stmtPrefix))
		if f != nil {
			u.unresolved = f.Unresolved
			if len(f.Decls) > 0 {
				if fn, ok := f.Decls[0].(*ast.FuncDecl); ok && fn.Body != nil {
					u.stmts = fn.Body.List
				}
			}
			if len(errs) == 0 && len(f.Decls) > 1 {
				off, _ := u.offset(f.Decls[1].Pos())
				errs = append(errs, &sourceError{unit: u, off: off, msg: "unexpected declaration: a closing brace too many before it?"})
			}
		}
	}
	if len(errs) == 0 {
		errs = scanErrs // they stand between the chunks, as a comment without an end
	}
	slices.SortStableFunc(errs, func(a, b *sourceError) int { return a.off - b.off })
	return u, errs
}

// sourceError is a mistake at a place in a cell.
type sourceError struct {
	unit *unit
	off  int
	msg  string
}

func (e *sourceError) Error() string { return e.unit.position(e.off) + ": " + e.msg }
