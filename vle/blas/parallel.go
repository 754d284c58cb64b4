package blas

import (
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
)

// busy counts the goroutines that are inside Parallel, callers and their
// helpers, over the whole process. Helpers are only started while it is below
// GOMAXPROCS, so nested and concurrent calls share the processors instead of
// oversubscribing them.
var busy atomic.Int64

// Parallel calls f(0) … f(n-1), each once, on the calling goroutine and on as
// many helpers as there are idle processors (GOMAXPROCS less those already
// inside a Parallel). Tasks are handed out one at a time from a counter, so
// they may differ in length; order is not defined. It returns when all are
// done. A panic in f is raised again in the caller after the others have ended.
func Parallel(n int, f func(i int)) {
	if n <= 1 || runtime.GOMAXPROCS(0) == 1 {
		for i := range n {
			f(i)
		}
		return
	}
	busy.Add(1)
	defer busy.Add(-1)
	p := &pool{n: int64(n), f: f}
	p.work(true)
	p.wg.Wait()
	if p.panicked.Load() {
		panic(p.value)
	}
}

// pool is one call of Parallel.
type pool struct {
	n        int64
	f        func(int)
	next     atomic.Int64
	wg       sync.WaitGroup
	panicked atomic.Bool
	once     sync.Once
	value    any
}

// work takes tasks until none is left. The caller's goroutine also recruits a
// helper before each of its tasks when a processor has become idle.
func (p *pool) work(recruit bool) {
	defer func() {
		if v := recover(); v != nil {
			p.once.Do(func() { p.value = v })
			p.panicked.Store(true)
			p.next.Store(p.n) // nobody starts another task
		}
	}()
	for {
		i := p.next.Add(1) - 1
		if i >= p.n {
			return
		}
		if recruit {
			for h := p.n - i - 1; h > 0 && p.recruit(); h-- {
			}
		}
		p.f(int(i))
	}
}

// recruit starts a helper if a processor is idle.
func (p *pool) recruit() bool {
	for {
		b := busy.Load()
		if b >= int64(runtime.GOMAXPROCS(0)) {
			return false
		}
		if busy.CompareAndSwap(b, b+1) {
			break
		}
	}
	p.wg.Add(1)
	go func() {
		defer p.wg.Done()
		defer busy.Add(-1)
		p.work(false)
	}()
	return true
}

// idle reports how many goroutines a Parallel called now would run on.
func idle() int {
	return max(1, runtime.GOMAXPROCS(0)-int(busy.Load()))
}

// run is Parallel where par is set and a plain loop where it is not.
func run(par bool, n int, f func(i int)) {
	if par {
		Parallel(n, f)
		return
	}
	for i := range n {
		f(i)
	}
}

// scratch recycles float buffers between calls, one pool for each power of two,
// so that a steady state allocates nothing.
var scratch [48]sync.Pool // of *[]float32

// getScratch returns a buffer of n floats with undefined content.
func getScratch(n int) *[]float32 {
	class := bits.Len(uint(max(n, 64) - 1))
	p, _ := scratch[class].Get().(*[]float32)
	if p == nil {
		b := make([]float32, 1<<class)
		p = &b
	}
	*p = (*p)[:n]
	return p
}

func putScratch(p *[]float32) { scratch[bits.Len(uint(cap(*p)-1))].Put(p) }
