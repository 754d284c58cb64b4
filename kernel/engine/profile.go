package engine

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// A function of a cell is called through a variable, so that a later cell can declare
// it again. The compiler does not see through that and inlines nothing. But it takes a
// profile that says what was called where, and then writes the call twice: inlined, in
// case the variable still holds that function, and as it stands. So the calls in a cell
// of the small functions that it declares itself are said to be hot.

// maxHot bounds the calls, since each may become as long as its function.
const maxHot = 50

// called notes a call of a function in the function that is being written.
func (g *generator) called(id *ast.Ident, o types.Object, stack []ast.Node) {
	f, ok := o.(*types.Func)
	if !ok || g.caller == "" || len(stack) < 2 || len(g.hot) == maxHot || isGeneric(f) || !g.isLeaf(f) {
		return
	}
	if call, ok := stack[len(stack)-2].(*ast.CallExpr); !ok || call.Fun != ast.Expr(id) {
		return
	}
	for _, n := range stack {
		switch n.(type) {
		case *ast.FuncLit, *ast.GoStmt, *ast.DeferStmt:
			return // another function's, for the compiler
		}
	}
	off, _ := g.unit.offset(id.Pos())
	line, _ := lineCol(g.unit.src, off)
	edge := fmt.Sprintf("%s%d.%s\n%[1]s%[2]d.%[4]s\n%[5]d 1\n", cellPath, g.seq, g.caller, implMark+f.Name(), line-g.callerLine)
	if !slices.Contains(g.hot, edge) { // the compiler takes none twice
		g.hot = append(g.hot, edge)
	}
}

// isLeaf tells the plain functions of this cell that call nothing of cells.
func (g *generator) isLeaf(f *types.Func) bool {
	if g.leaves == nil {
		g.leaves = map[types.Object]bool{}
		for _, u := range g.c.units {
			for _, d := range u.decls.Decls {
				if d, ok := d.(*ast.FuncDecl); ok && u.isDecl(d) && d.Recv == nil && d.Body != nil && !g.mayRecur(d.Body) {
					g.leaves[g.c.info.Defs[d.Name]] = true
				}
			}
		}
	}
	return g.leaves[f]
}

// profile is what the compiler gets, in the form of go tool preprofile.
func (g *generator) profile() string {
	if len(g.hot) == 0 {
		return ""
	}
	return "GO PREPROFILE V1\n" + strings.Join(g.hot, "")
}

// profileFlags are the compiler's, for a profile in a file: it believes calls of
// function values, and all that the profile says.
func profileFlags(file string) []string {
	return []string{"-pgoprofile=" + file, "-d=pgodevirtualize=2,pgoinlinecdfthreshold=100"}
}
