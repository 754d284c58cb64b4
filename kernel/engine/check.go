package engine

import (
	"go/ast"
	"go/token"
	"go/types"
	"runtime"
	"slices"
	"strings"
)

// checked is a cell that go/types has accepted.
type checked struct {
	fset  *token.FileSet
	pkg   *types.Package
	info  *types.Info
	units []*unit // units[0] is the cell itself
	// vars are the top-level variables that statements declare, in order.
	vars []*ast.Ident
	// fresh[id] says that id, on the left of a top-level :=, is a new variable.
	fresh map[*ast.Ident]bool
	// seen are earlier variables that this cell sees through newer types.
	seen []*ast.Ident
	// older are identifiers that mean what the name meant before this cell
	// declared it anew, as the second x in x := x + 1.
	older map[*ast.Ident]types.Object
	// unused holds the positions of local variables that are never used.
	unused map[token.Pos]bool
	// trailing is the expression whose value is shown; nil if there is none.
	trailing ast.Expr
	// importNames are the names that the cell's own imports bind.
	importNames map[string]*types.Package
	dots        []*types.Package
	blanks      []string
	used        []*types.Package // imported because they were used
	// homes of objects that the session does not know, such as must.
	homes map[types.Object]home
}

// check type-checks units against the session. It changes the syntax trees:
// what statements declare becomes declarations of the package. With lenient it
// makes what it can of unfinished source.
func (s *session) check(fset *token.FileSet, u *unit, h heritage, imp importer, lenient bool) (*checked, []*sourceError) {
	units := append([]*unit{u}, h.units...)
	c := &checked{
		fset: fset, units: units, pkg: types.NewPackage("main", "main"),
		fresh: map[*ast.Ident]bool{}, older: map[*ast.Ident]types.Object{}, unused: map[token.Pos]bool{},
		importNames: map[string]*types.Package{}, homes: map[types.Object]home{},
		info: &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
			Selections: map[*ast.SelectorExpr]*types.Selection{}, Instances: map[*ast.Ident]types.Instance{},
			Implicits: map[ast.Node]types.Object{}, Scopes: map[ast.Node]*types.Scope{},
		},
	}
	if errs := c.resolveImports(imp, lenient); errs != nil && !lenient {
		return nil, errs
	}
	own := map[string]bool{}
	for _, u := range units {
		u.declared(func(name *ast.Ident, _ chunk, recv *ast.Ident) {
			if recv == nil && name.Name != "init" {
				own[name.Name] = true
			}
		})
	}
	cell := units[0]
	varNames := map[string]bool{}
	decls, body, errs := c.arrange(cell, own, varNames)
	if errs != nil && !lenient {
		return nil, errs
	}
	if errs := s.bindOlder(c, cell, varNames); errs != nil && !lenient {
		return nil, errs
	}
	for _, name := range h.vars {
		if !own[name] {
			decls = append(decls, s.declareSeen(c, []string{name})...)
			own[name] = true
		}
	}
	files := make([]*ast.File, len(units))
	for i, u := range units {
		files[i] = u.decls
	}
	files[0].Decls = append(files[0].Decls, decls...)
	runName := ast.NewIdent(localMark + "run")
	files[0].Decls = append(files[0].Decls, &ast.FuncDecl{
		Name: runName,
		Type: &ast.FuncType{Func: cell.stmtBase, Params: &ast.FieldList{}},
		Body: &ast.BlockStmt{Lbrace: cell.stmtBase, List: body, Rbrace: cell.stmtEnd},
	})
	if err := s.bindKnown(c, files, own, imp); err != nil {
		return nil, []*sourceError{{unit: cell, msg: err.Error()}}
	}
	c.importOnUse(files, own, imp)
	return c, c.typeCheck(files, imp)
}

