package engine

import (
	"fmt"
	"go/ast"
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

// commit makes what a cell declared known to the session.
func (s *session) commit(p *plugin, mark int, failed bool) {
	s.bind(p, mark, failed)
	if p.declares() {
		s.generation++
		if failed {
			s.generation++ // it is not what it was to be
		}
	}
	// The trees have done their work; the text stays, for tracebacks.
	for _, u := range p.checked.units {
		u.decls, u.stmts, u.unresolved = nil, nil, nil
	}
}

// declares tells whether a cell changes what the session knows.
func (p *plugin) declares() bool {
	c, gen := p.checked, p.generated
	return len(gen.homes)+len(gen.registered)+len(c.importNames)+len(c.used)+len(c.dots)+len(c.blanks) > 0
}

// bind does so. A cell that failed has declared the variables of those statements
// that it completed, and all its types, constants and functions.
func (s *session) bind(p *plugin, mark int, failed bool) {
	c, gen := p.checked, p.generated
	for o, h := range gen.homes {
		if h.own() {
			h.cell = p.cell
		}
		s.homes[o] = h
	}
	for _, id := range gen.registered {
		s.registered[id] = true
	}
	for name, pkg := range c.importNames {
		s.imports[name] = pkg
		delete(s.names, name)
	}
	for _, pkg := range c.used {
		s.imports[pkg.Name()] = pkg
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
				bind(id.Name, &binding{obj: o, from: source{u, at}, seq: p.cell.seq})
			}
		})
	}
	for _, u := range c.units {
		u.declared(func(_ *ast.Ident, at chunk, recv *ast.Ident) {
			if recv == nil {
				return
			}
			if b := s.names[recv.Name]; b != nil {
				b.methods, b.words = append(b.methods, source{u, at}), nil
			}
		})
	}
	for _, id := range c.vars {
		if failed && gen.marked[id.Name] > mark {
			continue
		}
		if o := c.info.Defs[id]; o != nil {
			bind(id.Name, &binding{obj: o, seq: p.cell.seq})
		}
	}
	for _, id := range c.seen {
		if o := c.info.Defs[id]; o != nil {
			bind(id.Name, &binding{obj: o, seq: p.cell.seq})
		}
	}
}
