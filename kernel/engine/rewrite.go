package engine

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// rewrite records the edits that turn a node's text into generated code: names
// get their places, loops and functions get their interrupt checks, goroutines
// their guard. within is the plain function whose body n is, or nil.
func (g *generator) rewrite(n ast.Node, within *types.Func) {
	var stack []ast.Node
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil {
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			g.leave(top, stack)
			return true
		}
		stack = append(stack, n)
		switch n := n.(type) {
		case *ast.Ident:
			g.ident(n, stack, within)
		case *ast.ForStmt:
			if !g.isShortLoop(n, stack) {
				g.insert(n.Body.Lbrace+1, g.check())
			}
		case *ast.RangeStmt:
			if !g.isShortLoop(n, stack) {
				g.insert(n.Body.Lbrace+1, g.check())
			}
		case *ast.BranchStmt:
			if n.Tok == token.GOTO {
				g.insert(n.Pos(), "{"+g.check())
				g.insert(n.End(), "}")
			}
		case *ast.FuncDecl:
			if n.Body != nil && g.mayRecur(n.Body) {
				g.insert(n.Body.Lbrace+1, g.check())
			}
		case *ast.FuncLit:
			if g.mayRecur(n.Body) {
				g.insert(n.Body.Lbrace+1, g.check())
			}
		}
		return true
	})
}

// check is the interrupt check in generated code.
func (g *generator) check() string { return " " + g.imported(incellPath) + ".Check();" }

// mayRecur tells whether a function's body calls anything that could lead back
// to it: anything but functions of imported packages, built-ins and conversions.
func (g *generator) mayRecur(body *ast.BlockStmt) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			tv := g.c.info.Types[n.Fun]
			if tv.IsBuiltin() || tv.IsType() {
				return true
			}
			if sel, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr); ok {
				if o := g.c.info.Uses[sel.Sel]; o != nil && o.Pkg() != nil && !ofCell(o) {
					if _, isFunc := o.(*types.Func); isFunc {
						return true
					}
				}
			}
			found = true
		}
		return !found
	})
	return found
}

// ident gives a name its place.
func (g *generator) ident(id *ast.Ident, stack []ast.Node, within *types.Func) {
	if id.Name == "_" {
		return
	}
	o := g.c.info.Uses[id]
	def := false
	if o == nil {
		if o, def = g.c.info.Defs[id], true; o == nil {
			return
		}
	}
	var parent ast.Node
	if len(stack) > 1 {
		parent = stack[len(stack)-2]
	}
	sel, isSel := parent.(*ast.SelectorExpr)
	isSel = isSel && sel.Sel == id
	switch o := o.(type) {
	case *types.PkgName:
		if s, ok := parent.(*ast.SelectorExpr); ok && s.X == id {
			if isStdin(o.Imported().Path(), s.Sel.Name) && g.asInterface(s, stack) {
				g.replace(s.Pos(), s.End(), g.imported(rtPath)+".Stdin")
				return
			}
			if from, trap := trapped(o.Imported().Path(), s.Sel.Name); trap != "" {
				g.replace(s.Pos(), s.End(), g.imported(from)+"."+trap)
				return
			}
			g.replace(id.Pos(), id.End(), g.imported(o.Imported().Path()))
		}
		return
	case *types.Builtin:
		if o.Name() == "print" || o.Name() == "println" {
			g.replace(id.Pos(), id.End(), g.imported(rtPath)+"."+strings.ToUpper(o.Name()[:1])+o.Name()[1:])
		}
		return
	case *types.Nil, *types.Label:
		return
	case *types.TypeName:
		if o.Pkg() == nil && isEmbedded(id, stack) {
			g.embedded[o.Name()] = true
			g.replace(id.Pos(), id.End(), typeMark+o.Name())
			return
		}
	}
	if o.Pkg() == nil {
		return
	}
	if !packageLevel(o) {
		if name := memberName(o); name != o.Name() && isMember(o) {
			g.replace(id.Pos(), id.End(), name)
		}
		return
	}
	if isSel && !ofCell(o) {
		if _, trap := trapped(o.Pkg().Path(), o.Name()); trap == "" && !isStdin(o.Pkg().Path(), o.Name()) {
			g.registerImported(o, g.imported(o.Pkg().Path())+"."+o.Name())
		}
		return // the X before it is a package
	}
	if def {
		if _, isFunc := o.(*types.Func); isFunc {
			return // function writes its name itself
		}
	}
	if from, trap := trapped(o.Pkg().Path(), o.Name()); trap != "" {
		g.replace(id.Pos(), id.End(), g.imported(from)+"."+trap)
		return
	}
	if within != nil && o == types.Object(within) && !isGeneric(within) {
		g.replace(id.Pos(), id.End(), implMark+o.Name()) // calls itself: no need for the detour
		return
	}
	g.called(id, o, stack)
	ref, err := g.reference(o)
	if err != nil {
		g.fail(id.Pos(), "%v", err)
		return
	}
	if ref != id.Name {
		g.replace(id.Pos(), id.End(), ref)
	}
}

