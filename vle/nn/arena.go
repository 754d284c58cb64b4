package nn

import (
	"math/bits"
	"sync"
)

// arena keeps the buffers of runs between their uses. Buffers come in sizes of four
// to the octave, and one is taken for a matrix of any size that it can hold without
// wasting more than half of itself.
type arena struct {
	free [4 * 48][]*Value
	out  []*Value
	runs uint64 // how many runs have ended
}

var arenas = sync.Pool{New: func() any { return new(arena) }}

// smallest is the octave of the smallest buffers, 64 floats.
const smallest = 6

// class returns the number of the smallest size that holds n floats, and that
// size.
func class(n int) (c, size int) {
	if n <= 1<<smallest {
		return 0, 1 << smallest
	}
	octave := bits.Len(uint(n-1)) - 1 // 2^octave < n ≤ 2^(octave+1)
	quarter := 1 << (octave - 2)
	q := (n - 1<<octave + quarter - 1) / quarter // 1 to 4
	return 4*(octave-smallest) + q, 1<<octave + q*quarter
}

// take returns a rows×cols matrix with undefined contents.
func (a *arena) take(rows, cols int) *Value {
	n := rows * cols
	c, size := class(n)
	var v *Value
	for k := c; k <= c+4 && k < len(a.free); k++ {
		if last := len(a.free[k]) - 1; last >= 0 {
			v = a.free[k][last]
			a.free[k] = a.free[k][:last]
			break
		}
	}
	if v == nil {
		v = &Value{data: make([]float32, size), class: c}
	}
	v.data = v.data[:n]
	v.shape = [2]int{rows, cols}
	v.place = len(a.out)
	a.out = append(a.out, v)
	return v
}

// give takes v back. Matrices that this arena did not hand out are ignored.
func (a *arena) give(v *Value) {
	if v.place >= len(a.out) || a.out[v.place] != v {
		return
	}
	last := len(a.out) - 1
	a.out[v.place] = a.out[last]
	a.out[v.place].place = v.place
	a.out = a.out[:last]
	a.keep(v)
}

func (a *arena) keep(v *Value) {
	v.used = a.runs
	a.free[v.class] = append(a.free[v.class], v)
}

// idleRuns is for how many runs a buffer that is not used is kept, so that a
// server that met long sequences once does not hoard.
const idleRuns = 16

// reset takes everything back at the end of a run.
func (a *arena) reset() {
	for _, v := range a.out {
		a.keep(v)
	}
	clear(a.out)
	a.out = a.out[:0]
	a.runs++
	if a.runs%idleRuns != 0 {
		return
	}
	for c, list := range a.free {
		kept := list[:0]
		for _, v := range list {
			if a.runs-v.used < idleRuns {
				kept = append(kept, v)
			}
		}
		clear(list[len(kept):])
		a.free[c] = kept
	}
}
