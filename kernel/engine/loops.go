package engine

import (
	"go/ast"
	"go/token"
	"go/types"
)

// isShortLoop tells the loops that do without an interrupt check, because in
// them it would cost time that can be measured: innermost loops inside another
// loop, which has its check, that count to an end and call nothing.
func (g *generator) isShortLoop(loop ast.Stmt, stack []ast.Node) bool {
	inLoop := false
around:
	for i := len(stack) - 2; i >= 0; i-- {
		switch stack[i].(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			inLoop = true
			break around
		case *ast.FuncLit, *ast.FuncDecl:
			break around
		}
	}
	if !inLoop {
		return false
	}
	switch n := loop.(type) {
	case *ast.ForStmt:
		counter := countsWith(n)
		return counter != nil && g.isPlain(n.Body, counter)
	case *ast.RangeStmt:
		return g.rangesOverData(n) && g.isPlain(n.Body, nil)
	}
	return false
}

// rangesOverData tells ranges that come to an end: not those over channels and
// functions.
func (g *generator) rangesOverData(n *ast.RangeStmt) bool {
	t := g.c.info.Types[n.X].Type
	if t == nil {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Slice, *types.Array, *types.Map, *types.Pointer:
		return true
	case *types.Basic:
		return u.Info()&(types.IsInteger|types.IsString) != 0
	}
	return false
}

// countsWith finds the variable of a loop such as for j := 0; j < n; j++.
func countsWith(n *ast.ForStmt) *ast.Ident {
	cond, ok := n.Cond.(*ast.BinaryExpr)
	if !ok || n.Init == nil {
		return nil
	}
	switch cond.Op {
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
	default:
		return nil
	}
	id, ok := cond.X.(*ast.Ident)
	if !ok {
		return nil
	}
	switch post := n.Post.(type) {
	case *ast.IncDecStmt:
		if x, ok := post.X.(*ast.Ident); ok && x.Name == id.Name {
			return id
		}
	case *ast.AssignStmt:
		if x, ok := post.Lhs[0].(*ast.Ident); ok && x.Name == id.Name && (post.Tok == token.ADD_ASSIGN || post.Tok == token.SUB_ASSIGN) {
			return id
		}
	}
	return nil
}

// isPlain tells bodies that neither call nor wait nor loop nor set the counter.
func (g *generator) isPlain(body *ast.BlockStmt, counter *ast.Ident) bool {
	ok := true
	sets := func(e ast.Expr) {
		if id, isName := e.(*ast.Ident); isName && counter != nil && id.Name == counter.Name {
			ok = false
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if tv := g.c.info.Types[n.Fun]; !tv.IsBuiltin() && !tv.IsType() {
				ok = false
			}
		case *ast.ForStmt, *ast.RangeStmt, *ast.FuncLit, *ast.SelectStmt, *ast.SendStmt, *ast.GoStmt, *ast.DeferStmt, *ast.LabeledStmt:
			ok = false
		case *ast.BranchStmt:
			ok = ok && n.Tok != token.GOTO
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				ok = false
			} else if n.Op == token.AND {
				sets(n.X)
			}
		case *ast.IncDecStmt:
			sets(n.X)
		case *ast.AssignStmt:
			for _, l := range n.Lhs {
				sets(l)
			}
		}
		return ok
	})
	return ok
}