// isMember tells fields and methods from local variables.
func isMember(o types.Object) bool {
	switch o := o.(type) {
	case *types.Var:
		return o.IsField()
	case *types.Func:
		return o.Signature().Recv() != nil
	}
	return false
}

// isEmbedded tells whether an identifier is an embedded field of a struct.
func isEmbedded(id *ast.Ident, stack []ast.Node) bool {
	i := len(stack) - 2
	if i >= 0 {
		if _, ok := stack[i].(*ast.StarExpr); ok {
			i--
		}
	}
	if i < 2 {
		return false
	}
	f, ok := stack[i].(*ast.Field)
	if !ok || len(f.Names) > 0 {
		return false
	}
	_, ok = stack[i-2].(*ast.StructType)
	return ok
}

// trapped names the stand-in of a function that would end the process, read from
// a standard input where nobody types, or start a goroutine without a guard.
func trapped(path, name string) (from, as string) {
	switch {
	case (path == "os" || path == "syscall") && name == "Exit":
		return incellPath, "Exit"
	case path == "fmt" && (name == "Scan" || name == "Scanln" || name == "Scanf"):
		return rtPath, name
	case path == "time" && name == "AfterFunc":
		return rtPath, name
	}
	return "", ""
}

func isStdin(path, name string) bool { return path == "os" && name == "Stdin" }

// asInterface tells whether an expression is an argument for a parameter of
// interface type, as os.Stdin is in bufio.NewReader(os.Stdin).
func (g *generator) asInterface(e ast.Expr, stack []ast.Node) bool {
	for i := len(stack) - 1; i >= 0; i-- {
		call, ok := stack[i].(*ast.CallExpr)
		if !ok {
			continue
		}
		sig, ok := g.c.info.Types[call.Fun].Type.(*types.Signature)
		if !ok {
			return false
		}
		for j, a := range call.Args {
			if a == e && j < sig.Params().Len() {
				return types.IsInterface(sig.Params().At(j).Type()) && !(sig.Variadic() && j == sig.Params().Len()-1)
			}
		}
		return false
	}
	return false
}

// leave makes the edits that need the inner ones done.
func (g *generator) leave(n ast.Node, stack []ast.Node) {
	switch n := n.(type) {
	case *ast.GoStmt:
		g.goStmt(n)
	case *ast.StructType:
		g.hideFields(n)
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE {
			g.useUnused(n, n.Lhs, stack)
		}
	case *ast.ForStmt:
		g.hoist(n, stack)
	case *ast.RangeStmt:
		g.hoist(n, stack)
		if n.Tok == token.DEFINE {
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if id, ok := e.(*ast.Ident); ok && g.c.unused[id.Pos()] {
					g.insert(n.Body.Lbrace+1, " _ = "+id.Name+";")
				}
			}
		}
	case *ast.DeclStmt:
		if d, ok := n.Decl.(*ast.GenDecl); ok && d.Tok == token.VAR {
			for _, spec := range d.Specs {
				for _, id := range spec.(*ast.ValueSpec).Names {
					if g.c.unused[id.Pos()] {
						g.insert(n.End(), "; _ = "+id.Name)
					}
				}
			}
		}
	}
}

