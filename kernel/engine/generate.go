package engine

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// generator turns a checked cell into the Go source of its package. It keeps
// the cell's text and edits it in place, so that line numbers stay true.
type generator struct {
	s     *session
	c     *checked
	seq   int
	homes map[types.Object]home // of what this cell declares

	imports  map[string]bool   // import paths in use
	cells    map[*built]bool   // earlier cells in use
	embedded map[string]bool   // predeclared types that a struct embeds
	dynamic  map[string]string // variables of simple cells in use: their types by registry name
	register map[string]string // code that registers things of imported packages

	unit  *unit // whose text is being edited
	edits []edit

	types  strings.Builder // imports aside, what comes before main
	body   strings.Builder // of main
	inits  []string        // functions called init
	marks  int
	marked map[string]int // the mark after which a variable is declared

	// For the compiler's profile, see profile.go.
	caller     string // the function that is being written; "" for methods
	callerLine int
	hot        []string
	leaves     map[types.Object]bool

	facts *facts // see facts.go

	errs []*sourceError
}

// edit replaces the text from start to end. Edits inside a replaced stretch
// are already part of its text.
type edit struct {
	start, end int
	text       string
	order      int
}

// generated is the outcome.
type generated struct {
	source  string
	profile string // of its calls
	cells   []*built
	imports []string
	homes   map[types.Object]home
	// marked tells after which mark a name of a variable is declared.
	marked map[string]int
	// registered are the names of imported things that the cell registers.
	registered []string
}

// generate writes the package of cell number seq.
func (s *session) generate(c *checked, seq int) (*generated, []*sourceError) {
	g := &generator{s: s, c: c, seq: seq, homes: map[types.Object]home{}, imports: map[string]bool{incellPath: true},
		cells: map[*built]bool{}, embedded: map[string]bool{}, marked: map[string]int{}, dynamic: map[string]string{}, register: map[string]string{}}
	g.settle()
	g.lookAgain()
	for _, u := range c.units {
		g.declarations(u)
	}
	g.statements()
	g.variables()
	if len(g.errs) > 0 {
		return nil, g.errs
	}
	return g.assemble(), nil
}

func (g *generator) fail(p token.Pos, format string, args ...any) {
	g.errs = append(g.errs, g.c.errorAt(p, fmt.Sprintf(format, args...)))
}

// settle decides where everything lives that the cell declares. A variable
// declared again with the same type, or a function declared again with the same
// signature, keeps its place: code of earlier cells then sees the new one.
func (g *generator) settle() {
	scope := g.c.pkg.Scope()
	for _, id := range g.c.seen {
		if o := g.c.info.Defs[id]; o != nil {
			g.homes[o] = home{name: mangle(id.Name), seen: true}
		}
	}
	for _, name := range scope.Names() {
		o := scope.Lookup(name)
		if o.Pkg() != g.c.pkg || strings.HasPrefix(name, localMark) {
			continue
		}
		if _, known := g.c.homes[o]; known {
			continue
		}
		if g.homes[o].seen {
			continue
		}
		switch o := o.(type) {
		case *types.Var, *types.Func:
			if f, ok := o.(*types.Func); ok && isGeneric(f) {
				break
			}
			if old := g.s.names[name]; old != nil && sameKind(old.obj, o) && types.Identical(old.obj.Type(), o.Type()) {
				g.homes[o] = g.s.homes[old.obj]
				continue
			}
		case *types.PkgName:
			continue
		}
		g.homes[o] = home{name: mangle(name)}
	}
}

func sameKind(a, b types.Object) bool {
	switch a := a.(type) {
	case *types.Var:
		_, ok := b.(*types.Var)
		return ok
	case *types.Func:
		_, ok := b.(*types.Func)
		return ok && !isGeneric(a)
	}
	return false
}

func isGeneric(f *types.Func) bool {
	return f.Signature().TypeParams().Len() > 0
}

// imported is the name under which the generated file knows an import path.
func (g *generator) imported(path string) string {
	g.imports[path] = true
	return g.s.alias(path)
}

// own tells whether a home is in the package being generated.
func (h home) own() bool { return h.cell == nil && h.path == "" && h.dynamic == "" }

