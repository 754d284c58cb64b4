package engine

import (
	"fmt"
	"go/types"
	"strconv"
	"strings"
)

// unnameable is the complaint about a type that no source text can name outside
// the place where it was declared.
type unnameable struct{ t types.Type }

func (u unnameable) Error() string {
	return fmt.Sprintf("its type %s cannot be named here", types.TypeString(u.t, func(*types.Package) string { return "" }))
}

// typeText writes a type as generated code of this cell spells it.
func (g *generator) typeText(t types.Type) (string, error) {
	var b strings.Builder
	if err := g.writeType(&b, t); err != nil {
		return "", err
	}
	return b.String(), nil
}

func (g *generator) writeType(b *strings.Builder, t types.Type) error {
	switch t := t.(type) {
	case *types.Basic:
		if t.Info()&types.IsUntyped != 0 {
			return unnameable{t}
		}
		if t.Kind() == types.UnsafePointer {
			b.WriteString(g.imported("unsafe") + ".Pointer")
			return nil
		}
		b.WriteString(t.Name())
	case *types.Pointer:
		b.WriteString("*")
		return g.writeType(b, t.Elem())
	case *types.Slice:
		b.WriteString("[]")
		return g.writeType(b, t.Elem())
	case *types.Array:
		fmt.Fprintf(b, "[%d]", t.Len())
		return g.writeType(b, t.Elem())
	case *types.Map:
		b.WriteString("map[")
		if err := g.writeType(b, t.Key()); err != nil {
			return err
		}
		b.WriteString("]")
		return g.writeType(b, t.Elem())
	case *types.Chan:
		switch t.Dir() {
		case types.SendOnly:
			b.WriteString("chan<- ")
		case types.RecvOnly:
			b.WriteString("<-chan ")
		default:
			b.WriteString("chan ")
		}
		b.WriteString("(")
		defer b.WriteString(")")
		return g.writeType(b, t.Elem())
	case *types.Signature:
		b.WriteString("func")
		return g.writeSignature(b, t)
	case *types.Struct:
		return g.writeStruct(b, t)
	case *types.Interface:
		return g.writeInterface(b, t)
	case *types.Union:
		for i := range t.Len() {
			if i > 0 {
				b.WriteString(" | ")
			}
			if t.Term(i).Tilde() {
				b.WriteString("~")
			}
			if err := g.writeType(b, t.Term(i).Type()); err != nil {
				return err
			}
		}
	case *types.Alias:
		return g.writeNamed(b, t, t.Obj(), t.TypeArgs())
	case *types.Named:
		return g.writeNamed(b, t, t.Obj(), t.TypeArgs())
	case *types.TypeParam:
		b.WriteString(t.Obj().Name())
	default:
		return unnameable{t}
	}
	return nil
}

func (g *generator) writeNamed(b *strings.Builder, t types.Type, o *types.TypeName, args *types.TypeList) error {
	switch {
	case o.Pkg() == nil:
		b.WriteString(o.Name())
	case !packageLevel(o):
		if a, ok := t.(*types.Alias); ok {
			return g.writeType(b, types.Unalias(a))
		}
		return unnameable{t}
	case !ofCell(o) && !o.Exported():
		if a, ok := t.(*types.Alias); ok {
			return g.writeType(b, types.Unalias(a))
		}
		return unnameable{t}
	default:
		ref, err := g.reference(o)
		if err != nil {
			return err
		}
		b.WriteString(ref)
	}
	if args.Len() == 0 {
		return nil
	}
	b.WriteString("[")
	for i := range args.Len() {
		if i > 0 {
			b.WriteString(", ")
		}
		if err := g.writeType(b, args.At(i)); err != nil {
			return err
		}
	}
	b.WriteString("]")
	return nil
}

func (g *generator) writeSignature(b *strings.Builder, sig *types.Signature) error {
	write := func(tuple *types.Tuple, variadic bool) error {
		b.WriteString("(")
		for i := range tuple.Len() {
			if i > 0 {
				b.WriteString(", ")
			}
			t := tuple.At(i).Type()
			if variadic && i == tuple.Len()-1 {
				b.WriteString("...")
				if s, ok := t.(*types.Slice); ok {
					t = s.Elem()
				}
			}
			if err := g.writeType(b, t); err != nil {
				return err
			}
		}
		b.WriteString(")")
		return nil
	}
	if err := write(sig.Params(), sig.Variadic()); err != nil {
		return err
	}
	if sig.Results().Len() > 0 {
		b.WriteString(" ")
		return write(sig.Results(), false)
	}
	return nil
}

func (g *generator) writeStruct(b *strings.Builder, t *types.Struct) error {
	b.WriteString("struct{ ")
	for i := range t.NumFields() {
		f := t.Field(i)
		if !ofCell(f) && !f.Exported() {
			return unnameable{t}
		}
		if !f.Embedded() {
			b.WriteString(memberName(f) + " ")
			if err := g.writeType(b, f.Type()); err != nil {
				return err
			}
		} else if name := memberName(f); strings.HasPrefix(name, typeMark) {
			b.WriteString(g.embed(f))
		} else if err := g.writeType(b, f.Type()); err != nil {
			return err
		}
		tag := t.Tag(i)
		if tag == "" && isHidden(f) {
			tag = hiddenTag
		}
		if tag != "" {
			b.WriteString(" " + strconv.Quote(tag))
		}
		b.WriteString("; ")
	}
	b.WriteString("}")
	return nil
}

func (g *generator) writeInterface(b *strings.Builder, t *types.Interface) error {
	b.WriteString("interface{ ")
	for m := range t.ExplicitMethods() {
		if !ofCell(m) && !m.Exported() {
			return unnameable{t}
		}
		b.WriteString(memberName(m))
		if err := g.writeSignature(b, m.Signature()); err != nil {
			return err
		}
		b.WriteString("; ")
	}
	for e := range t.EmbeddedTypes() {
		if err := g.writeType(b, e); err != nil {
			return err
		}
		b.WriteString("; ")
	}
	b.WriteString("}")
	return nil
}

// embed is the embedding of a predeclared type, under an alias whose name is
// exported.
func (g *generator) embed(f *types.Var) string {
	g.embedded[f.Name()] = true
	if _, ok := f.Type().(*types.Pointer); ok {
		return "*" + typeMark + f.Name()
	}
	return typeMark + f.Name()
}
