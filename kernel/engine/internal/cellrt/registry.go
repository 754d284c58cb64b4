package cellrt

import (
	"reflect"
	"sync"
)

// The registry is what simple cells can reach: variables, functions and types
// of compiled cells and of the packages that these have used. Compiled cells
// register them when they start.
var registry = struct {
	sync.RWMutex
	vars  map[string]reflect.Value
	types map[string]reflect.Type
}{vars: map[string]reflect.Value{}, types: map[string]reflect.Type{}}

// Var registers a variable by its address.
func Var(id string, pointer any) {
	registry.Lock()
	defer registry.Unlock()
	registry.vars[id] = reflect.ValueOf(pointer).Elem()
}

// Func registers a function of an imported package.
func Func(id string, f any) {
	registry.Lock()
	defer registry.Unlock()
	registry.vars[id] = reflect.ValueOf(f)
}

// Type registers a type, given as a nil pointer to it.
func Type(id string, pointer any) {
	registry.Lock()
	defer registry.Unlock()
	registry.types[id] = reflect.TypeOf(pointer).Elem()
}

// Lookup finds a variable that a simple cell has declared.
func Lookup[T any](id string) *T {
	v, ok := lookup(id)
	if !ok {
		panic("the session has lost the variable " + id)
	}
	// Not a type assertion: reflection's pointer type need not be this package's.
	return (*T)(v.Addr().UnsafePointer())
}

func lookup(id string) (reflect.Value, bool) {
	registry.RLock()
	defer registry.RUnlock()
	v, ok := registry.vars[id]
	return v, ok
}