// arrange sorts the cell's statements into declarations of variables, which go
// to package level, and the body of the function that runs the rest.
func (c *checked) arrange(u *unit, own, varNames map[string]bool) (decls []ast.Decl, body []ast.Stmt, errs []*sourceError) {
	declare := func(id *ast.Ident) {
		own[id.Name], varNames[id.Name] = true, true
		c.vars = append(c.vars, id)
		c.fresh[id] = true
	}
	for i, stmt := range u.stmts {
		switch stmt := stmt.(type) {
		case *ast.AssignStmt:
			if stmt.Tok != token.DEFINE {
				break
			}
			spec := &ast.ValueSpec{Values: stmt.Rhs}
			anyNew := false
			for _, l := range stmt.Lhs {
				id, ok := l.(*ast.Ident)
				switch {
				case !ok:
					off, _ := u.offset(l.Pos())
					errs = append(errs, &sourceError{u, off, "non-name on left side of :="})
					continue
				case id.Name == "_" || varNames[id.Name]:
					spec.Names = append(spec.Names, &ast.Ident{NamePos: id.NamePos, Name: "_"})
				default:
					spec.Names = append(spec.Names, id)
					anyNew = true
					declare(id)
				}
			}
			if !anyNew && errs == nil {
				off, _ := u.offset(stmt.TokPos)
				errs = append(errs, &sourceError{u, off, "no new variables on left side of :="})
			}
			decls = append(decls, &ast.GenDecl{Tok: token.VAR, TokPos: stmt.Pos(), Specs: []ast.Spec{spec}})
			continue
		case *ast.DeclStmt:
			if d, ok := stmt.Decl.(*ast.GenDecl); ok && d.Tok == token.VAR {
				for _, spec := range d.Specs {
					for _, id := range spec.(*ast.ValueSpec).Names {
						if id.Name != "_" {
							declare(id)
						}
					}
				}
				decls = append(decls, d)
				continue
			}
		case *ast.ExprStmt:
			if i == len(u.stmts)-1 {
				c.trailing = stmt.X
			}
		}
		body = append(body, stmt)
	}
	return decls, body, errs
}

// typeCheck runs go/types. What is never an error in a cell is dropped.
func (c *checked) typeCheck(files []*ast.File, imp importer) (errs []*sourceError) {
	shown := map[token.Pos]bool{}
	for _, stmt := range c.units[0].stmts {
		if e, ok := stmt.(*ast.ExprStmt); ok {
			shown[e.X.Pos()] = true
			shown[ast.Unparen(e.X).Pos()] = true
		}
	}
	conf := types.Config{
		Importer: imp,
		Sizes:    types.SizesFor("gc", runtime.GOARCH),
		Error: func(err error) {
			e, ok := err.(types.Error)
			if !ok {
				errs = append(errs, &sourceError{c.units[0], 0, err.Error()})
				return
			}
			switch {
			case strings.HasSuffix(e.Msg, "imported and not used"), strings.Contains(e.Msg, " imported as ") && strings.HasSuffix(e.Msg, "and not used"):
				return
			case strings.HasPrefix(e.Msg, "declared and not used: "), strings.HasSuffix(e.Msg, " declared and not used") && !strings.HasPrefix(e.Msg, "label "):
				c.unused[e.Pos] = true
				return
			case strings.HasPrefix(e.Msg, "implicit assignment to unexported field"):
				return // cells are one package to their author; the compiler refuses it for others
			case strings.HasSuffix(e.Msg, " is not used") && (shown[e.Pos] || c.isShown(e.Pos)):
				return
			}
			errs = append(errs, c.errorAt(e.Pos, e.Msg))
		},
	}
	types.NewChecker(&conf, c.fset, c.pkg, c.info).Files(files)
	for id := range c.older {
		id.Name = strings.TrimPrefix(id.Name, olderPrefix) // a node's end depends on it
	}
	slices.SortStableFunc(errs, func(a, b *sourceError) int { return a.off - b.off })
	return errs
}

// isShown tells whether an error position lies at a top-level expression.
// go/types reports binary expressions at their operator.
func (c *checked) isShown(p token.Pos) bool {
	for _, stmt := range c.units[0].stmts {
		if e, ok := stmt.(*ast.ExprStmt); ok && e.Pos() <= p && p <= e.End() {
			return true
		}
	}
	return false
}

// errorAt words a complaint of the type checker in the cell's own terms.
func (c *checked) errorAt(p token.Pos, msg string) *sourceError {
	msg = strings.ReplaceAll(strings.ReplaceAll(unmangle(msg), "older_", ""), "main.", "")
	msg = strings.TrimPrefix(msg, "\t")
	for _, u := range c.units {
		if off, ok := u.offset(p); ok {
			return &sourceError{u, off, msg}
		}
	}
	return &sourceError{c.units[0], 0, msg}
}
