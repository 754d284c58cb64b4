package engine

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// What the names in a cell mean: its imports, what the session knows, what every cell
// has, and what a name meant before the cell declared it anew.

// importer finds the packages that cells import.
type importer interface {
	// load makes packages known; the error of a path is in the map.
	load(paths []string) map[string]error
	// guess is the path of a package that is usually meant by a name, or "".
	guess(name string) string
	Import(path string) (*types.Package, error)
}

const olderPrefix = localMark + "older_"

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