// reference is how generated code spells a package-level object.
func (g *generator) reference(o types.Object) (string, error) {
	h, ok := g.homes[o]
	if !ok {
		if h, ok = g.c.homes[o]; !ok {
			h, ok = g.s.homes[o]
		}
	}
	switch {
	case ok && h.dynamic != "":
		return g.lookup(h.dynamic, o.Type())
	case ok && h.cell != nil:
		g.cells[h.cell] = true
		ref := fmt.Sprintf("%sc%d.%s", localMark, h.cell.seq, h.name)
		if h.seen {
			ref = "(*" + ref + ")"
		}
		return ref, nil
	case ok && h.path != "":
		return g.imported(h.path) + "." + h.name, nil
	case ok && h.seen:
		return "(*" + h.name + ")", nil
	case ok:
		return h.name, nil
	case !ofCell(o) && o.Pkg() != nil:
		return g.imported(o.Pkg().Path()) + "." + o.Name(), nil
	}
	return "", fmt.Errorf("%s is not known to the session", o.Name())
}

// replace records an edit of the text of a stretch of positions.
func (g *generator) replace(from, to token.Pos, text string) {
	a, ok1 := g.unit.offset(from)
	b, ok2 := g.unit.offset(to)
	if ok1 && ok2 {
		g.edits = append(g.edits, edit{a, b, text, len(g.edits)})
	}
}

func (g *generator) insert(at token.Pos, text string) { g.replace(at, at, text) }

// text is the unit's source from one offset to another with the edits in it.
func (g *generator) text(from, to int) string {
	var in []edit
	for _, e := range g.edits {
		if e.start >= from && e.end <= to {
			in = append(in, e)
		}
	}
	// At one place insertions come first, and the longest replacement swallows
	// the edits inside it.
	slices.SortFunc(in, func(a, b edit) int {
		if a.start != b.start {
			return a.start - b.start
		}
		aEmpty, bEmpty := a.start == a.end, b.start == b.end
		switch {
		case aEmpty && bEmpty:
			return a.order - b.order
		case aEmpty:
			return -1
		case bEmpty:
			return 1
		case a.end != b.end:
			return b.end - a.end
		}
		return b.order - a.order
	})
	var out strings.Builder
	at := from
	for _, e := range in {
		if e.start < at {
			continue
		}
		out.WriteString(g.unit.src[at:e.start])
		out.WriteString(e.text)
		at = e.end
	}
	out.WriteString(g.unit.src[at:to])
	return out.String()
}

// nodeText is text for the stretch of a node.
func (g *generator) nodeText(n ast.Node) string {
	a, _ := g.unit.offset(n.Pos())
	b, _ := g.unit.offset(n.End())
	return g.text(a, b)
}

// line is the directive that makes what follows count as being on p's line.
func (g *generator) line(p token.Pos) string {
	off, ok := g.unit.offset(p)
	if !ok {
		return "\n"
	}
	n, _ := lineCol(g.unit.src, off)
	return fmt.Sprintf("\n//line %s:%d\n", g.unit.file, n)
}

// declarations writes the types, constants and functions of a unit.
func (g *generator) declarations(u *unit) {
	g.unit, g.edits = u, nil
	for _, d := range u.decls.Decls {
		if !u.isDecl(d) {
			continue
		}
		switch d := d.(type) {
		case *ast.GenDecl:
			if d.Tok == token.IMPORT || d.Tok == token.VAR {
				continue
			}
			g.edits = nil
			g.rewrite(d, nil)
			g.types.WriteString(g.line(d.Pos()) + g.nodeText(d) + "\n")
		case *ast.FuncDecl:
			g.edits = nil
			g.function(d)
		}
	}
}

