package cellrt

import (
	"fmt"
	"reflect"
	"strconv"
	"unsafe"

	"govle/kernel/engine/internal/incell"
	"govle/kernel/engine/internal/link"
)

// evaluator runs the statements of a simple cell. The type checker has accepted
// them, so what is checked here is only what Go checks when a program runs.
type evaluator struct{ line int }

// Evaluate returns the entry function of a simple cell. line receives the line
// that is being evaluated.
func Evaluate(program []*link.Node, line *int) func() {
	return func() {
		ev := &evaluator{}
		defer func() { *line = ev.line }()
		for _, n := range program {
			incell.Check()
			ev.line = n.Line
			ev.statement(n)
		}
	}
}

func (ev *evaluator) statement(n *link.Node) {
	switch n.Op {
	case "show":
		values := ev.results(n.Kids[0])
		out := make([]any, len(values))
		for i, v := range values {
			out[i] = v.Interface()
		}
		show(out)
	case "do":
		ev.results(n.Kids[0])
	case "assign":
		ev.assign(n)
	case "mark":
		mark(n.Index[0])
	default:
		panic("unknown statement " + n.Op)
	}
}

// assign sets Left to Kids; a Left with Op "new" makes a variable.
func (ev *evaluator) assign(n *link.Node) {
	// Operands on the left are evaluated first, then all is assigned at once.
	targets := make([]func(reflect.Value), len(n.Left))
	for i, l := range n.Left {
		targets[i] = ev.target(l)
	}
	var values []reflect.Value
	if len(n.Kids) == 1 && len(n.Left) > 1 {
		values = ev.results(n.Kids[0])
	} else {
		for _, k := range n.Kids {
			v := ev.eval(k)
			if v.IsValid() {
				c := reflect.New(v.Type()).Elem()
				c.Set(v) // a, b = b, a
				v = c
			}
			values = append(values, v)
		}
	}
	for i, v := range values {
		targets[i](v)
	}
}

func (ev *evaluator) target(n *link.Node) func(reflect.Value) {
	switch n.Op {
	case "blank":
		return func(reflect.Value) {}
	case "new":
		return func(v reflect.Value) {
			t := v.Type()
			if n.Type != nil {
				t = typeOf(n.Type)
			}
			p := reflect.New(t)
			p.Elem().Set(v)
			registry.Lock()
			registry.vars[n.Name] = p.Elem()
			registry.Unlock()
		}
	case "index":
		x := ev.eval(n.Kids[0])
		if x.Kind() == reflect.Map {
			key := assignable(ev.eval(n.Kids[1]), x.Type().Key())
			return func(v reflect.Value) { x.SetMapIndex(key, assignable(v, x.Type().Elem())) }
		}
	}
	place := ev.eval(n)
	return func(v reflect.Value) { place.Set(assignable(v, place.Type())) }
}

// assignable makes a nil, which has no type yet, into one of type t.
func assignable(v reflect.Value, t reflect.Type) reflect.Value {
	if !v.IsValid() {
		return reflect.Zero(t)
	}
	return v
}

// results evaluates an expression that may have any number of values.
func (ev *evaluator) results(n *link.Node) []reflect.Value {
	if n.Op == "call" {
		return ev.call(n)
	}
	v := ev.eval(n)
	if !v.IsValid() {
		v = reflect.Zero(reflect.TypeFor[any]())
	}
	return []reflect.Value{v}
}

// call calls a function or method.
func (ev *evaluator) call(n *link.Node) []reflect.Value {
	f := ev.eval(n.Kids[0])
	if f.IsNil() {
		nilPanic()
	}
	t := f.Type()
	var args []reflect.Value
	if n.Name == "spread" { // f(g()), where g has several results
		args = ev.results(n.Kids[1])
	} else {
		for _, k := range n.Kids[1:] {
			args = append(args, ev.eval(k))
		}
	}
	for i, a := range args {
		if !a.IsValid() {
			in := t.In(min(i, t.NumIn()-1))
			if t.IsVariadic() && i >= t.NumIn()-1 && !n.Flag {
				in = in.Elem()
			}
			args[i] = reflect.Zero(in)
		}
	}
	if n.Flag {
		return f.CallSlice(args)
	}
	return f.Call(args)
}

func nilPanic() {
	var p *int
	*p = 0
}

