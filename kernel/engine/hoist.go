package engine

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// A variable that a cell declares at top level lives in memory, where later cells
// find it; in a function of a program it would be in a register. Loops feel that:
// a matrix product at top level took 2.8 times as long. So a nest of loops that
// counts to its end and calls nothing gets variables of its own for those of the
// session that cannot change while it runs.
//
// What cannot change: nothing is called, so only the nest's own assignments count.
// Without package unsafe, a variable of a basic, slice or pointer type is assigned
// by its name or through a pointer to its type. (Another goroutine that assigns it
// at the same time races with the nest in any case.)

// nest is a loop with the loops inside it.
type nest struct {
	g        *generator
	loop     ast.Stmt
	assigned map[types.Object]bool
	through  []types.Type // of what is assigned through pointers
}

// hoist gives a nest its own variables, once for its outermost loop. stack is what
// stands around it.
func (g *generator) hoist(loop ast.Stmt, stack []ast.Node) {
	n := g.nestOf(loop)
	if n == nil {
		return
	}
	for i := len(stack) - 1; i >= 0; i-- {
		switch outer := stack[i].(type) {
		case *ast.ForStmt:
			if g.nestOf(outer) != nil {
				return
			}
		case *ast.RangeStmt:
			if g.nestOf(outer) != nil {
				return
			}
		case *ast.LabeledStmt:
			if outer.Stmt == loop {
				return // the label must stay with its loop
			}
		}
	}
	var names, values []string
	known := map[types.Object]string{}
	ast.Inspect(loop, func(node ast.Node) bool {
		id, ok := node.(*ast.Ident)
		if !ok {
			return true
		}
		if o := n.constant(id); o != nil {
			if known[o] == "" {
				known[o] = fmt.Sprintf("%sh%d", localMark, len(names))
				names, values = append(names, known[o]), append(values, g.valueOf(o, g.nodeText(id), stack))
			}
			g.replace(id.Pos(), id.End(), known[o])
		}
		return true
	})
	if len(names) > 0 {
		g.insert(loop.Pos(), fmt.Sprintf("{ %s := %s; ", strings.Join(names, ", "), strings.Join(values, ", ")))
		g.insert(loop.End(), " }")
	}
}

// nestOf gathers what a loop assigns; nil when it calls something or need not
// come to an end.
func (g *generator) nestOf(loop ast.Stmt) *nest {
	n := &nest{g: g, loop: loop, assigned: map[types.Object]bool{}}
	ok := true
	ast.Inspect(loop, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.ForStmt:
			ok = ok && countsWith(node) != nil
		case *ast.RangeStmt:
			ok = ok && g.rangesOverData(node)
			for _, e := range []ast.Expr{node.Key, node.Value} {
				if e != nil {
					n.assign(e)
				}
			}
		case *ast.CallExpr:
			tv := g.c.info.Types[node.Fun]
			ok = ok && (tv.IsBuiltin() || tv.IsType())
		case *ast.AssignStmt:
			for _, l := range node.Lhs {
				n.assign(l)
			}
		case *ast.IncDecStmt:
			n.assign(node.X)
		case *ast.UnaryExpr:
			switch node.Op {
			case token.AND:
				n.assign(node.X)
			case token.ARROW:
				ok = false
			}
		case *ast.FuncLit, *ast.SelectStmt, *ast.SendStmt, *ast.GoStmt, *ast.DeferStmt:
			ok = false
		case *ast.BranchStmt:
			ok = ok && node.Tok != token.GOTO
		}
		return ok
	})
	if !ok {
		return nil
	}
	return n
}

// assign notes that a place is assigned.
func (n *nest) assign(e ast.Expr) {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if o := n.g.c.info.Uses[e]; o != nil {
			n.assigned[o] = true
		}
	case *ast.StarExpr:
		n.through = append(n.through, n.g.c.info.TypeOf(e))
	case *ast.SelectorExpr:
		n.assign(e.X) // when it is a struct, the variable itself
	case *ast.IndexExpr:
		if _, isArray := n.g.c.info.TypeOf(e.X).Underlying().(*types.Array); isArray {
			n.assign(e.X)
		}
	}
}

// constant is the variable of the session that an identifier means, if the nest
// cannot change it.
func (n *nest) constant(id *ast.Ident) types.Object {
	o, ok := n.g.c.info.Uses[id].(*types.Var)
	if !ok || !packageLevel(o) || !ofCell(o) || !fitsRegisters(o.Type()) {
		return nil
	}
	if n.assigned[o] {
		return nil
	}
	for _, t := range n.through {
		if types.Identical(t, o.Type()) {
			return nil
		}
	}
	return o
}

// fitsRegisters tells the types of variables that are worth it. A flag is not:
// who asks for it in a loop may wait for another goroutine.
func fitsRegisters(t types.Type) bool {
	switch t := t.Underlying().(type) {
	case *types.Slice, *types.Pointer:
		return true
	case *types.Basic:
		return t.Info()&(types.IsInteger|types.IsFloat|types.IsString) != 0
	}
	return false
}