// useUnused makes use of local variables that the cell does not use.
func (g *generator) useUnused(n *ast.AssignStmt, lhs []ast.Expr, stack []ast.Node) {
	var text strings.Builder
	for _, l := range lhs {
		if id, ok := l.(*ast.Ident); ok && g.c.unused[id.Pos()] {
			fmt.Fprintf(&text, " _ = %s;", id.Name)
		}
	}
	if text.Len() == 0 || len(stack) == 0 {
		return
	}
	// In the head of a statement there is no room: use it where the body begins.
	switch p := stack[len(stack)-1].(type) {
	case *ast.IfStmt:
		if p.Init == n {
			g.insert(p.Body.Lbrace+1, text.String())
		}
	case *ast.ForStmt:
		if p.Init == n {
			g.insert(p.Body.Lbrace+1, text.String())
		}
	case *ast.SwitchStmt:
		if p.Init == n {
			g.wrapInit(p, n, text.String())
		}
	case *ast.TypeSwitchStmt:
		if p.Assign == n {
			// An unused symbol of a type switch: drop it.
			g.replace(n.Lhs[0].Pos(), n.Rhs[0].Pos(), "")
		} else if p.Init == n {
			g.wrapInit(p, n, text.String())
		}
	case *ast.CommClause:
		if p.Comm == n {
			g.insert(p.Colon+1, text.String())
		}
	default:
		g.insert(n.End(), ";"+strings.TrimSuffix(text.String(), ";"))
	}
}

// wrapInit moves the initialisation of a switch before it, inside a block: the
// head must stay one statement.
func (g *generator) wrapInit(sw ast.Stmt, init *ast.AssignStmt, use string) {
	a, _ := g.unit.offset(init.Pos())
	b, _ := g.unit.offset(init.End())
	text := g.text(a, b)
	g.insert(sw.Pos(), "{ "+text+";"+use+" ")
	g.replace(init.Pos(), init.End(), "")
	g.insert(sw.End(), "}")
}

// goStmt guards a goroutine. The function and its arguments are evaluated
// before the goroutine starts, as the language wants it.
func (g *generator) goStmt(n *ast.GoStmt) {
	rt := g.imported(incellPath)
	call := n.Call
	if lit, ok := ast.Unparen(call.Fun).(*ast.FuncLit); ok {
		g.insert(lit.Body.Lbrace+1, " defer "+rt+".Recover();")
		return
	}
	var setup, args strings.Builder
	fun := g.nodeText(call.Fun)
	tv := g.c.info.Types[call.Fun]
	if !tv.IsBuiltin() && !g.isFunction(call.Fun) {
		fmt.Fprintf(&setup, "%sf := %s; ", localMark, fun)
		fun = localMark + "f"
	}
	for i, a := range call.Args {
		if i > 0 {
			args.WriteString(", ")
		}
		t := g.c.info.Types[a]
		text := g.nodeText(a)
		switch tuple, _ := t.Type.(*types.Tuple); {
		case tuple != nil:
			for j := range tuple.Len() {
				if j > 0 {
					setup.WriteString(", ")
					args.WriteString(", ")
				}
				fmt.Fprintf(&setup, "%sa%d", localMark, j)
				fmt.Fprintf(&args, "%sa%d", localMark, j)
			}
			fmt.Fprintf(&setup, " := %s; ", text)
		case t.IsType() || t.IsNil() || t.Value != nil || isUntyped(t.Type):
			args.WriteString(text)
		default:
			fmt.Fprintf(&setup, "%sa%d := %s; ", localMark, i, text)
			fmt.Fprintf(&args, "%sa%d", localMark, i)
		}
	}
	if call.Ellipsis.IsValid() {
		args.WriteString("...")
	}
	text := fmt.Sprintf("{ %s%s.Go(func() { %s(%s) }) }", setup.String(), rt, fun, args.String())
	a, _ := g.unit.offset(n.Pos())
	b, _ := g.unit.offset(n.End())
	if miss := strings.Count(g.unit.src[a:b], "\n") - strings.Count(text, "\n"); miss > 0 {
		text += strings.Repeat("\n", miss)
	}
	g.replace(n.Pos(), n.End(), text)
}

func isUntyped(t types.Type) bool {
	b, ok := t.(*types.Basic)
	return ok && b.Info()&types.IsUntyped != 0
}

// isFunction tells whether an expression names a declared function, whose
// value cannot change.
func (g *generator) isFunction(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		f, ok := g.c.info.Uses[e].(*types.Func)
		return ok && (isGeneric(f) || !ofCell(f))
	case *ast.SelectorExpr:
		f, ok := g.c.info.Uses[e.Sel].(*types.Func)
		return ok && f.Signature().Recv() == nil
	case *ast.IndexExpr:
		return g.isFunction(e.X)
	case *ast.IndexListExpr:
		return g.isFunction(e.X)
	}
	return false
}
