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
