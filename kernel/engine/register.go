package engine

import (
	"fmt"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// Simple cells reach the variables, functions and types of compiled ones through
// the worker's registry, and compiled ones reach the variables of simple cells.

// lookup spells a variable that a simple cell has made: a pointer to it, found
// when the cell starts.
func (g *generator) lookup(id string, t types.Type) (string, error) {
	if _, ok := g.dynamic[id]; !ok {
		text, err := g.typeText(t)
		if err != nil {
			return "", err
		}
		g.dynamic[id] = text
	}
	return "(*" + dynamicName(id) + ")", nil
}

func dynamicName(id string) string { return localMark + "v" + strings.ReplaceAll(id, ".", "_") }

// registration is the code that makes the cell's things known to simple cells.
func (g *generator) registration() string {
	var b strings.Builder
	rt := g.imported(incellPath)
	for _, id := range slices.Sorted(maps.Keys(g.dynamic)) {
		fmt.Fprintf(&g.types, "\nvar %s *%s", dynamicName(id), g.dynamic[id])
		fmt.Fprintf(&b, "\n%s = %s.Lookup[%s](%q)", dynamicName(id), rt, g.dynamic[id], id)
	}
	scope := g.c.pkg.Scope()
	for _, name := range scope.Names() {
		o := scope.Lookup(name)
		h, ok := g.homes[o]
		if !ok || !h.own() || h.seen {
			continue
		}
		id := fmt.Sprintf("%d.%s", g.seq, h.name)
		switch o := o.(type) {
		case *types.Var:
			fmt.Fprintf(&b, "\n%s.Var(%q, &%s)", rt, id, h.name)
		case *types.Func:
			if !isGeneric(o) {
				fmt.Fprintf(&b, "\n%s.Var(%q, &%s)", rt, id, h.name)
			}
		case *types.TypeName:
			if isOrdinary(o) {
				fmt.Fprintf(&b, "\n%s.Type(%q, (*%s)(nil))", rt, id, h.name)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(g.register)) {
		b.WriteString("\n" + g.register[id])
	}
	return b.String()
}

// isOrdinary tells types of which there are values: no generic ones and no
// constraints.
func isOrdinary(o *types.TypeName) bool {
	switch t := o.Type().(type) {
	case *types.Named:
		if t.TypeParams().Len() > 0 {
			return false
		}
	case *types.Alias:
		if t.TypeParams().Len() > 0 {
			return false
		}
	}
	i, ok := o.Type().Underlying().(*types.Interface)
	return !ok || i.IsMethodSet() && !i.IsComparable()
}

// registerImported makes simple cells able to use what this one uses.
func (g *generator) registerImported(o types.Object, ref string) {
	id := o.Pkg().Path() + "." + o.Name()
	if g.s.registered[id] || g.register[id] != "" || !o.Exported() || o.Pkg().Path() == "unsafe" {
		return
	}
	rt := g.imported(incellPath)
	switch o := o.(type) {
	case *types.Func:
		if !isGeneric(o) {
			g.register[id] = fmt.Sprintf("%s.Func(%q, %s)", rt, id, ref)
		}
	case *types.Var:
		g.register[id] = fmt.Sprintf("%s.Var(%q, &%s)", rt, id, ref)
	case *types.TypeName:
		if isOrdinary(o) {
			g.register[id] = fmt.Sprintf("%s.Type(%q, (*%s)(nil))", rt, id, ref)
		}
	}
}
