package engine

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"runtime"
	"slices"
	"strconv"
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

// importer finds the packages that cells import.
type importer interface {
	// load makes packages known; the error of a path is in the map.
	load(paths []string) map[string]error
	// guess is the path of a package that is usually meant by a name, or "".
	guess(name string) string
	Import(path string) (*types.Package, error)
}

const olderPrefix = localMark + "older_"

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

// resolveImports loads what the cell imports.
func (c *checked) resolveImports(imp importer, lenient bool) (errs []*sourceError) {
	type item struct {
		spec *ast.ImportSpec
		path string
		off  int
	}
	cell := c.units[0]
	var items []item
	var paths []string
	for _, spec := range cell.decls.Imports {
		off, _ := cell.offset(spec.Pos())
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil || path == "" {
			errs = append(errs, &sourceError{cell, off, "invalid import path " + spec.Path.Value})
			continue
		}
		if path == "C" {
			errs = append(errs, &sourceError{cell, off, `import "C": cells cannot use cgo; put the C code into a package of a module and import that`})
			continue
		}
		items = append(items, item{spec, path, off})
		paths = append(paths, path)
	}
	if len(items) == 0 {
		return errs
	}
	var failed map[string]error
	if !lenient {
		failed = imp.load(paths)
	}
	for _, it := range items {
		if err := failed[it.path]; err != nil {
			errs = append(errs, &sourceError{cell, it.off, err.Error()})
			continue
		}
		pkg, err := imp.Import(it.path)
		if err != nil {
			errs = append(errs, &sourceError{cell, it.off, fmt.Sprintf("importing %q: %v", it.path, err)})
			continue
		}
		name := pkg.Name()
		if it.spec.Name != nil {
			name = it.spec.Name.Name
		}
		switch name {
		case "_":
			c.blanks = append(c.blanks, it.path)
		case ".":
			c.dots = append(c.dots, pkg)
		default:
			c.importNames[name] = pkg
		}
	}
	return errs
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

// bindOlder finds the identifiers that stand before the cell's own declaration
// of their name: they mean what the session knows under that name.
func (s *session) bindOlder(c *checked, u *unit, varNames map[string]bool) (errs []*sourceError) {
	renamed := map[string]types.Object{}
	specs, declaresOnly := onlyVars(u.stmts)
	for _, id := range u.unresolved {
		name := id.Name
		if !varNames[name] || c.fresh[id] {
			continue
		}
		if declaresOnly && !declaredAround(specs, id) {
			continue // such cells are initialised by dependency, as files are
		}
		if own := c.importNames[name]; own != nil {
			continue // the type checker will complain about the second meaning
		}
		obj := renamed[name]
		if obj == nil {
			obj = s.aliasObject(c, olderPrefix+name, name)
			if obj == nil {
				if types.Universe.Lookup(name) != nil {
					off, _ := u.offset(id.Pos())
					errs = append(errs, &sourceError{u, off, name + " is used before the cell declares it"})
					continue
				}
				off, _ := u.offset(id.Pos())
				errs = append(errs, &sourceError{u, off, "undefined: " + name + " (it is declared further down)"})
				continue
			}
			renamed[name] = obj
			c.pkg.Scope().Insert(obj)
		}
		id.Name = olderPrefix + name
		c.older[id] = obj
	}
	return errs
}

// declaredAround tells whether an identifier stands in the declaration of its
// own name.
func declaredAround(specs []*ast.ValueSpec, id *ast.Ident) bool {
	for _, s := range specs {
		if s.Pos() <= id.Pos() && id.Pos() < s.End() {
			return slices.ContainsFunc(s.Names, func(n *ast.Ident) bool { return n.Name == id.Name })
		}
	}
	return false
}

// aliasObject makes an object named as that means what the session knows as
// name; nil when the session does not know it.
func (s *session) aliasObject(c *checked, as, name string) types.Object {
	b := s.names[name]
	if b == nil {
		if p := s.imports[name]; p != nil {
			return types.NewPkgName(token.NoPos, c.pkg, as, p)
		}
		return nil
	}
	var o types.Object
	switch old := b.obj.(type) {
	case *types.Var:
		o = types.NewVar(token.NoPos, c.pkg, as, old.Type())
	case *types.Const:
		o = types.NewConst(token.NoPos, c.pkg, as, old.Type(), old.Val())
	case *types.TypeName:
		o = types.NewTypeName(token.NoPos, c.pkg, as, old.Type())
	case *types.Func:
		o = types.NewFunc(token.NoPos, c.pkg, as, old.Type().(*types.Signature))
	default:
		return nil
	}
	c.homes[o] = s.homes[b.obj]
	return o
}

// bindKnown puts what the identifiers of files may mean into the package's
// scope: names of earlier cells, imports, what every cell has.
func (s *session) bindKnown(c *checked, files []*ast.File, own map[string]bool, imp importer) error {
	scope := c.pkg.Scope()
	seen := map[string]bool{}
	var firstErr error
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok || seen[id.Name] {
				return true
			}
			name := id.Name
			seen[name] = true
			if own[name] || c.importNames[name] != nil || name == "_" || strings.HasPrefix(name, olderPrefix) {
				return true
			}
			if b := s.names[name]; b != nil {
				scope.Insert(b.obj)
				return true
			}
			if p := s.imports[name]; p != nil {
				scope.Insert(types.NewPkgName(token.NoPos, c.pkg, name, p))
				return true
			}
			for _, p := range s.dots {
				if o := p.Scope().Lookup(name); o != nil && o.Exported() {
					scope.Insert(o)
					return true
				}
			}
			if o, err := predeclared(c, name, imp); err != nil {
				firstErr = err
			} else if o != nil {
				scope.Insert(o)
			}
			return true
		})
	}
	return firstErr
}

