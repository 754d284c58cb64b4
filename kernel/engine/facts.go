package engine

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// In a program the compiler knows that a loop goes round 256 times when n := 256 stands
// above it, and how long make([]float64, n*n) is. In a cell n is a variable of the
// session. But as long as the cell's own statements run, and nothing else in the cell
// assigns n, it is 256; a nest that has a variable of its own for n is told so.

// facts are what is known of variables that a cell declares and does not assign again.
type facts struct {
	numbers map[types.Object]constant.Value // of type int
	lengths map[types.Object]int64          // of slices
}

// valueOf is what a nest's own variable for o begins with: ref, or what is known to be
// the same. stack is what stands around the nest.
func (g *generator) valueOf(o types.Object, ref string, stack []ast.Node) string {
	for _, n := range stack {
		switch n.(type) {
		case *ast.FuncLit, *ast.FuncDecl:
			return ref // it may run when a later cell has changed the variable
		}
	}
	if g.facts == nil {
		g.facts = g.c.facts()
	}
	number, isNumber := g.facts.numbers[o]
	length, isSlice := g.facts.lengths[o]
	if !isNumber && !isSlice {
		return ref
	}
	if !g.homes[o].own() {
		// It is an older variable declared again. Code of other cells may change it.
		for _, u := range g.s.units {
			if u.src != g.c.units[0].src && strings.Contains(u.src, o.Name()) {
				return ref
			}
		}
	}
	if isNumber {
		return number.ExactString()
	}
	return fmt.Sprintf("%s[:%d]", ref, length)
}

// facts gathers them.
func (c *checked) facts() *facts {
	f := &facts{numbers: map[types.Object]constant.Value{}, lengths: map[types.Object]int64{}}
	assigned := map[string]bool{}
	assign := func(e ast.Expr) {
		if id, ok := ast.Unparen(e).(*ast.Ident); ok && !c.fresh[id] {
			assigned[id.Name] = true
		}
	}
	visit := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, l := range n.Lhs {
				assign(l)
			}
		case *ast.IncDecStmt:
			assign(n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				assign(n.X)
			}
		case *ast.RangeStmt:
			assign(n.Key)
			assign(n.Value)
		}
		return true
	}
	for _, u := range c.units {
		ast.Inspect(u.decls, visit)
	}
	for _, s := range c.units[0].stmts {
		ast.Inspect(s, visit)
	}
	declare := func(id *ast.Ident, value ast.Expr) {
		o := c.info.Defs[id]
		if o == nil || !c.fresh[id] || assigned[id.Name] {
			return
		}
		if o.Type() == types.Typ[types.Int] {
			if v := f.number(c, value); v != nil {
				f.numbers[o] = v
			}
			return
		}
		call, ok := ast.Unparen(value).(*ast.CallExpr)
		// A type with a name may have methods that change the variable.
		if _, isSlice := types.Unalias(o.Type()).(*types.Slice); !ok || !isSlice || len(call.Args) != 2 {
			return
		}
		if fun, ok := call.Fun.(*ast.Ident); ok && fun.Name == "make" && c.info.Types[fun].IsBuiltin() {
			if v := f.number(c, call.Args[1]); v != nil {
				if n, exact := constant.Int64Val(v); exact && n >= 0 {
					f.lengths[o] = n
				}
			}
		}
	}
	for _, s := range c.units[0].stmts {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE && len(s.Lhs) == len(s.Rhs) {
				for i, l := range s.Lhs {
					if id, ok := l.(*ast.Ident); ok {
						declare(id, s.Rhs[i])
					}
				}
			}
		case *ast.DeclStmt:
			for _, spec := range s.Decl.(*ast.GenDecl).Specs {
				if spec, ok := spec.(*ast.ValueSpec); ok && len(spec.Names) == len(spec.Values) {
					for i, id := range spec.Names {
						declare(id, spec.Values[i])
					}
				}
			}
		}
	}
	return f
}

// number is the value of an expression of constants and known numbers, such as n*n; nil
// when it has none, or one that int does not hold.
func (f *facts) number(c *checked, e ast.Expr) (v constant.Value) {
	if v = c.info.Types[e].Value; v == nil {
		switch e := e.(type) {
		case *ast.ParenExpr:
			v = f.number(c, e.X)
		case *ast.Ident:
			v = f.numbers[c.info.Uses[e]]
		case *ast.BinaryExpr:
			switch x, y := f.number(c, e.X), f.number(c, e.Y); e.Op {
			case token.ADD, token.SUB, token.MUL:
				if x != nil && y != nil {
					v = constant.BinaryOp(x, e.Op, y)
				}
			}
		}
	}
	if v = constant.ToInt(orUnknown(v)); v.Kind() != constant.Int {
		return nil
	}
	if n, exact := constant.Int64Val(v); !exact || int64(int(n)) != n {
		return nil
	}
	return v
}

func orUnknown(v constant.Value) constant.Value {
	if v == nil {
		return constant.MakeUnknown()
	}
	return v
}
