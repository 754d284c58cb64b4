package notebook

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The tags that papermill gave to the two cells that have to do with parameters.
const (
	parametersTag = "parameters"
	injectedTag   = "injected-parameters"
)

// Parameter is a value that replaces the one a notebook sets for a name.
type Parameter struct{ Name, Value string }

// ParseParameter reads "name=value". The name must be a Go identifier.
func ParseParameter(s string) (Parameter, error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok {
		return Parameter{}, fmt.Errorf("parameter %q has no value; write name=value", s)
	}
	if !token.IsIdentifier(name) || name == "_" {
		return Parameter{}, fmt.Errorf("parameter name %q is not a Go identifier", name)
	}
	return Parameter{name, value}, nil
}

// Inject sets parameters the way papermill does: a cell tagged
// "injected-parameters" is put behind the one tagged "parameters", or first
// where there is none, or in place of the one that an earlier run injected. It
// holds one Go assignment a parameter. A name that the tagged cell declares is
// assigned and keeps its type, and the value must fit; any other is declared
// with the type that the value looks like: bool, int, float64, a slice of these
// written as a JSON list, or else string.
func (nb *Notebook) Inject(params []Parameter) error {
	if len(params) == 0 {
		return nil
	}
	if _, language := nb.Kernel(); language != "" && !strings.EqualFold(language, "go") {
		return fmt.Errorf("parameters are injected as Go, but the notebook is written in %s", language)
	}
	at, old := slices.IndexFunc(nb.Cells, tagged(parametersTag)), slices.IndexFunc(nb.Cells, tagged(injectedTag))
	var declared map[string]declaration
	if at >= 0 {
		declared = declarations(nb.Cells[at].Source)
	}
	lines := []string{"// Parameters given to this run"}
	for _, p := range params {
		line, err := assignment(p, declared)
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	cell := &Cell{
		Type:     Code,
		Source:   strings.Join(lines, "\n"),
		Metadata: map[string]any{"tags": []any{injectedTag}},
	}
	if nb.Minor >= 5 {
		cell.ID = newCellID()
	}
	if old >= 0 {
		cell.ID = nb.Cells[old].ID
		nb.Cells[old] = cell
		return nil
	}
	nb.Cells = slices.Insert(nb.Cells, at+1, cell)
	return nil
}

func tagged(tag string) func(*Cell) bool {
	return func(c *Cell) bool { return c.Type == Code && c.HasTag(tag) }
}

// declaration is what the parameters cell says of a name: its type as Go source
// where that can be read off, and whether it is a constant.
type declaration struct {
	typ   string
	konst bool
}

// declarations lists the names that a cell of Go declares. What it cannot parse
// gives none.
func declarations(source string) map[string]declaration {
	fset := token.NewFileSet()
	names := map[string]declaration{}
	if f, err := parser.ParseFile(fset, "", "package p\nfunc _() {\n"+source+"\n}", parser.SkipObjectResolution); err == nil {
		for _, s := range f.Decls[0].(*ast.FuncDecl).Body.List {
			switch s := s.(type) {
			case *ast.AssignStmt:
				for i, lhs := range s.Lhs {
					if id, ok := lhs.(*ast.Ident); ok && s.Tok == token.DEFINE && len(s.Lhs) == len(s.Rhs) {
						names[id.Name] = declaration{typ: typeOf(s.Rhs[i])}
					}
				}
			case *ast.DeclStmt:
				addDeclarations(names, s.Decl)
			}
		}
		return names
	}
	if f, err := parser.ParseFile(fset, "", "package p\n"+source, parser.SkipObjectResolution); err == nil {
		for _, d := range f.Decls {
			addDeclarations(names, d)
		}
	}
	return names
}

func addDeclarations(names map[string]declaration, d ast.Decl) {
	g, ok := d.(*ast.GenDecl)
	if !ok {
		return
	}
	for _, spec := range g.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		for i, id := range v.Names {
			decl := declaration{konst: g.Tok == token.CONST}
			if v.Type != nil {
				decl.typ = typeName(v.Type)
			} else if i < len(v.Values) {
				decl.typ = typeOf(v.Values[i])
			}
			names[id.Name] = decl
		}
	}
}

// typeOf is the type of a literal or a conversion, or "" where that would need
// a type checker.
func typeOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		switch e.Kind {
		case token.INT:
			return "int"
		case token.FLOAT:
			return "float64"
		case token.STRING:
			return "string"
		}
	case *ast.Ident:
		if e.Name == "true" || e.Name == "false" {
			return "bool"
		}
	case *ast.UnaryExpr:
		return typeOf(e.X)
	case *ast.CompositeLit:
		return typeName(e.Type)
	case *ast.CallExpr:
		if id, ok := e.Fun.(*ast.Ident); ok && len(e.Args) == 1 && kindOfType(id.Name) != 0 {
			return id.Name
		}
	case *ast.BinaryExpr:
		for _, side := range []ast.Expr{e.X, e.Y} { // 30 * time.Second
			if sel, ok := side.(*ast.SelectorExpr); ok && typeName(sel.X) == "time" {
				return "time.Duration"
			}
		}
	}
	return ""
}