// importOnUse imports packages of the standard library and of this module that
// the cell uses without having said so: a name before a dot that means nothing
// else.
func (c *checked) importOnUse(files []*ast.File, own map[string]bool, imp importer) {
	var names, paths []string
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			id, ok := sel.X.(*ast.Ident)
			if !ok || own[id.Name] || c.importNames[id.Name] != nil || c.pkg.Scope().Lookup(id.Name) != nil || types.Universe.Lookup(id.Name) != nil ||
				slices.Contains(names, id.Name) || id.Obj != nil {
				return true
			}
			if path := imp.guess(id.Name); path != "" {
				names, paths = append(names, id.Name), append(paths, path)
			}
			return true
		})
	}
	if len(paths) == 0 {
		return
	}
	failed := imp.load(paths)
	for i, path := range paths {
		if failed[path] != nil {
			continue
		}
		if p, err := imp.Import(path); err == nil && p.Name() == names[i] {
			c.pkg.Scope().Insert(types.NewPkgName(token.NoPos, c.pkg, names[i], p))
			c.used = append(c.used, p)
		}
	}
}

// predeclared makes the things that every cell has without an import.
func predeclared(c *checked, name string, imp importer) (types.Object, error) {
	from, as := rtPath, ""
	switch name {
	case "must":
		from, as = incellPath, "Must"
	case "ctx":
		as = "Ctx"
	case timeIt:
		as = "TimeIt"
	case "Display":
		from, as = displayPath, "Display"
	case "display":
		p, err := imp.Import(displayPath)
		if err != nil {
			return nil, err
		}
		return types.NewPkgName(token.NoPos, c.pkg, name, p), nil
	default:
		return nil, nil
	}
	p, err := imp.Import(from)
	if err != nil {
		return nil, err
	}
	var o types.Object
	switch t := p.Scope().Lookup(as).(type) {
	case *types.Func:
		o = types.NewFunc(token.NoPos, c.pkg, name, t.Type().(*types.Signature))
	case *types.Var:
		o = types.NewVar(token.NoPos, c.pkg, name, t.Type())
	default:
		return nil, fmt.Errorf("package %s has no %s: the engine and its source do not fit together", from, as)
	}
	c.homes[o] = home{path: from, name: as}
	return o, nil
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