// function writes a function or method. A plain function is called through a
// variable, which a later cell may set to another function of the same type.
func (g *generator) function(d *ast.FuncDecl) {
	obj, _ := g.c.info.Defs[d.Name].(*types.Func)
	if d.Recv == nil && obj != nil && !isGeneric(obj) {
		off, _ := g.unit.offset(d.Pos())
		g.caller = implMark + d.Name.Name
		g.callerLine, _ = lineCol(g.unit.src, off)
	}
	g.rewrite(d, obj)
	g.caller = ""
	switch {
	case d.Recv != nil || obj == nil && d.Name.Name != "init":
	case d.Name.Name == "init":
		name := fmt.Sprintf("%sinit%d", implMark, len(g.inits))
		g.inits = append(g.inits, name)
		g.replace(d.Name.Pos(), d.Name.End(), name)
	case d.Name.Name == "_":
	case isGeneric(obj):
		g.replace(d.Name.Pos(), d.Name.End(), mangle(d.Name.Name))
	default:
		impl := implMark + d.Name.Name
		g.replace(d.Name.Pos(), d.Name.End(), impl)
		ref, err := g.reference(obj)
		if err == nil && g.homes[obj].own() {
			var sig string
			if sig, err = g.typeText(obj.Type()); err == nil {
				fmt.Fprintf(&g.types, "\nvar %s %s", ref, sig)
			}
		}
		if err != nil {
			g.fail(d.Name.Pos(), "function %s: %v", d.Name.Name, err)
		}
		fmt.Fprintf(&g.body, "\n%s = %s", ref, impl)
	}
	if d.Body == nil {
		g.fail(d.Name.Pos(), "missing function body")
	}
	g.types.WriteString(g.line(d.Pos()) + g.nodeText(d) + "\n")
}

// variables declares what the statements assign.
func (g *generator) variables() {
	for _, id := range g.c.vars {
		o, ok := g.c.info.Defs[id].(*types.Var)
		if !ok || !g.homes[o].own() {
			continue
		}
		text, err := g.typeText(o.Type())
		var no unnameable
		switch {
		case errors.As(err, &no):
			g.fail(id.Pos(), "variable %s cannot live on after the cell: %v; declare it inside a function or block, or convert it to a type with a name", id.Name, err)
			continue
		case err != nil:
			g.fail(id.Pos(), "variable %s: %v", id.Name, err)
			continue
		}
		fmt.Fprintf(&g.types, "\nvar %s %s", g.homes[o].name, text)
	}
}

// lookAgain makes the pointers through which variables of earlier cells are
// seen under newer types.
func (g *generator) lookAgain() {
	for _, id := range g.c.seen {
		o, _ := g.c.info.Defs[id].(*types.Var)
		old, err := g.reference(g.s.names[id.Name].obj)
		var text string
		if err == nil {
			text, err = g.typeText(o.Type())
		}
		if err != nil {
			g.fail(id.Pos(), "variable %s: %v", id.Name, err)
			continue
		}
		name := g.homes[o].name
		fmt.Fprintf(&g.types, "\nvar %s *%s", name, text)
		fmt.Fprintf(&g.body, "\n%s = (*%s)(%s.Pointer(&%s))", name, text, g.imported("unsafe"), old)
	}
}

// assemble puts the file together.
func (g *generator) assemble() *generated {
	out := &generated{homes: g.homes, marked: g.marked, registered: slices.Collect(maps.Keys(g.register))}
	prologue := g.registration()
	var b strings.Builder
	b.WriteString("package " + localMark + "main\n") // reflection shows it as main
	for path := range g.imports {
		out.imports = append(out.imports, path)
	}
	slices.Sort(out.imports)
	for _, path := range out.imports {
		fmt.Fprintf(&b, "import %s %q\n", g.s.alias(path), path)
	}
	for _, path := range g.c.blanks {
		fmt.Fprintf(&b, "import _ %q\n", path)
		out.imports = append(out.imports, path)
	}
	for c := range g.cells {
		out.cells = append(out.cells, c)
	}
	slices.SortFunc(out.cells, func(a, b *built) int { return a.seq - b.seq })
	for _, c := range out.cells {
		fmt.Fprintf(&b, "import %sc%d %q\n", localMark, c.seq, c.path)
	}
	fmt.Fprintf(&b, "var _ = %s.Check\n", g.s.alias(incellPath))
	for name := range g.embedded {
		fmt.Fprintf(&b, "type %s%s = %s\n", typeMark, name, name)
	}
	b.WriteString(g.types.String())
	fmt.Fprintf(&b, "\n//line %s:1\nfunc main() {", g.c.units[0].file)
	b.WriteString(prologue)
	b.WriteString(g.body.String())
	b.WriteString("\n}\n")
	out.source, out.profile = b.String(), g.profile()
	return out
}
