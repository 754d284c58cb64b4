package nn

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// parallelWork is the number of elementary operations under which starting
// another goroutine costs more than it saves.
const parallelWork = 1 << 17

// parallel calls f(worker, task) for every task in [0, n), on as many workers
// as there are processors when work (elementary operations in all) is worth
// it. Workers are numbered from 0; workers(n, work) says how many there are.
func parallel(n, work int, f func(worker, task int)) {
	w := workers(n, work)
	if w <= 1 {
		for i := range n {
			f(0, i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	loop := func(worker int) {
		for {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			f(worker, i)
		}
	}
	wg.Add(w - 1)
	for k := 1; k < w; k++ {
		go func() {
			defer wg.Done()
			loop(k)
		}()
	}
	loop(0)
	wg.Wait()
}

func workers(n, work int) int {
	return max(1, min(n, runtime.GOMAXPROCS(0), work/parallelWork))
}

// parallelRows splits rows into blocks and calls f(first, last) for each.
func parallelRows(rows, work int, f func(r0, r1 int)) {
	w := workers(rows, work)
	if w <= 1 {
		f(0, rows)
		return
	}
	block := (rows + 4*w - 1) / (4 * w)
	n := (rows + block - 1) / block
	parallel(n, work, func(_, i int) { f(i*block, min(rows, (i+1)*block)) })
}
