package engine

import (
	"cmp"
	"context"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"html"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Inspect describes the thing at pos (in code points) of src as a MIME bundle;
// detail 1 asks for its source as well. found is false when there is nothing to tell.
func (e *Engine) Inspect(ctx context.Context, src string, pos, detail int) (bundle map[string]any, found bool) {
	if e.awaitSetup(ctx, "", nil) != nil {
		return nil, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	off := byteOffset(src, pos)
	c, u := e.glance(src)
	o := objectAt(c, u, off)
	if o == nil {
		// Unfinished source: look at the part before the cursor's line ends.
		cut := off
		for cut < len(src) {
			r, n := utf8.DecodeRuneInString(src[cut:])
			if !isWord(r) {
				break
			}
			cut += n
		}
		c, u = e.glance(src[:cut] + closing(src[:cut]))
		o = objectAt(c, u, off)
	}
	if o == nil {
		return nil, false
	}
	stands := o
	if h := c.homes[o]; h.path != "" {
		if p, err := e.packages.Import(h.path); err == nil {
			stands = p.Scope().Lookup(h.name)
		}
	}
	return e.describe(o, stands, detail), true
}

// objectAt finds what the name at an offset means; between the brackets of a
// call it is the function.
func objectAt(c *checked, u *unit, off int) types.Object {
	if c == nil || u == nil {
		return nil
	}
	var best *ast.Ident
	var call *ast.CallExpr
	ast.Inspect(u.decls, func(n ast.Node) bool {
		if n == nil {
			return true
		}
		from, ok1 := u.offset(n.Pos())
		to, ok2 := u.offset(n.End())
		if !ok1 || !ok2 {
			return true
		}
		switch n := n.(type) {
		case *ast.Ident:
			if from <= off && off <= to {
				best = n
			}
		case *ast.CallExpr:
			open, _ := u.offset(n.Lparen)
			if open < off && off <= to {
				call = n
			}
		}
		return true
	})
	if best == nil && call != nil {
		switch f := ast.Unparen(call.Fun).(type) {
		case *ast.Ident:
			best = f
		case *ast.SelectorExpr:
			best = f.Sel
		}
	}
	if best == nil {
		return nil
	}
	if o := c.info.Uses[best]; o != nil {
		return o
	}
	return c.info.Defs[best]
}

// describe is the signature and the documentation of an object, and with detail its
// source. stands is the object that it stands for, as must does for a function of the
// engine's, or the object itself.
func (e *Engine) describe(o, stands types.Object, detail int) map[string]any {
	var d declared
	sig := types.ObjectString(o, unqualified)
	switch t := o.(type) {
	case *types.PkgName:
		sig = fmt.Sprintf("package %s // import %q", t.Imported().Name(), t.Imported().Path())
		d.doc = e.packageDoc(t.Imported())
	case *types.TypeName:
		d = e.declaration(stands)
		for m := range types.NewMethodSet(types.NewPointer(t.Type())).Methods() {
			if m.Obj().Exported() || ofCell(m.Obj()) {
				sig += "\n" + types.ObjectString(m.Obj(), unqualified)
			}
		}
	case *types.Builtin:
		d = e.declaration(stands)
		sig, d.text = cmp.Or(d.text, "func "+t.Name()), ""
	default:
		d = e.declaration(stands)
	}
	if b, err := format.Source([]byte(sig)); err == nil {
		sig = string(b)
	}
	source := d.text
	if detail == 0 {
		source = ""
	}
	doc := d.doc
	var p comment.Parser
	var printer comment.Printer
	parsed := p.Parse(doc)
	text := sig
	markdown := "```go\n" + sig + "\n```\n"
	if doc != "" {
		text += "\n\n" + string(printer.Text(parsed))
		markdown += "\n" + string(printer.Markdown(parsed))
	}
	page := "<pre>" + html.EscapeString(sig) + "</pre>\n" + string(printer.HTML(parsed))
	if source != "" {
		text = strings.TrimRight(text, "\n") + "\n\nSource:\n\n" + source + "\n"
		markdown += "\n```go\n" + source + "\n```\n"
		page += "<pre>" + html.EscapeString(source) + "</pre>\n"
	}
	return map[string]any{"text/plain": text, "text/markdown": markdown, "text/html": page}
}

// commentBefore is the text of the // comment that ends right above an offset.
func commentBefore(src string, off int) string {
	start := strings.LastIndexByte(src[:off], '\n') + 1
	lines := strings.Split(src[:start], "\n")
	if len(lines) > 0 {
		lines = lines[:len(lines)-1]
	}
	var out []string
	for i := len(lines) - 1; i >= 0; i-- {
		text, ok := strings.CutPrefix(strings.TrimSpace(lines[i]), "//")
		if !ok {
			break
		}
		if !strings.HasPrefix(text, "go:") {
			out = append([]string{strings.TrimPrefix(text, " ")}, out...)
		}
	}
	return strings.Join(out, "\n")
}

// packageDoc reads the package comment from the folder where the package's
// sources are.
func (e *Engine) packageDoc(p *types.Package) string {
	dir := ""
	for _, name := range p.Scope().Names() {
		if pos := e.fset.Position(p.Scope().Lookup(name).Pos()); pos.IsValid() {
			dir = filepath.Dir(strings.Replace(pos.Filename, "$GOROOT", e.ws.tools.root, 1))
			break
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || dir == "" {
		return ""
	}
	fset := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err == nil && f.Doc != nil && f.Name.Name == p.Name() {
			return f.Doc.Text()
		}
	}
	return ""
}
