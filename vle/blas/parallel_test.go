package blas

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// TestParallel: every task runs once, nested and concurrent calls too, and
// never more goroutines than processors plus callers are inside.
func TestParallel(t *testing.T) {
	const callers, outer, inner = 4, 20, 30
	var wg sync.WaitGroup
	var inside, most atomic.Int64
	counts := make([]atomic.Int64, callers*outer*inner)
	for c := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			Parallel(outer, func(i int) {
				Parallel(inner, func(j int) {
					n := inside.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					counts[(c*outer+i)*inner+j].Add(1)
					runtime.Gosched()
					inside.Add(-1)
				})
			})
		}()
	}
	wg.Wait()
	for i := range counts {
		if n := counts[i].Load(); n != 1 {
			t.Fatalf("task %d ran %d times", i, n)
		}
	}
	if limit := int64(callers + runtime.GOMAXPROCS(0)); most.Load() > limit {
		t.Errorf("%d goroutines at once, want at most %d", most.Load(), limit)
	}
	if n := busy.Load(); n != 0 {
		t.Errorf("%d goroutines still counted as busy", n)
	}
}

// TestParallelOneProcessor: with GOMAXPROCS 1 all runs on the caller, in order.
func TestParallelOneProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	last := -1
	Parallel(100, func(i int) {
		if i != last+1 {
			t.Errorf("task %d after %d", i, last)
		}
		last = i
	})
}

// TestParallelPanic: a panic in a task, on whichever goroutine, is the
// caller's, and leaves nothing behind.
func TestParallelPanic(t *testing.T) {
	for bad := range 8 {
		func() {
			defer func() {
				if v := recover(); v != fmt.Sprint("task ", bad) {
					t.Errorf("recovered %v", v)
				}
			}()
			Parallel(8, func(i int) {
				if i == bad {
					panic(fmt.Sprint("task ", i))
				}
			})
			t.Error("Parallel returned")
		}()
		if n := busy.Load(); n != 0 {
			t.Fatalf("%d goroutines still counted as busy", n)
		}
	}
}

// TestConcurrentProducts: products, packed products and attention from several
// goroutines at once give bit for bit what one gives alone.
func TestConcurrentProducts(t *testing.T) {
	r := newRand(t)
	const m, n, k = 130, 200, 300
	x, w := normal(r, m*k), normal(r, n*k)
	p := NewPacked(w, n, k)
	calls := []func(c []float32){
		func(c []float32) { gemm(best, false, true, m, n, k, 1, x, k, w, k, 0, c, n) },
		func(c []float32) { p.Mul(c, x, m, &Epilogue{Act: GELU}) },
		func(c []float32) {
			(&Attention{Heads: 2, Dim: 50, Queries: m, Keys: m, Q: x, K: x[100:], V: x[200:], LdQ: k, LdK: k, LdV: k, Scale: 0.1}).Run(c, n)
		},
	}
	want := make([][]float32, len(calls))
	for i, f := range calls {
		want[i] = make([]float32, m*n)
		f(want[i])
	}
	var wg sync.WaitGroup
	for g := range 6 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for it := range 10 {
				i := (g + it) % len(calls)
				c := make([]float32, m*n)
				calls[i](c)
				for j, v := range c {
					if v != want[i][j] {
						t.Errorf("call %d: [%d] = %v, alone %v", i, j, v, want[i][j])
						return
					}
				}
			}
		}()
	}
	wg.Wait()
}
