package engine

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// A method added to a type of an earlier cell means that type declared anew,
// with all its methods. The same happens when a cell declares a type again. What
// was built on the older type, functions and other types, is then taken again on
// top of the newer one, and variables of that type are seen through it when it
// looks the same in memory.

// heritage is what a cell takes again.
type heritage struct {
	units []*unit
	// vars are the earlier variables that are seen through newer types.
	vars []string
}

// inherit finds the heritage of a cell. When deep is false it is only what the
// cell cannot do without: types that it adds methods to.
func (s *session) inherit(fset *token.FileSet, u *unit, deep bool) heritage {
	own := map[string]chunk{}
	given := map[string]map[string]bool{} // methods that the cell itself declares
	affected := map[string]bool{}
	unchanged := true
	u.declared(func(id *ast.Ident, at chunk, recv *ast.Ident) {
		if recv == nil {
			own[id.Name] = at
			return
		}
		if given[recv.Name] == nil {
			given[recv.Name] = map[string]bool{}
		}
		given[recv.Name][id.Name] = true
	})
	p := picker{s: s, own: own, given: given, affected: affected, chosen: map[*unit]map[chunk]bool{}}
	for name := range given {
		if _, ok := own[name]; !ok {
			p.pickType(name)
		}
	}
	if deep {
		for name, at := range own {
			if b := s.names[name]; b != nil && b.isType() && b.from.unit != nil {
				affected[name] = true
				unchanged = unchanged && sameTokens(b.from.text(), u.src[at.start:at.end])
			}
		}
	}
	if len(affected) == 0 {
		return heritage{}
	}
	var h heritage
	if deep {
		p.pickDependents()
		if unchanged {
			h.vars = s.variablesOf(affected, own)
		}
	}
	for _, old := range p.order {
		again, errs := parseUnit(fset, old.file, old.src, func(c chunk) bool { return p.chosen[old][c] })
		if len(errs) == 0 {
			h.units = append(h.units, again)
		}
	}
	return h
}

func (b *binding) isType() bool {
	_, ok := b.obj.(*types.TypeName)
	return ok
}

func (src source) text() string { return src.unit.src[src.at.start:src.at.end] }

// picker chooses earlier declarations.
type picker struct {
	s        *session
	own      map[string]chunk
	given    map[string]map[string]bool
	affected map[string]bool // names that get a newer meaning
	chosen   map[*unit]map[chunk]bool
	order    []*unit
}

func (p *picker) take(src source) {
	if p.chosen[src.unit] == nil {
		p.chosen[src.unit] = map[chunk]bool{}
		p.order = append(p.order, src.unit)
	}
	p.chosen[src.unit][src.at] = true
}

// pick takes the declaration of a name, with all that stands in the same group;
// it tells whether it could.
func (p *picker) pick(name string) bool {
	b := p.s.names[name]
	if b == nil || b.from.unit == nil {
		return false
	}
	var group []string
	for other, o := range p.s.names {
		if o.from == b.from {
			if _, clash := p.own[other]; clash {
				return false
			}
			group = append(group, other)
		}
	}
	p.take(b.from)
	for _, other := range group {
		p.affected[other] = true
		for _, m := range p.s.names[other].methods {
			if !p.given[other][methodName(m)] {
				p.take(m)
			}
		}
	}
	return true
}

// pickType is pick for types only.
func (p *picker) pickType(name string) {
	if b := p.s.names[name]; b != nil && b.isType() {
		p.pick(name)
	}
}

// pickDependents takes what mentions an affected name and was declared when the
// name had its latest meaning.
func (p *picker) pickDependents() {
	tried := map[string]bool{}
	for again := true; again; {
		again = false
		for name, b := range p.s.names {
			if tried[name] || p.affected[name] || b.from.unit == nil {
				continue
			}
			if _, mine := p.own[name]; mine {
				continue
			}
			for mentioned := range b.mentions() {
				if o := p.s.names[mentioned]; p.affected[mentioned] && (o == nil || o.seq <= b.seq) {
					tried[name] = true
					again = p.pick(name) || again
					break
				}
			}
		}
	}
}

// mentions are the identifiers in a declaration and its methods.
func (b *binding) mentions() map[string]bool {
	if b.words == nil {
		b.words = map[string]bool{}
		for _, src := range append([]source{b.from}, b.methods...) {
			for _, t := range tokens(src.text()) {
				b.words[t] = true
			}
		}
	}
	return b.words
}