// eval evaluates an expression with one value. An untyped nil is the zero Value.
func (ev *evaluator) eval(n *link.Node) reflect.Value {
	switch n.Op {
	case "nil":
		return reflect.Value{}
	case "const":
		return constant(n)
	case "var":
		v, ok := lookup(n.Name)
		if !ok {
			panic(fmt.Sprintf("the session has lost %s", n.Name))
		}
		return v
	case "call":
		return ev.call(n)[0]
	case "field":
		return field(ev.eval(n.Kids[0]), n.Index)
	case "method":
		return method(ev.eval(n.Kids[0]), n.Name, n.Flag)
	case "index":
		return index(ev.eval(n.Kids[0]), ev.eval(n.Kids[1]))
	case "deref":
		p := ev.eval(n.Kids[0])
		if p.IsNil() {
			nilPanic()
		}
		return p.Elem()
	case "len":
		v := ev.eval(n.Kids[0])
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		return reflect.ValueOf(v.Len())
	case "cap":
		v := ev.eval(n.Kids[0])
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		return reflect.ValueOf(v.Cap())
	case "conv":
		return ev.eval(n.Kids[0]).Convert(typeOf(n.Type))
	case "unary":
		return unary(n.Name, ev.eval(n.Kids[0]))
	case "&&", "||":
		x := ev.eval(n.Kids[0])
		if x.Bool() == (n.Op == "||") {
			return x
		}
		return ev.eval(n.Kids[1])
	case "binary":
		return ev.binary(n)
	}
	panic("unknown expression " + n.Op)
}

// constant makes a constant of a type.
func constant(n *link.Node) reflect.Value {
	v := reflect.New(typeOf(n.Type)).Elem()
	switch {
	case v.Kind() == reflect.Bool:
		v.SetBool(n.Text == "true")
	case v.Kind() == reflect.String:
		v.SetString(n.Text)
	case v.CanInt():
		i, _ := strconv.ParseInt(n.Text, 10, 64)
		v.SetInt(i)
	case v.CanUint():
		u, _ := strconv.ParseUint(n.Text, 10, 64)
		v.SetUint(u)
	case v.CanFloat():
		f, _ := strconv.ParseFloat(n.Text, 64)
		v.SetFloat(f)
	}
	return v
}

// field follows a path of field numbers. Fields with lower-case names are
// reached through their address, for reflection guards them.
func field(v reflect.Value, path []int) reflect.Value {
	for _, i := range path {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				nilPanic()
			}
			v = v.Elem()
		}
		if !v.CanAddr() {
			c := reflect.New(v.Type()).Elem()
			c.Set(v)
			v = c
		}
		f := v.Field(i)
		v = reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
	}
	return v
}

// method binds a method; pointer says that it wants the value's address.
func method(v reflect.Value, name string, pointer bool) reflect.Value {
	if v.Kind() == reflect.Interface && v.IsNil() {
		nilPanic()
	}
	if pointer && v.Kind() != reflect.Pointer {
		v = v.Addr()
	}
	return v.MethodByName(name)
}

func index(x, i reflect.Value) reflect.Value {
	if x.Kind() == reflect.Map {
		if v := x.MapIndex(i); v.IsValid() {
			return v
		}
		return reflect.Zero(x.Type().Elem())
	}
	if x.Kind() == reflect.Pointer {
		if x.IsNil() {
			nilPanic()
		}
		x = x.Elem()
	}
	var at int
	if i.CanInt() {
		at = int(i.Int())
	} else {
		at = int(i.Uint())
	}
	_ = make([]struct{}, x.Len())[at] // panics as the language wants it
	return x.Index(at)
}

// typeOf finds the reflected type.
func typeOf(t *link.Type) reflect.Type {
	switch t.Kind {
	case "basic":
		return basicTypes[t.Name]
	case "slice":
		return reflect.SliceOf(typeOf(t.Elem))
	case "pointer":
		return reflect.PointerTo(typeOf(t.Elem))
	case "array":
		return reflect.ArrayOf(int(t.Len), typeOf(t.Elem))
	case "map":
		return reflect.MapOf(typeOf(t.Key), typeOf(t.Elem))
	}
	registry.RLock()
	defer registry.RUnlock()
	r, ok := registry.types[t.Name]
	if !ok {
		panic("the session has lost the type " + t.Name)
	}
	return r
}

var basicTypes = map[string]reflect.Type{
	"bool": reflect.TypeFor[bool](), "string": reflect.TypeFor[string](), "error": reflect.TypeFor[error](), "any": reflect.TypeFor[any](),
	"int": reflect.TypeFor[int](), "int8": reflect.TypeFor[int8](), "int16": reflect.TypeFor[int16](), "int32": reflect.TypeFor[int32](), "int64": reflect.TypeFor[int64](),
	"uint": reflect.TypeFor[uint](), "uint8": reflect.TypeFor[uint8](), "uint16": reflect.TypeFor[uint16](), "uint32": reflect.TypeFor[uint32](), "uint64": reflect.TypeFor[uint64](),
	"uintptr": reflect.TypeFor[uintptr](), "float32": reflect.TypeFor[float32](), "float64": reflect.TypeFor[float64](),
}
