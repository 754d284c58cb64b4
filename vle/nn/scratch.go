package nn

import "sync"

var scratches sync.Pool // of *[]float32

// scratch returns n floats of undefined contents, and the handle that
// dropScratch takes back.
func scratch(n int) ([]float32, *[]float32) {
	p, _ := scratches.Get().(*[]float32)
	if p == nil || cap(*p) < n {
		s := make([]float32, n)
		p = &s
	}
	return (*p)[:n], p
}

func dropScratch(p *[]float32) { scratches.Put(p) }
