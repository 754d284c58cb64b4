package main

import (
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"
)

// When a plugin is loaded the runtime goes through the types of all plugins before
// it, to find those that the new one has as well. Every plugin holds a copy of each
// type that its imports mention, some hundreds, so each cell made the next one slower:
// after 250 cells loading took 40 ms instead of 4. But what an earlier module holds,
// too, need not be looked at again; only a plugin's own types have to stay in its list.
// Reflection, which looks types up in the same lists, finds the earlier copy in any case,
// and must.

// module is the beginning of runtime.moduledata, as it is in the versions of Go that
// knownLayout names.
type module struct {
	_             [1 + 6*3 + 3]uintptr // pcHeader to ftab, findfunctab, minpc, maxpc
	_             [8 + 7]uintptr       // text to ebss, noptrbss to gcbss
	types, etypes uintptr
	_             [3 + 3]uintptr // rodata, gofunc, epclntab, textsectmap
	typelinks     []int32        // offsets from types, sorted by the types' names
	_             [3 + 3]uintptr // itablinks, ptab
	pluginpath    string
	_             [3 + 3 + 2 + 3]uintptr   // pkghashes, inittasks, modulename, modulehashes
	_, bad        bool                     // hasmain
	_             [2 + 2]uintptr           // gcdatamask, gcbssmask
	typemap       map[int32]unsafe.Pointer // the type that stands for the one at an offset
	next          *module
}

// knownLayout says that module is right for the runtime that this program has.
var knownLayout = strings.HasPrefix(runtime.Version(), "go1.26")

//go:linkname lastmodule runtime.lastmoduledatap
var lastmodule *module

// lists keeps the shortened lists: the collector does not look into modules.
var lists [][]int32

// shorten drops from the list of the plugin that was loaded last the types that are
// an earlier module's. It returns how many are left, -1 when it has not touched the list
// because it does not know this runtime.
func shorten(path string) int {
	m := lastmodule
	if !knownLayout || m == nil || m.pluginpath != path || m.next != nil || m.bad || m.typemap == nil ||
		m.types == 0 || m.etypes <= m.types {
		return -1
	}
	var own []int32
	for _, off := range m.typelinks {
		if off < 0 || uintptr(off) >= m.etypes-m.types {
			return -1
		}
		t, ok := m.typemap[off]
		if !ok {
			return -1
		}
		if uintptr(t) == m.types+uintptr(off) {
			own = append(own, off)
		}
	}
	n := len(own)
	if n == 0 {
		m.typelinks = m.typelinks[:0]
		return 0
	}
	// A goroutine of an earlier cell may be reading the list: whatever length it
	// has seen, there must be that many entries, in order.
	list := append(own, slices.Repeat(own[n-1:], len(m.typelinks)-n)...)
	lists = append(lists, list)
	header := (*[3]uintptr)(unsafe.Pointer(&m.typelinks))
	atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(&header[0])), unsafe.Pointer(&list[0]))
	atomic.StoreUintptr(&header[1], uintptr(n))
	atomic.StoreUintptr(&header[2], uintptr(n))
	return n
}