// tokens are the words of a Go text.
func tokens(text string) (out []string) {
	fset := token.NewFileSet()
	var sc scanner.Scanner
	sc.Init(fset.AddFile("", fset.Base(), len(text)), []byte(text), func(token.Position, string) {}, 0)
	for {
		_, t, lit := sc.Scan()
		if t == token.EOF {
			return out
		}
		if lit == "" || t == token.SEMICOLON {
			lit = t.String()
		}
		out = append(out, lit)
	}
}

// sameTokens tells whether two texts differ in white space and comments only.
func sameTokens(a, b string) bool { return slices.Equal(tokens(a), tokens(b)) }

// variablesOf lists the variables whose types are made of affected ones.
func (s *session) variablesOf(affected map[string]bool, own map[string]chunk) (out []string) {
	objs := map[*types.TypeName]bool{}
	for name := range affected {
		if t, ok := s.names[name].obj.(*types.TypeName); ok {
			objs[t] = true
		}
	}
	for name, b := range s.names {
		v, ok := b.obj.(*types.Var)
		if _, mine := own[name]; !ok || mine {
			continue
		}
		if hit, current := s.madeOf(v.Type(), objs); hit && current {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// madeOf tells whether a type mentions one of objs, and whether all of its names
// still mean what they meant.
func (s *session) madeOf(t types.Type, objs map[*types.TypeName]bool) (hit, current bool) {
	current = true
	seen := map[types.Type]bool{}
	var walk func(types.Type)
	tuple := func(t *types.Tuple) {
		for v := range t.Variables() {
			walk(v.Type())
		}
	}
	name := func(o *types.TypeName, args *types.TypeList) {
		hit = hit || objs[o]
		if ofCell(o) {
			b := s.names[o.Name()]
			current = current && packageLevel(o) && b != nil && b.obj == types.Object(o)
		} else if o.Pkg() != nil && !o.Exported() {
			current = false
		}
		for t := range args.Types() {
			walk(t)
		}
	}
	walk = func(t types.Type) {
		if seen[t] {
			return
		}
		seen[t] = true
		switch t := t.(type) {
		case *types.Pointer:
			walk(t.Elem())
		case *types.Slice:
			walk(t.Elem())
		case *types.Array:
			walk(t.Elem())
		case *types.Chan:
			walk(t.Elem())
		case *types.Map:
			walk(t.Key())
			walk(t.Elem())
		case *types.Signature:
			tuple(t.Params())
			tuple(t.Results())
		case *types.Struct:
			for f := range t.Fields() {
				walk(f.Type())
			}
		case *types.Interface:
			for m := range t.ExplicitMethods() {
				walk(m.Type())
			}
		case *types.Named:
			name(t.Obj(), t.TypeArgs())
		case *types.Alias:
			name(t.Obj(), t.TypeArgs())
		}
	}
	walk(t)
	return hit, current
}

// declareSeen adds to the cell the variables that it sees through newer types.
func (s *session) declareSeen(c *checked, names []string) (decls []ast.Decl) {
	for _, name := range names {
		old := s.names[name].obj.(*types.Var)
		text := types.TypeString(old.Type(), func(p *types.Package) string {
			if p.Path() == "main" {
				return ""
			}
			as := localMark + "p" + strings.Map(func(r rune) rune {
				if r == '/' || r == '.' || r == '-' {
					return '_'
				}
				return r
			}, p.Path())
			if c.pkg.Scope().Lookup(as) == nil {
				c.pkg.Scope().Insert(types.NewPkgName(token.NoPos, c.pkg, as, p))
			}
			return as
		})
		expr, err := parser.ParseExpr(text)
		if err != nil {
			continue
		}
		id := ast.NewIdent(name)
		id.NamePos = token.NoPos
		ast.Inspect(expr, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				id.NamePos = token.NoPos
			}
			return true
		})
		decls = append(decls, &ast.GenDecl{Tok: token.VAR, Specs: []ast.Spec{&ast.ValueSpec{Names: []*ast.Ident{id}, Type: expr}}})
		c.seen = append(c.seen, id)
	}
	return decls
}

// methodName reads a method's name off its text.
func methodName(m source) string {
	text := m.unit.src[m.at.start:m.at.end]
	depth := 0
	for i, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				name := strings.TrimSpace(text[i+1:])
				if end := strings.IndexAny(name, "([ \t"); end >= 0 {
					return name[:end]
				}
				return name
			}
		}
	}
	return ""
}
