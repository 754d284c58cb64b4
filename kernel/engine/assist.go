package engine

import (
	"cmp"
	"context"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Match is one candidate of a completion.
type Match struct {
	// Text replaces the source from Completion.Start to Completion.End.
	Text string
	// Type is "function", "variable", "type", "package", "keyword", "field",
	// "method", "constant" or "magic".
	Type string
	// Signature is the Go declaration in one line, such as
	// "func(a ...any) (n int, err error)".
	Signature string
}

// Completion is what could stand at a position. Start and End count Unicode
// code points, as Jupyter does.
type Completion struct {
	Matches    []Match
	Start, End int
}

// here stands for the name being typed at the cursor.
const here = localMark + "here"

// Complete lists what can stand at pos (in code points) of src.
func (e *Engine) Complete(ctx context.Context, src string, pos int) Completion {
	off := byteOffset(src, pos)
	start := off
	for start > 0 {
		r, n := utf8.DecodeLastRuneInString(src[:start])
		if !isWord(r) {
			break
		}
		start -= n
	}
	end := off
	for end < len(src) {
		r, n := utf8.DecodeRuneInString(src[end:])
		if !isWord(r) {
			break
		}
		end += n
	}
	out := Completion{Start: utf8.RuneCountInString(src[:start]), End: utf8.RuneCountInString(src[:end])}
	if e.awaitSetup(ctx, "", nil) != nil {
		return out
	}
	prefix := src[start:off]
	if line := src[strings.LastIndexByte(src[:start], '\n')+1 : start]; line == "%" || line == "%%" {
		for _, m := range magics() {
			if strings.HasPrefix(m.name, prefix) {
				out.Matches = append(out.Matches, Match{m.name, "magic", line + strings.TrimSpace(m.name+" "+m.args)})
			}
		}
		return out
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	add := func(o types.Object, kind string) {
		if !strings.HasPrefix(o.Name(), prefix) && !strings.HasPrefix(strings.ToLower(o.Name()), strings.ToLower(prefix)) || strings.HasPrefix(o.Name(), localMark) {
			return
		}
		if kind == "" {
			kind = kindOf(o)
		}
		sig := signature(o)
		if _, ok := o.(*types.Builtin); ok {
			sig = cmp.Or(e.declaration(o).text, sig)
		}
		out.Matches = append(out.Matches, Match{o.Name(), kind, sig})
	}
	if before := strings.TrimRight(src[:start], " \t"); strings.HasSuffix(before, ".") && !strings.HasSuffix(before, "..") {
		e.members(src, start, end, add)
	} else {
		e.visible(src, start, end, prefix, add, func(m Match) { out.Matches = append(out.Matches, m) })
	}
	slices.SortStableFunc(out.Matches, func(a, b Match) int {
		// What matches to the letter first, then by name.
		if x, y := strings.HasPrefix(a.Text, prefix), strings.HasPrefix(b.Text, prefix); x != y {
			if x {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Text, b.Text)
	})
	out.Matches = slices.CompactFunc(out.Matches, func(a, b Match) bool { return a.Text == b.Text })
	return out
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// byteOffset turns a position in code points into one in bytes.
func byteOffset(src string, pos int) int {
	for i := range src {
		if pos <= 0 {
			return i
		}
		pos--
	}
	return len(src)
}

// glance type-checks unfinished source, forgiving what is wrong with it.
func (e *Engine) glance(src string) (c *checked, u *unit) {
	fset := token.NewFileSet()
	u, _ = parseUnit(fset, "cell", src, nil)
	if u.decls == nil {
		return nil, nil
	}
	// The checker may give up on a broken tree.
	defer func() {
		if recover() != nil {
			c = nil
		}
	}()
	c, _ = e.session.check(fset, u, heritage{}, e.packages, true)
	return c, u
}

// variants are texts in which the cursor stands at the name here: first the
// whole cell, then the part before the cursor with its brackets closed.
func variants(src string, start, end int) []string {
	return []string{
		src[:start] + here + src[end:],
		src[:start] + here + closing(src[:start]),
	}
}

// closing are the brackets that a text leaves open.
func closing(src string) string {
	open, _ := brackets(src)
	return open
}

// brackets are what would close those that a text leaves open; crossed tells that
// one closes what is not open, which nothing that follows could mend.
func brackets(src string) (open string, crossed bool) {
	var out []byte
	for _, t := range tokens(src) {
		switch t {
		case "(":
			out = append(out, ')')
		case "[":
			out = append(out, ']')
		case "{":
			out = append(out, '}')
		case ")", "]", "}":
			n := len(out)
			crossed = crossed || n == 0 || out[n-1] != t[0]
			if n > 0 {
				out = out[:n-1]
			}
		}
	}
	slices.Reverse(out)
	return string(out), crossed
}

// members lists what can stand behind a dot.
func (e *Engine) members(src string, start, end int, add func(types.Object, string)) {
	for _, text := range variants(src, start, end) {
		c, u := e.glance(text)
		if c == nil {
			continue
		}
		var sel *ast.SelectorExpr
		find := func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == here {
				sel = s
			}
			return sel == nil
		}
		ast.Inspect(u.decls, find)
		if sel == nil {
			continue
		}
		if id, ok := sel.X.(*ast.Ident); ok {
			if p, ok := c.info.Uses[id].(*types.PkgName); ok {
				scope := p.Imported().Scope()
				for _, name := range scope.Names() {
					if o := scope.Lookup(name); o.Exported() {
						add(o, "")
					}
				}
				return
			}
		}
		tv, ok := c.info.Types[sel.X]
		if !ok || tv.Type == nil || tv.Type == types.Typ[types.Invalid] {
			continue
		}
		membersOf(tv.Type, tv.IsType(), add)
		return
	}
}

// membersOf lists fields, also of embedded structs, and methods.
func membersOf(t types.Type, isType bool, add func(types.Object, string)) {
	visible := func(o types.Object) bool { return o.Exported() || ofCell(o) }
	set := types.NewMethodSet(t)
	if _, isPtr := t.(*types.Pointer); !isPtr && !types.IsInterface(t) && !isType {
		set = types.NewMethodSet(types.NewPointer(t))
	}
	for m := range set.Methods() {
		if visible(m.Obj()) {
			add(m.Obj(), "method")
		}
	}
	if isType {
		return
	}
	seen := map[types.Type]bool{}
	var fields func(types.Type)
	fields = func(t types.Type) {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		if seen[t] {
			return
		}
		seen[t] = true
		if s, ok := t.Underlying().(*types.Struct); ok {
			for f := range s.Fields() {
				if visible(f) {
					add(f, "field")
				}
				if f.Embedded() {
					fields(f.Type())
				}
			}
		}
	}
	fields(t)
}

var keywords = []string{"break", "case", "chan", "const", "continue", "default", "defer", "else", "fallthrough", "for", "func", "go", "goto", "if",
	"import", "interface", "map", "package", "range", "return", "select", "struct", "switch", "type", "var"}

// visible lists what a bare name can mean at the cursor.
func (e *Engine) visible(src string, start, end int, prefix string, add func(types.Object, string), raw func(Match)) {
	for _, text := range variants(src, start, end) {
		c, u := e.glance(text)
		if c == nil {
			continue
		}
		var at *ast.Ident
		ast.Inspect(u.decls, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.Name == here {
				at = id
			}
			return at == nil
		})
		if at == nil {
			continue
		}
		// The innermost scope around the cursor, then outwards to the package's.
		var inner *types.Scope
		for _, s := range c.info.Scopes {
			if s.Contains(at.Pos()) && (inner == nil || s.End()-s.Pos() < inner.End()-inner.Pos()) {
				inner = s
			}
		}
		for s := inner; s != nil && s != c.pkg.Scope() && s != types.Universe; s = s.Parent() {
			for _, name := range s.Names() {
				if _, o := s.LookupParent(name, at.Pos()); o != nil {
					add(o, "")
				}
			}
		}
		for _, name := range c.pkg.Scope().Names() {
			if o := c.pkg.Scope().Lookup(name); o.Pkg() == c.pkg {
				add(o, "")
			}
		}
		break
	}
	for _, b := range e.session.names {
		add(b.obj, "")
	}
	offer := func(name, kind, sig string) {
		if strings.HasPrefix(name, prefix) {
			raw(Match{name, kind, sig})
		}
	}
	for name, p := range e.session.imports {
		offer(name, "package", "package "+p.Path())
	}
	for _, name := range types.Universe.Names() {
		add(types.Universe.Lookup(name), "")
	}
	offer("must", "function", "func must[T any](v T, err error) T")
	offer("ctx", "variable", "var ctx context.Context")
	offer("Display", "function", "func Display(values ...any)")
	offer("display", "package", "package "+displayPath)
	for _, k := range keywords {
		offer(k, "keyword", "")
	}
	if len(prefix) >= 2 {
		for name, path := range e.packages.nameIndex() {
			offer(name, "package", "package "+path)
		}
	}
}

func kindOf(o types.Object) string {
	switch o := o.(type) {
	case *types.Func, *types.Builtin:
		return "function"
	case *types.Var:
		if o.IsField() {
			return "field"
		}
	case *types.TypeName:
		return "type"
	case *types.Const, *types.Nil:
		return "constant"
	case *types.PkgName:
		return "package"
	}
	return "variable"
}

// unqualified names the packages of types as people write them.
func unqualified(p *types.Package) string {
	if p.Path() == "main" {
		return ""
	}
	return p.Name()
}

// signature is an object's declaration in one line.
func signature(o types.Object) string {
	switch o := o.(type) {
	case *types.PkgName:
		return "package " + o.Imported().Path()
	case *types.Builtin:
		return "func " + o.Name()
	case *types.TypeName:
		s := types.ObjectString(o, unqualified)
		if len(s) > 200 {
			s = s[:200] + " …"
		}
		return s
	}
	return types.ObjectString(o, unqualified)
}
