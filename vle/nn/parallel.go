package nn

import (
	"runtime"

	"govle/vle/blas"
)

// parallelWork is the number of elementary operations under which starting
// another goroutine costs more than it saves.
const parallelWork = 1 << 17

// parallel calls f for every task in [0, n), side by side when the work
// (elementary operations in all) is worth it.
func parallel(n, work int, f func(task int)) {
	if n < 2 || work < 2*parallelWork {
		for i := range n {
			f(i)
		}
		return
	}
	blas.Parallel(n, f)
}

// parallelRows splits rows into blocks and calls f(first, last) for each.
func parallelRows(rows, work int, f func(r0, r1 int)) {
	blocks := min(rows, work/parallelWork, 4*runtime.GOMAXPROCS(0))
	if blocks < 2 {
		f(0, rows)
		return
	}
	size := (rows + blocks - 1) / blocks
	blas.Parallel((rows+size-1)/size, func(i int) { f(i*size, min(rows, (i+1)*size)) })
}