// typeName writes the simple types that parameters have.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return typeName(e.X) + "." + e.Sel.Name
	case *ast.ArrayType:
		if e.Len == nil {
			return "[]" + typeName(e.Elt)
		}
	}
	return ""
}

type valueKind int

const (
	otherKind valueKind = iota
	boolKind
	intKind
	floatKind
	stringKind
)

func kindOfType(typ string) valueKind {
	switch typ {
	case "bool":
		return boolKind
	case "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "byte", "rune":
		return intKind
	case "float32", "float64":
		return floatKind
	case "string":
		return stringKind
	}
	return otherKind
}

// assignment is the Go line that sets p.
func assignment(p Parameter, declared map[string]declaration) (string, error) {
	d, known := declared[p.Name]
	value, err := literal(p.Value, d.typ)
	if err != nil {
		return "", fmt.Errorf("parameter %s=%s: %w", p.Name, shorten(p.Value), err)
	}
	switch {
	case !known:
		return p.Name + " := " + value, nil
	case d.konst:
		return "const " + p.Name + " = " + value, nil
	}
	return p.Name + " = " + value, nil
}

// literal writes a value as Go source of type typ, or of the type it looks like
// when typ says nothing.
func literal(value, typ string) (string, error) {
	if typ == "time.Duration" {
		d, err := time.ParseDuration(value)
		if err != nil {
			return "", fmt.Errorf("the notebook declares a time.Duration; write for example 1m30s")
		}
		return strconv.FormatInt(int64(d), 10) + " // " + d.String(), nil
	}
	if element, ok := strings.CutPrefix(typ, "[]"); ok || typ == "" && strings.HasPrefix(value, "[") {
		items, err := jsonStrings(value)
		if err != nil {
			if !ok {
				return strconv.Quote(value), nil // text that begins with a bracket
			}
			return "", fmt.Errorf("the notebook declares a %s; write a JSON list such as [1, 2]", typ)
		}
		if element == "" {
			element = commonType(items)
		}
		for i := range items {
			if items[i], err = literal(items[i], element); err != nil {
				return "", fmt.Errorf("item %d: %w", i+1, err)
			}
		}
		return "[]" + element + "{" + strings.Join(items, ", ") + "}", nil
	}
	kind := kindOfType(typ)
	if kind == otherKind {
		kind = guessKind(value)
	}
	switch kind {
	case boolKind:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return "", fmt.Errorf("the notebook declares a bool; write true or false")
		}
		return strconv.FormatBool(b), nil
	case intKind:
		if _, err := strconv.ParseInt(value, 0, 64); err != nil {
			if _, err := strconv.ParseUint(value, 0, 64); err != nil {
				return "", fmt.Errorf("the notebook declares the whole number type %s", typ)
			}
		}
		return value, nil
	case floatKind:
		f, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return "", fmt.Errorf("not a finite number, and the notebook declares a %s", typ)
		}
		if typ == "" || !strings.ContainsAny(value, ".eExXpP") {
			return strconv.FormatFloat(f, 'g', -1, 64) + decimalPoint(f), nil
		}
		return value, nil
	}
	return strconv.Quote(value), nil
}

// decimalPoint keeps a float that is whole from being read as an int.
func decimalPoint(f float64) string {
	if strings.ContainsAny(strconv.FormatFloat(f, 'g', -1, 64), ".e") {
		return ""
	}
	return ".0"
}

func guessKind(value string) valueKind {
	if value == "true" || value == "false" || value == "True" || value == "False" {
		return boolKind
	}
	if _, err := strconv.ParseInt(value, 10, 64); err == nil {
		return intKind
	}
	if f, err := strconv.ParseFloat(value, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
		return floatKind
	}
	return stringKind
}

// jsonStrings reads a JSON list of strings, numbers and booleans, each as the
// text that a parameter's value would be.
func jsonStrings(value string) ([]string, error) {
	v, err := decodeJSON([]byte(value))
	if err != nil {
		return nil, err
	}
	items, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%s, not a list", kindOf(v))
	}
	out := make([]string, len(items))
	for i, item := range items {
		switch item.(type) {
		case string, json.Number, bool:
			out[i] = fmt.Sprint(item)
		default:
			return nil, fmt.Errorf("item %d is %s", i+1, kindOf(item))
		}
	}
	return out, nil
}

// commonType is the element type for a list without a declared one.
func commonType(items []string) string {
	kinds := map[valueKind]bool{}
	for _, item := range items {
		kinds[guessKind(item)] = true
	}
	switch {
	case len(kinds) == 1 && kinds[boolKind]:
		return "bool"
	case len(kinds) == 1 && kinds[intKind]:
		return "int"
	case len(items) > 0 && !kinds[stringKind] && !kinds[boolKind]:
		return "float64"
	}
	return "string"
}
