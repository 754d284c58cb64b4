package engine

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
)

// declared is a declaration as it stands in its source.
type declared struct {
	doc  string // its comment
	text string // without the comment
}

// maxSource is how many lines of a declaration are shown.
const maxSource = 300

// declaration finds where an object is declared: in a cell, in a package's file, or,
// for what every Go file has, where package builtin describes it. Both texts are empty
// when that is not known. e.mu is held.
func (e *Engine) declaration(o types.Object) declared {
	var d declared
	switch {
	case o.Pkg() == nil:
		var known bool
		if d, known = e.builtins[o.Name()]; !known {
			d = declarationIn(filepath.Join(e.ws.tools.root, "src", "builtin", "builtin.go"), o.Name(), 0)
			e.builtins[o.Name()] = d
		}
	case ofCell(o):
		d = e.session.declaration(o)
	default:
		if pos := e.fset.Position(o.Pos()); pos.IsValid() {
			d = declarationIn(strings.Replace(pos.Filename, "$GOROOT", e.ws.tools.root, 1), o.Name(), pos.Line)
		}
	}
	if lines := strings.SplitAfter(d.text, "\n"); len(lines) > maxSource {
		d.text = strings.Join(lines[:maxSource], "") + "…"
	}
	return d
}

// declaration finds what a cell declares. Variables that statements declare have none.
func (s *session) declaration(o types.Object) declared {
	in := func(src source) declared {
		return declared{commentBefore(src.unit.src, src.at.start), strings.TrimSpace(src.text())}
	}
	if b := s.names[o.Name()]; b != nil && b.obj == o && b.from.unit != nil {
		return in(b.from)
	}
	f, ok := o.(*types.Func)
	if !ok || f.Signature().Recv() == nil {
		return declared{}
	}
	t := types.Unalias(f.Signature().Recv().Type())
	if p, ok := t.(*types.Pointer); ok {
		t = types.Unalias(p.Elem())
	}
	if n, ok := t.(*types.Named); ok {
		if b := s.names[n.Obj().Name()]; b != nil && b.obj == types.Object(n.Origin().Obj()) {
			for _, m := range b.methods {
				if methodName(m) == o.Name() {
					return in(m)
				}
			}
		}
	}
	return declared{}
}

// declarationIn finds the declaration of a name at a line of a Go file; line 0 stands
// for any.
func declarationIn(file, name string, line int) (d declared) {
	src, err := os.ReadFile(file)
	if err != nil {
		return d // a toolchain without its sources
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, src, parser.ParseComments|parser.SkipObjectResolution)
	if f == nil || err != nil {
		return d
	}
	is := func(id *ast.Ident) bool {
		return id.Name == name && (line == 0 || fset.Position(id.Pos()).Line == line)
	}
	isAny := func(ids []*ast.Ident) bool {
		for _, id := range ids {
			if is(id) {
				return true
			}
		}
		return false
	}
	// above are the comments that may stand before it, beside the one on its line.
	found := func(n ast.Node, before string, beside *ast.CommentGroup, above ...*ast.CommentGroup) {
		d.text = before + string(src[fset.Position(n.Pos()).Offset:fset.Position(n.End()).Offset])
		for _, c := range above {
			if d.doc == "" {
				d.doc = c.Text()
			}
		}
		d.doc = strings.TrimLeft(d.doc+"\n"+beside.Text(), "\n")
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if d.text != "" {
			return false
		}
		switch n := n.(type) {
		case *ast.FuncDecl:
			if is(n.Name) {
				found(n, "", nil, n.Doc)
			}
			return false
		case *ast.GenDecl:
			for _, spec := range n.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					if is(spec.Name) {
						found(spec, "type ", spec.Comment, spec.Doc, n.Doc)
						return false
					}
				case *ast.ValueSpec:
					if isAny(spec.Names) {
						found(spec, n.Tok.String()+" ", spec.Comment, spec.Doc, n.Doc)
						return false
					}
				}
			}
		case *ast.Field:
			if isAny(n.Names) {
				found(n, "", n.Comment, n.Doc)
			}
		}
		return true
	})
	return d
}
