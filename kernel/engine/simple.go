package engine

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"

	"govle/kernel/engine/internal/link"
)

// A cell made only of simple parts needs no compiler: the worker evaluates it by
// reflection, with the types that go/types has found. Anything that is not
// plainly the same either way takes the compiled road.

// simplifier turns a checked cell into such a program.
type simplifier struct {
	g  *generator
	ok bool
}

// simplify returns the program of a simple cell; ok is false for all others.
func (s *session) simplify(c *checked, seq int) (program []*link.Node, gen *generated, ok bool) {
	u := c.units[0]
	if len(c.units) > 1 || len(c.seen) > 0 || len(c.blanks) > 0 || len(c.unused) > 0 {
		return nil, nil, false
	}
	for _, ch := range u.chunks {
		if ch.kind != token.ILLEGAL && ch.kind != token.IMPORT {
			return nil, nil, false
		}
	}
	g := &generator{s: s, c: c, seq: seq, homes: map[types.Object]home{}, imports: map[string]bool{}, cells: map[*built]bool{},
		embedded: map[string]bool{}, marked: map[string]int{}, dynamic: map[string]string{}, unit: u}
	g.settle()
	for _, id := range c.vars {
		o := c.info.Defs[id]
		if o == nil {
			return nil, nil, false
		}
		if g.homes[o].own() {
			if _, err := g.typeText(o.Type()); err != nil {
				return nil, nil, false
			}
			g.homes[o] = home{dynamic: fmt.Sprintf("%d.%s", seq, id.Name), name: id.Name}
		}
	}
	f := &simplifier{g: g, ok: true}
	for i, stmt := range u.stmts {
		n := f.statement(stmt, i == len(u.stmts)-1)
		if !f.ok || n == nil {
			return nil, nil, false
		}
		off, _ := u.offset(stmt.Pos())
		n.Line, _ = lineCol(u.src, off)
		program = append(program, n)
		if names := declaredBy(stmt); names != nil {
			g.marks++
			for _, id := range names {
				if c.fresh[id] {
					g.marked[id.Name] = g.marks
				}
			}
			program = append(program, &link.Node{Op: "mark", Index: []int{g.marks}, Line: n.Line})
		}
	}
	return program, &generated{homes: g.homes, marked: g.marked}, true
}

// declaredBy lists the names on the left of a :=.
func declaredBy(stmt ast.Stmt) (names []*ast.Ident) {
	if a, ok := stmt.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
		for _, l := range a.Lhs {
			if id, ok := l.(*ast.Ident); ok {
				names = append(names, id)
			}
		}
	}
	return names
}

func (f *simplifier) no() *link.Node {
	f.ok = false
	return nil
}

func (f *simplifier) statement(stmt ast.Stmt, last bool) *link.Node {
	switch stmt := stmt.(type) {
	case *ast.ExprStmt:
		tv := f.g.c.info.Types[stmt.X]
		op := "do"
		if last && !tv.IsVoid() && !f.g.prints(stmt.X) {
			op = "show"
		}
		if !tv.IsVoid() && isUntyped(tv.Type) && tv.Value != nil {
			tv.Type = types.Default(tv.Type)
			return &link.Node{Op: op, Kids: []*link.Node{f.constant(tv)}}
		}
		return &link.Node{Op: op, Kids: []*link.Node{f.expr(stmt.X)}}
	case *ast.AssignStmt:
		return f.assign(stmt)
	case *ast.IncDecStmt:
		place := f.expr(stmt.X)
		t := f.g.c.info.Types[stmt.X].Type
		if !f.ok || t == nil || !pure(stmt.X) {
			return f.no()
		}
		one := f.constant(types.TypeAndValue{Type: t, Value: constant.MakeInt64(1)})
		return &link.Node{Op: "assign", Left: []*link.Node{place}, Kids: []*link.Node{f.binary(stmt.Tok.String()[:1], t, place, one)}}
	}
	return f.no()
}

// pure tells whether evaluating a place twice is the same as once.
func pure(e ast.Expr) bool {
	ok := true
	ast.Inspect(e, func(n ast.Node) bool {
		if _, call := n.(*ast.CallExpr); call {
			ok = false
		}
		return ok
	})
	return ok
}

func (f *simplifier) assign(stmt *ast.AssignStmt) *link.Node {
	n := &link.Node{Op: "assign"}
	info := f.g.c.info
	if len(stmt.Rhs) == 1 && len(stmt.Lhs) > 1 {
		if _, call := ast.Unparen(stmt.Rhs[0]).(*ast.CallExpr); !call {
			return f.no() // the comma-ok forms
		}
	}
	for _, r := range stmt.Rhs {
		n.Kids = append(n.Kids, f.expr(r))
	}
	for _, l := range stmt.Lhs {
		id, isName := ast.Unparen(l).(*ast.Ident)
		switch {
		case isName && id.Name == "_":
			n.Left = append(n.Left, &link.Node{Op: "blank"})
		case isName && f.g.c.fresh[id]:
			o := info.Defs[id]
			if h := f.g.homes[o]; h.dynamic != "" && strings.HasPrefix(h.dynamic, fmt.Sprint(f.g.seq)+".") {
				n.Left = append(n.Left, &link.Node{Op: "new", Name: h.dynamic})
			} else {
				n.Left = append(n.Left, f.object(o))
			}
		case isName && stmt.Tok == token.DEFINE:
			n.Left = append(n.Left, f.object(f.g.c.pkg.Scope().Lookup(id.Name)))
		default:
			n.Left = append(n.Left, f.expr(l))
		}
	}
	if stmt.Tok == token.ASSIGN || stmt.Tok == token.DEFINE {
		return n
	}
	t := info.Types[stmt.Lhs[0]].Type
	if t == nil || !pure(stmt.Lhs[0]) || !f.ok {
		return f.no()
	}
	n.Kids[0] = f.binary(strings.TrimSuffix(stmt.Tok.String(), "="), t, n.Left[0], n.Kids[0])
	return n
}

// object is a variable or function that the worker knows.
func (f *simplifier) object(o types.Object) *link.Node {
	if o == nil {
		return f.no()
	}
	if id := f.g.registered(o); id != "" {
		return &link.Node{Op: "var", Name: id}
	}
	return f.no()
}

// registered is the name under which the worker's registry has an object; ""
// when it has not.
func (g *generator) registered(o types.Object) string {
	h, ok := g.homes[o]
	if !ok {
		if h, ok = g.c.homes[o]; !ok {
			h, ok = g.s.homes[o]
		}
	}
	switch {
	case ok && h.dynamic != "":
		return h.dynamic
	case ok && h.seen:
		return ""
	case ok && h.cell != nil:
		if f, isFunc := o.(*types.Func); isFunc && isGeneric(f) {
			return ""
		}
		return fmt.Sprintf("%d.%s", h.cell.seq, h.name)
	case ok:
		return ""
	case !ofCell(o) && o.Pkg() != nil && packageLevel(o):
		if id := o.Pkg().Path() + "." + o.Name(); g.s.registered[id] {
			return id
		}
	}
	return ""
}
