package cellrt

import (
	"reflect"

	"govle/kernel/engine/internal/link"
)

// unary applies -, +, ! or ^.
func unary(op string, x reflect.Value) reflect.Value {
	out := reflect.New(x.Type()).Elem()
	switch {
	case op == "!":
		out.SetBool(!x.Bool())
	case op == "+":
		return x
	case x.CanInt() && op == "-":
		out.SetInt(-x.Int())
	case x.CanInt():
		out.SetInt(^x.Int())
	case x.CanUint() && op == "-":
		out.SetUint(truncate(-x.Uint(), x.Type()))
	case x.CanUint():
		out.SetUint(truncate(^x.Uint(), x.Type()))
	default:
		out.SetFloat(-x.Float())
	}
	return out
}

// truncate keeps the bits that a type has.
func truncate(u uint64, t reflect.Type) uint64 {
	bits := uint(t.Size() * 8)
	return u << (64 - bits) >> (64 - bits)
}

// binary applies an operator to operands of one type; only a shift's count may
// have another.
func (ev *evaluator) binary(n *link.Node) reflect.Value {
	x, y := ev.eval(n.Kids[0]), ev.eval(n.Kids[1])
	op := n.Name
	if !x.IsValid() {
		x, y = y, x
	}
	if !y.IsValid() { // comparison with nil
		isNil := !x.IsValid() || x.IsNil()
		return reflect.ValueOf(isNil == (op == "=="))
	}
	switch op {
	case "==", "!=", "<", "<=", ">", ">=":
		return reflect.ValueOf(compare(op, x, y))
	case "<<", ">>":
		return shift(op, x, y)
	}
	out := reflect.New(x.Type()).Elem()
	switch {
	case x.Kind() == reflect.String:
		out.SetString(x.String() + y.String())
	case x.CanInt():
		out.SetInt(signExtend(integers(op, x.Int(), y.Int()), x.Type()))
	case x.CanUint():
		out.SetUint(truncate(integers(op, x.Uint(), y.Uint()), x.Type()))
	default:
		out.SetFloat(floats(op, x, y))
	}
	return out
}

func signExtend(i int64, t reflect.Type) int64 {
	bits := uint(t.Size() * 8)
	return i << (64 - bits) >> (64 - bits)
}

func integers[T int64 | uint64](op string, x, y T) T {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "/":
		return x / y
	case "%":
		return x % y
	case "&":
		return x & y
	case "|":
		return x | y
	case "^":
		return x ^ y
	}
	return x &^ y
}

// floats computes in the operands' own precision: rounding a float64 result to
// float32 gives the same for these four operations.
func floats(op string, x, y reflect.Value) float64 {
	a, b := x.Float(), y.Float()
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	}
	return a / b
}

func shift(op string, x, y reflect.Value) reflect.Value {
	var count uint64
	if y.CanInt() {
		i := y.Int()
		if i < 0 {
			_ = 1 << int(i) // panics: negative shift amount
		}
		count = uint64(i)
	} else {
		count = y.Uint()
	}
	out := reflect.New(x.Type()).Elem()
	switch {
	case x.CanInt() && op == "<<":
		out.SetInt(signExtend(x.Int()<<count, x.Type()))
	case x.CanInt():
		out.SetInt(x.Int() >> count)
	case op == "<<":
		out.SetUint(truncate(x.Uint()<<count, x.Type()))
	default:
		out.SetUint(x.Uint() >> count)
	}
	return out
}

func compare(op string, x, y reflect.Value) bool {
	switch {
	case x.Kind() == reflect.Bool:
		return (x.Bool() == y.Bool()) == (op == "==")
	case x.Kind() == reflect.String:
		return ordered(op, x.String(), y.String())
	case x.CanInt():
		return ordered(op, x.Int(), y.Int())
	case x.CanUint():
		return ordered(op, x.Uint(), y.Uint())
	}
	return ordered(op, x.Float(), y.Float())
}

func ordered[T string | int64 | uint64 | float64](op string, x, y T) bool {
	switch op {
	case "==":
		return x == y
	case "!=":
		return x != y
	case "<":
		return x < y
	case "<=":
		return x <= y
	case ">":
		return x > y
	}
	return x >= y
}
