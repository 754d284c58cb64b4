package engine

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// fileName is what positions call a cell. A count that was used before gets a
// number, so that a traceback never shows another cell's source.
func (s *session) fileName(count int) string {
	name := fmt.Sprintf("cell [%d]", count)
	for n := 2; s.units[name] != nil; n++ {
		name = fmt.Sprintf("cell [%d] (%d)", count, n)
	}
	return name
}

// commit makes what a cell declared known to the session. A cell that failed
// has declared the variables of those statements that it completed, and all its
// types, constants and functions.
func (s *session) commit(p *plugin, mark int, failed bool) {
	c, gen := p.checked, p.generated
	for o, h := range gen.homes {
		if h.own() {
			h.cell = p.cell
		}
		s.homes[o] = h
	}
	for name, pkg := range c.importNames {
		s.imports[name] = pkg
		delete(s.names, name)
	}
	s.dots = append(s.dots, c.dots...)
	s.blanks = append(s.blanks, c.blanks...)
	bind := func(name string, b *binding) {
		s.names[name] = b
		delete(s.imports, name)
	}
	for _, u := range c.units {
		u.declared(func(id *ast.Ident, at chunk, recv *ast.Ident) {
			if recv != nil || id.Name == "_" || id.Name == "init" {
				return
			}
			if o := c.info.Defs[id]; o != nil {
				bind(id.Name, &binding{obj: o, from: source{u, at}})
			}
		})
	}
	for _, u := range c.units {
		u.declared(func(_ *ast.Ident, at chunk, recv *ast.Ident) {
			if recv == nil {
				return
			}
			if b := s.names[recv.Name]; b != nil {
				b.methods = append(b.methods, source{u, at})
			}
		})
	}
	for _, id := range c.vars {
		if failed && gen.marked[id.Name] > mark {
			continue
		}
		if o := c.info.Defs[id]; o != nil {
			bind(id.Name, &binding{obj: o})
		}
	}
	// The trees have done their work; the text stays, for tracebacks.
	for _, u := range c.units {
		u.decls, u.stmts, u.unresolved = nil, nil, nil
	}
}

// inherit finds the earlier declarations that a cell must take again: a method
// added to a type of an earlier cell means that type, declared anew with all its
// methods.
func (s *session) inherit(fset *token.FileSet, u *unit) []*unit {
	own := map[string]bool{}
	wanted := map[string]bool{}
	given := map[string]map[string]bool{} // methods that the cell itself declares
	u.declared(func(id *ast.Ident, _ chunk, recv *ast.Ident) {
		if recv == nil {
			own[id.Name] = true
			return
		}
		wanted[recv.Name] = true
		if given[recv.Name] == nil {
			given[recv.Name] = map[string]bool{}
		}
		given[recv.Name][id.Name] = true
	})
	pick := map[*unit]map[chunk]bool{}
	var order []*unit
	take := func(src source) {
		if pick[src.unit] == nil {
			pick[src.unit] = map[chunk]bool{}
			order = append(order, src.unit)
		}
		pick[src.unit][src.at] = true
	}
	for name := range wanted {
		b := s.names[name]
		if own[name] || b == nil {
			continue
		}
		if _, ok := b.obj.(*types.TypeName); !ok || b.from.unit == nil {
			continue
		}
		take(b.from)
		for _, m := range b.methods {
			if !given[name][methodName(m)] {
				take(m)
			}
		}
	}
	var out []*unit
	for _, old := range order {
		again, errs := parseUnit(fset, old.file, old.src, func(c chunk) bool { return pick[old][c] })
		if len(errs) == 0 {
			out = append(out, again)
		}
	}
	return out
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
