package pickle

import "fmt"

// Values that have no natural Go form. The rest are nil, bool, int64, *big.Int,
// float64, string and []byte.
type (
	// Tuple is a Python tuple.
	Tuple []any
	// List is a Python list.
	List struct{ Items []any }
	// Set is a Python set or frozenset; its members are not told apart.
	Set struct{ Items []any }
	// Mark is what the MARK opcode leaves on the stack; never part of a result.
	mark struct{}
)

// Dict is a Python dict or OrderedDict. Entries stand in the order in which
// their keys first came; a later value for a string key replaces the earlier
// one. Keys of other types are kept as they come.
type Dict struct {
	Keys   []any
	Values []any
	index  map[string]int
}

// Set adds or replaces an entry.
func (d *Dict) Set(key, value any) {
	if k, ok := key.(string); ok {
		if i, ok := d.index[k]; ok {
			d.Values[i] = value
			return
		}
		if d.index == nil {
			d.index = map[string]int{}
		}
		d.index[k] = len(d.Keys)
	}
	d.Keys = append(d.Keys, key)
	d.Values = append(d.Values, value)
}

// Get finds the value of a string key.
func (d *Dict) Get(key string) (any, bool) {
	i, ok := d.index[key]
	if !ok {
		return nil, false
	}
	return d.Values[i], true
}

// Callable is a global that a pickle may call. What Call does is all that
// calling it can ever do.
type Callable interface {
	Call(args Tuple) (any, error)
}

// Func makes a Callable of a function.
type Func func(args Tuple) (any, error)

// Call calls f.
func (f Func) Call(args Tuple) (any, error) { return f(args) }

// Inert stands for a class or function whose objects are of no interest. It
// can be called, given items and given a state, and all of it is dropped:
// nothing of the class is ever executed.
type Inert struct{ Module, Name string }

// Call returns the placeholder itself.
func (i *Inert) Call(Tuple) (any, error) { return i, nil }

// Kind names the type of a value for an error message, without printing the
// value, which may be huge or contain itself.
func Kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []byte:
		return "bytes"
	case Tuple:
		return "tuple"
	case *List:
		return "list"
	case *Set:
		return "set"
	case *Dict:
		return "dict"
	case *Inert:
		return v.Module + "." + v.Name
	case Callable:
		return "callable"
	}
	return fmt.Sprintf("%T", v)
}
