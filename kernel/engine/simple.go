package engine

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"
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

func (f *simplifier) expr(e ast.Expr) *link.Node {
	if !f.ok {
		return nil
	}
	info := f.g.c.info
	tv := info.Types[e]
	if tv.Value != nil {
		return f.constant(tv)
	}
	if tv.IsNil() {
		return &link.Node{Op: "nil"}
	}
	switch e := e.(type) {
	case *ast.ParenExpr:
		return f.expr(e.X)
	case *ast.Ident:
		o := info.Uses[e]
		if o == nil {
			o = info.Defs[e]
		}
		return f.object(o)
	case *ast.SelectorExpr:
		return f.selector(e)
	case *ast.StarExpr:
		return &link.Node{Op: "deref", Kids: []*link.Node{f.expr(e.X)}}
	case *ast.UnaryExpr:
		return f.unary(e, tv.Type)
	case *ast.BinaryExpr:
		return f.binaryExpr(e)
	case *ast.IndexExpr:
		t := info.Types[e.X].Type
		if t == nil || info.Types[e.X].IsType() {
			return f.no()
		}
		switch u := t.Underlying().(type) {
		case *types.Map:
			if !types.Identical(info.Types[e.Index].Type, u.Key()) {
				return f.no()
			}
		case *types.Slice, *types.Array:
		case *types.Pointer:
			if _, isArray := u.Elem().Underlying().(*types.Array); !isArray {
				return f.no()
			}
		default:
			return f.no()
		}
		return &link.Node{Op: "index", Kids: []*link.Node{f.expr(e.X), f.expr(e.Index)}}
	case *ast.CallExpr:
		return f.call(e)
	}
	return f.no()
}

// constant is a constant of a basic type, or of a named one that the worker
// knows.
func (f *simplifier) constant(tv types.TypeAndValue) *link.Node {
	t := tv.Type
	if isUntyped(t) {
		t = types.Default(t)
	}
	b, ok := t.Underlying().(*types.Basic)
	lt := f.typ(t)
	if !ok || lt == nil || b.Info()&types.IsComplex != 0 {
		return f.no()
	}
	n := &link.Node{Op: "const", Type: lt}
	v := tv.Value
	switch {
	case b.Info()&types.IsBoolean != 0:
		n.Text = fmt.Sprint(constant.BoolVal(v))
	case b.Info()&types.IsString != 0:
		n.Text = constant.StringVal(v)
	case b.Info()&types.IsInteger != 0:
		i := constant.ToInt(v)
		if i.Kind() != constant.Int {
			return f.no()
		}
		n.Text = i.ExactString()
		if i, exact := constant.Int64Val(i); b.Kind() == types.Int && (!exact || int64(int(i)) != i) {
			return f.no() // the compiler will say that it overflows
		}
	case b.Info()&types.IsFloat != 0:
		x, _ := constant.Float64Val(v)
		n.Text = strconv.FormatFloat(x, 'g', -1, 64)
		if strings.Contains(n.Text, "Inf") {
			return f.no()
		}
	default:
		return f.no()
	}
	if strings.ToValidUTF8(n.Text, "") != n.Text {
		return f.no() // JSON would not carry it
	}
	return n
}

// typ describes a type to the worker; nil when the worker cannot know it.
func (f *simplifier) typ(t types.Type) *link.Type {
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		if t.Info()&types.IsUntyped != 0 || t.Kind() == types.UnsafePointer || t.Info()&types.IsComplex != 0 {
			return nil
		}
		return &link.Type{Kind: "basic", Name: types.Typ[t.Kind()].Name()}
	case *types.Named:
		if t.TypeArgs().Len() > 0 || !packageLevel(t.Obj()) || t.Obj().Pkg() == nil {
			return nil
		}
		if id := f.g.registered(t.Obj()); id != "" {
			return &link.Type{Kind: "named", Name: id}
		}
	}
	return nil
}

