package engine

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// Where names of cells live. The code of a cell is one package, and packages
// cannot see each other's lower-case names; so in generated code every
// lower-case name of a cell starts with a letter of the Deseret alphabet, whose
// capitals count as exported. The worker takes it off again wherever reflection
// would show it.
const (
	fieldMark  = "\U00010400" // before fields
	objectMark = "\U00010401" // before package-level names and methods
	implMark   = "\U00010402" // before the bodies of functions
	typeMark   = "\U00010403" // before aliases of predeclared types that a struct embeds
	localMark  = "\U00010428" // before names of the generator's own; not exported
)

// cellPath is the import path of cells; a number follows.
const cellPath = "govle.cell/"

// The packages that generated code calls: all of it calls the first, which is small,
// and some the others.
const (
	incellPath  = "govle/kernel/engine/internal/incell"
	rtPath      = "govle/kernel/engine/internal/cellrt"
	displayPath = "govle/kernel/display"
)

// built is a cell that was compiled.
type built struct {
	seq     int
	path    string   // import path
	archive string   // compiled package
	cells   []*built // the cells that it imports
	unit    *unit
}

// home is where an object lives in generated code.
type home struct {
	cell *built // nil: path says where
	path string // import path, for things of imported packages
	name string // in that package
	// seen says that name is a pointer to a variable of an earlier cell, whose
	// type was declared anew.
	seen bool
	// dynamic is set for variables that a simple cell has made: their name in
	// the worker's registry.
	dynamic string
}

// binding is what a name of the session means.
type binding struct {
	obj types.Object
	// from is where the declaration stands, for types, functions and constants,
	// so that it can be taken again.
	from source
	// methods are the declarations of a type's methods, for the same reason.
	methods []source
	seq     int             // number of the cell
	words   map[string]bool // see mentions
}

// source is a declaration in an earlier cell's text.
type source struct {
	unit *unit
	at   chunk
}

// session is what the cells have declared so far. It is used by one cell at a
// time.
type session struct {
	names   map[string]*binding
	imports map[string]*types.Package // by the name in cells
	dots    []*types.Package          // dot imports
	blanks  []string                  // imports for their effects only
	homes   map[types.Object]home
	// units finds a cell by the file name in positions.
	units map[string]*unit
	// registered are the names in the worker's registry that are not of cells.
	registered map[string]bool
	// importNumber numbers import paths, for names that cannot clash.
	importNumber map[string]int
	// generation counts the changes.
	generation int
}

func newSession() *session {
	return &session{
		names:        map[string]*binding{},
		imports:      map[string]*types.Package{},
		homes:        map[types.Object]home{},
		units:        map[string]*unit{},
		registered:   map[string]bool{},
		importNumber: map[string]int{},
	}
}

// knows tells whether a name means something in cells.
func (s *session) knows(name string) bool {
	return s.names[name] != nil || s.imports[name] != nil || types.Universe.Lookup(name) != nil && name != "print"
}

// alias is the name under which generated code imports a path.
func (s *session) alias(path string) string {
	n, ok := s.importNumber[path]
	if !ok {
		n = len(s.importNumber)
		s.importNumber[path] = n
	}
	return fmt.Sprintf("%si%d", localMark, n)
}

// mangle is the spelling of a package-level name or a method in generated code.
func mangle(name string) string {
	if token.IsExported(name) || name == "_" {
		return name
	}
	return objectMark + name
}

// ofCell tells whether an object was declared in a cell.
func ofCell(o types.Object) bool { return o.Pkg() != nil && o.Pkg().Path() == "main" }

// packageLevel tells whether an object is declared at the top level of its
// package.
func packageLevel(o types.Object) bool {
	switch o := o.(type) {
	case *types.Var:
		if o.IsField() {
			return false
		}
	case *types.Func:
		if sig, ok := o.Type().(*types.Signature); ok && sig.Recv() != nil {
			return false
		}
	case *types.PkgName, *types.Label, *types.Builtin, *types.Nil:
		return false
	}
	return o.Parent() == nil || o.Pkg() != nil && o.Parent() == o.Pkg().Scope()
}

// memberName is the spelling of a field or method in generated code.
func memberName(o types.Object) string {
	if o.Exported() || !ofCell(o) || o.Name() == "_" {
		return o.Name()
	}
	if v, ok := o.(*types.Var); ok && v.IsField() {
		if v.Embedded() {
			return embeddedName(v)
		}
		return fieldMark + o.Name()
	}
	return objectMark + o.Name()
}

// embeddedName is the spelling of a lower-case embedded field: that of its type.
func embeddedName(v *types.Var) string {
	if o := types.Universe.Lookup(v.Name()); o != nil {
		if t, ok := o.(*types.TypeName); ok {
			ft := v.Type()
			if p, isPtr := ft.(*types.Pointer); isPtr {
				ft = p.Elem()
			}
			if types.Identical(ft, t.Type()) {
				return typeMark + v.Name()
			}
		}
	}
	return objectMark + v.Name()
}

// unmangle takes the marks off a text.
func unmangle(s string) string {
	if !strings.Contains(s, "\xf0\x90\x90") {
		return s
	}
	return marks.Replace(s)
}

var marks = strings.NewReplacer(fieldMark, "", objectMark, "", implMark, "", typeMark, "", localMark, "")

// declared lists the names that a declaration of u binds at package level, with
// the chunk that it stands in.
func (u *unit) declared(visit func(name *ast.Ident, at chunk, recv *ast.Ident)) {
	if u.decls == nil {
		return
	}
	for _, d := range u.decls.Decls {
		if !u.isDecl(d) {
			continue
		}
		off := int(d.Pos() - u.declBase)
		var at chunk
		for _, c := range u.chunks {
			if c.start <= off && off < c.end {
				at = c
				break
			}
		}
		switch d := d.(type) {
		case *ast.FuncDecl:
			visit(d.Name, at, receiver(d))
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					visit(spec.Name, at, nil)
				case *ast.ValueSpec:
					for _, n := range spec.Names {
						visit(n, at, nil)
					}
				}
			}
		}
	}
}

// isDecl tells the declarations that the text holds from those that check adds
// for statements.
func (u *unit) isDecl(d ast.Decl) bool { return d.Pos() >= u.declBase && d.Pos() <= u.declEnd }

// receiver is the name of the type that a method belongs to; nil for functions.
func receiver(d *ast.FuncDecl) *ast.Ident {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return nil
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.ParenExpr:
			t = x.X
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x
		default:
			return nil
		}
	}
}
