package cellrt

import (
	"reflect"
	"sync"
	"unsafe"
)

// The registry is what simple cells can reach: variables, functions and types
// of compiled cells and of the packages that these have used. Compiled cells
// register them when they start.
var registry = struct {
	sync.RWMutex
	vars  map[string]reflect.Value
	types map[string]reflect.Type
}{vars: map[string]reflect.Value{}, types: map[string]reflect.Type{}}

func registerVar(id string, pointer any) {
	registry.Lock()
	defer registry.Unlock()
	registry.vars[id] = reflect.ValueOf(pointer).Elem()
}

func registerFunc(id string, f any) {
	registry.Lock()
	defer registry.Unlock()
	registry.vars[id] = reflect.ValueOf(f)
}

func registerType(id string, pointer any) {
	registry.Lock()
	defer registry.Unlock()
	registry.types[id] = reflect.TypeOf(pointer).Elem()
}

// addressOf finds a variable that a simple cell has declared.
func addressOf(id string) unsafe.Pointer {
	v, ok := lookup(id)
	if !ok {
		panic("the session has lost the variable " + id)
	}
	return v.Addr().UnsafePointer()
}

func lookup(id string) (reflect.Value, bool) {
	registry.RLock()
	defer registry.RUnlock()
	v, ok := registry.vars[id]
	return v, ok
}