func (f *simplifier) selector(e *ast.SelectorExpr) *link.Node {
	info := f.g.c.info
	sel := info.Selections[e]
	if sel == nil { // a name of a package
		return f.object(info.Uses[e.Sel])
	}
	switch sel.Kind() {
	case types.FieldVal:
		return &link.Node{Op: "field", Kids: []*link.Node{f.expr(e.X)}, Index: sel.Index()}
	case types.MethodVal:
		m := sel.Obj().(*types.Func)
		recv := sel.Recv()
		_, isPtr := recv.Underlying().(*types.Pointer)
		if len(sel.Index()) > 1 && !isPtr && !types.IsInterface(recv) || len(sel.Index()) > 1 && types.IsInterface(m.Signature().Recv().Type()) {
			return f.no() // promoted: let the compiler sort it out
		}
		_, wantsPtr := m.Signature().Recv().Type().(*types.Pointer)
		if wantsPtr && !isPtr && !info.Types[e.X].Addressable() {
			return f.no()
		}
		if isPtr && !wantsPtr {
			return f.no() // a nil receiver must panic as the language wants it
		}
		if !m.Exported() {
			return f.no()
		}
		return &link.Node{Op: "method", Name: m.Name(), Kids: []*link.Node{f.expr(e.X)}, Flag: wantsPtr}
	}
	return f.no()
}

// unary has no &: reflection may have to make up the pointer's type, and code
// loaded later would take that for another one.
func (f *simplifier) unary(e *ast.UnaryExpr, t types.Type) *link.Node {
	switch e.Op {
	case token.SUB, token.ADD, token.NOT, token.XOR:
		if f.typ(t) == nil || !plainBasic(t) {
			return f.no()
		}
		return &link.Node{Op: "unary", Name: e.Op.String(), Kids: []*link.Node{f.expr(e.X)}}
	}
	return f.no()
}

// plainBasic tells the types that the worker can calculate with.
func plainBasic(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&(types.IsBoolean|types.IsInteger|types.IsFloat|types.IsString) != 0
}

func (f *simplifier) binaryExpr(e *ast.BinaryExpr) *link.Node {
	info := f.g.c.info
	x, y := info.Types[e.X], info.Types[e.Y]
	if e.Op == token.LAND || e.Op == token.LOR {
		return &link.Node{Op: e.Op.String(), Kids: []*link.Node{f.expr(e.X), f.expr(e.Y)}}
	}
	if t := info.Types[e].Type; isComparison(e.Op) && !types.Identical(types.Default(t), types.Typ[types.Bool]) {
		return f.no()
	}
	if (e.Op == token.EQL || e.Op == token.NEQ) && (x.IsNil() || y.IsNil()) {
		return &link.Node{Op: "binary", Name: e.Op.String(), Kids: []*link.Node{f.expr(e.X), f.expr(e.Y)}}
	}
	shift := e.Op == token.SHL || e.Op == token.SHR
	if !plainBasic(x.Type) || !plainBasic(y.Type) || !shift && !types.Identical(x.Type, y.Type) {
		return f.no()
	}
	if isUntyped(x.Type) || isUntyped(y.Type) && !shift {
		return f.no()
	}
	return &link.Node{Op: "binary", Name: e.Op.String(), Kids: []*link.Node{f.expr(e.X), f.expr(e.Y)}}
}

func isComparison(op token.Token) bool {
	switch op {
	case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
		return true
	}
	return false
}

func (f *simplifier) binary(op string, t types.Type, x, y *link.Node) *link.Node {
	if !f.ok || !plainBasic(t) {
		return f.no()
	}
	return &link.Node{Op: "binary", Name: op, Kids: []*link.Node{x, y}}
}

func (f *simplifier) call(e *ast.CallExpr) *link.Node {
	info := f.g.c.info
	tv := info.Types[e.Fun]
	switch {
	case tv.IsType():
		from, to := info.Types[e.Args[0]].Type, f.typ(tv.Type)
		if to == nil || from == nil || !plainBasic(from) || !plainBasic(tv.Type) || isUntyped(from) {
			return f.no()
		}
		return &link.Node{Op: "conv", Type: to, Kids: []*link.Node{f.expr(e.Args[0])}}
	case tv.IsBuiltin():
		id, ok := ast.Unparen(e.Fun).(*ast.Ident)
		if !ok || id.Name != "len" && id.Name != "cap" {
			return f.no()
		}
		return &link.Node{Op: id.Name, Kids: []*link.Node{f.expr(e.Args[0])}}
	}
	if _, ok := tv.Type.Underlying().(*types.Signature); !ok {
		return f.no()
	}
	n := &link.Node{Op: "call", Kids: []*link.Node{f.expr(e.Fun)}, Flag: e.Ellipsis.IsValid()}
	if len(e.Args) == 1 {
		if _, isTuple := info.Types[e.Args[0]].Type.(*types.Tuple); isTuple {
			n.Name = "spread" // f(g()), where g has several results
		}
	}
	for _, a := range e.Args {
		if t := info.Types[a]; isUntyped(t.Type) && t.Value == nil && !t.IsNil() {
			return f.no()
		}
		n.Kids = append(n.Kids, f.expr(a))
	}
	return n
}
