package engine

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"math"
	"slices"
	"strings"
)

// statements writes the body of the cell's main function.
func (g *generator) statements() {
	u := g.c.units[0]
	g.unit, g.caller, g.callerLine = u, "main", 1
	stmts := u.stmts
	if only, ok := onlyVars(stmts); ok {
		g.varSpecs(g.inInitOrder(only))
		g.runInits()
		return
	}
	initialised := false
	for i, stmt := range stmts {
		if !initialised && !declares(stmt) {
			g.runInits()
			initialised = true
		}
		g.edits = nil
		switch stmt := stmt.(type) {
		case *ast.AssignStmt:
			if stmt.Tok == token.DEFINE {
				g.define(stmt)
				continue
			}
		case *ast.DeclStmt:
			if d, ok := stmt.Decl.(*ast.GenDecl); ok && d.Tok == token.VAR {
				var specs []*ast.ValueSpec
				for _, s := range d.Specs {
					specs = append(specs, s.(*ast.ValueSpec))
				}
				g.varSpecs(specs)
				continue
			}
		case *ast.ExprStmt:
			g.expression(stmt, i == len(stmts)-1)
			continue
		}
		g.rewrite(stmt, nil)
		g.body.WriteString(g.line(stmt.Pos()) + g.nodeText(stmt))
	}
	if !initialised {
		g.runInits()
	}
}

// declares tells whether a statement declares variables.
func declares(stmt ast.Stmt) bool {
	switch stmt := stmt.(type) {
	case *ast.AssignStmt:
		return stmt.Tok == token.DEFINE
	case *ast.DeclStmt:
		return true
	}
	return false
}

// runInits calls the cell's init functions.
func (g *generator) runInits() {
	for _, name := range g.inits {
		g.body.WriteString("\n" + name + "()")
	}
}

// onlyVars tells whether the statements are nothing but variable declarations.
func onlyVars(stmts []ast.Stmt) (specs []*ast.ValueSpec, ok bool) {
	for _, stmt := range stmts {
		d, isDecl := stmt.(*ast.DeclStmt)
		if !isDecl {
			return nil, false
		}
		gen, isGen := d.Decl.(*ast.GenDecl)
		if !isGen || gen.Tok != token.VAR {
			return nil, false
		}
		for _, s := range gen.Specs {
			specs = append(specs, s.(*ast.ValueSpec))
		}
	}
	return specs, true
}

// inInitOrder sorts the variables of a cell that only declares, as a Go file
// does, by what their values depend on.
func (g *generator) inInitOrder(specs []*ast.ValueSpec) []*ast.ValueSpec {
	at := map[ast.Expr]int{}
	for i, init := range g.c.info.InitOrder {
		at[init.Rhs] = i
	}
	rank := func(s *ast.ValueSpec) int {
		if len(s.Values) == 0 {
			return -1
		}
		r := math.MinInt
		for _, v := range s.Values {
			if i, ok := at[v]; ok {
				r = max(r, i)
			}
		}
		return r
	}
	out := slices.Clone(specs)
	slices.SortStableFunc(out, func(a, b *ast.ValueSpec) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

// name spells a top-level variable on the left of an assignment.
func (g *generator) name(id *ast.Ident) string {
	if id.Name == "_" {
		return "_"
	}
	o := g.c.info.Defs[id]
	if o == nil {
		o = g.c.pkg.Scope().Lookup(id.Name) // declared by an earlier statement of the cell
	}
	if o == nil {
		g.fail(id.Pos(), "undefined: %s", id.Name)
		return "_"
	}
	ref, err := g.reference(o)
	if err != nil {
		g.fail(id.Pos(), "%v", err)
	}
	return ref
}

// define writes a top-level := as an assignment.
func (g *generator) define(stmt *ast.AssignStmt) {
	lhs := make([]string, len(stmt.Lhs))
	for i, l := range stmt.Lhs {
		lhs[i] = g.name(l.(*ast.Ident))
	}
	for _, r := range stmt.Rhs {
		g.rewrite(r, nil)
	}
	from, _ := g.unit.offset(stmt.Rhs[0].Pos())
	to, _ := g.unit.offset(stmt.End())
	g.body.WriteString(g.line(stmt.Rhs[0].Pos()) + strings.Join(lhs, ", ") + " = " + g.text(from, to))
	var names []*ast.Ident
	for _, l := range stmt.Lhs {
		names = append(names, l.(*ast.Ident))
	}
	g.mark(names)
}

// varSpecs writes variable declarations as assignments.
func (g *generator) varSpecs(specs []*ast.ValueSpec) {
	for _, s := range specs {
		g.edits = nil
		g.body.WriteString(g.line(s.Pos()))
		blankOnly := !slices.ContainsFunc(s.Names, func(id *ast.Ident) bool { return id.Name != "_" })
		switch {
		case blankOnly:
			g.rewrite(s, nil)
			g.body.WriteString("var " + g.nodeText(s))
		case len(s.Values) == 0:
			for _, id := range s.Names {
				if id.Name != "_" {
					fmt.Fprintf(&g.body, "%s.Zero(&%s);", g.imported(incellPath), g.name(id))
				}
			}
		default:
			lhs := make([]string, len(s.Names))
			for i, id := range s.Names {
				lhs[i] = g.name(id)
			}
			for _, v := range s.Values {
				g.rewrite(v, nil)
			}
			from, _ := g.unit.offset(s.Values[0].Pos())
			to, _ := g.unit.offset(s.End())
			g.body.WriteString(g.line(s.Values[0].Pos()) + strings.Join(lhs, ", ") + " = " + g.text(from, to))
		}
		g.mark(s.Names)
	}
}

// mark makes the worker remember that these names have been declared: when the
// cell fails before, they keep the meaning that they had.
func (g *generator) mark(names []*ast.Ident) {
	g.marks++
	for _, id := range names {
		if id.Name != "_" && g.c.fresh[id] {
			g.marked[id.Name] = g.marks
		}
	}
	fmt.Fprintf(&g.body, "; %s.Mark(%d)", g.imported(incellPath), g.marks)
}

// expression writes an expression that stands as a statement; the last one of
// the cell is shown.
func (g *generator) expression(stmt *ast.ExprStmt, last bool) {
	g.rewrite(stmt.X, nil)
	text := g.nodeText(stmt.X)
	tv := g.c.info.Types[stmt.X]
	switch {
	case tv.IsVoid() || g.prints(stmt.X):
	case last:
		text = g.imported(incellPath) + ".Show(" + text + ")"
	case !g.isStatement(stmt.X):
		text = "_ = " + text
	}
	g.body.WriteString(g.line(stmt.Pos()) + text)
}

// isStatement tells whether Go takes the expression as a statement.
func (g *generator) isStatement(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.UnaryExpr:
		return e.Op == token.ARROW
	case *ast.CallExpr:
		tv := g.c.info.Types[e.Fun]
		if tv.IsType() {
			return false
		}
		if tv.IsBuiltin() {
			id, ok := ast.Unparen(e.Fun).(*ast.Ident)
			return ok && (id.Name == "copy" || id.Name == "recover")
		}
		return true
	}
	return false
}

// prints tells whether an expression is a call of fmt.Print and the like, whose
// results nobody wants to see.
func (g *generator) prints(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	var id *ast.Ident
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
	default:
		return false
	}
	o, ok := g.c.info.Uses[id].(*types.Func)
	if !ok || o.Pkg() == nil || o.Pkg().Path() != "fmt" {
		return false
	}
	return strings.HasPrefix(o.Name(), "Print") || strings.HasPrefix(o.Name(), "Fprint")
}
