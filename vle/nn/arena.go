package nn

import "sync"

// arena keeps the buffers of inference runs between their uses. A buffer is
// taken for a matrix of any size that it can hold without wasting more than
// half of itself.
type arena struct {
	free []*Value
	out  []*Value
}

var arenas = sync.Pool{New: func() any { return new(arena) }}

// take returns a rows×cols matrix with undefined contents.
func (a *arena) take(rows, cols int) *Value {
	n := rows * cols
	best := -1
	for i, v := range a.free {
		c := cap(v.data)
		if c >= n && c <= 2*n+1024 && (best < 0 || c < cap(a.free[best].data)) {
			best = i
		}
	}
	var v *Value
	if best >= 0 {
		v = a.free[best]
		last := len(a.free) - 1
		a.free[best] = a.free[last]
		a.free = a.free[:last]
		v.data = v.data[:n]
	} else {
		v = &Value{data: make([]float32, n)}
	}
	v.shape = [2]int{rows, cols}
	a.out = append(a.out, v)
	return v
}

// give takes v back. Matrices that this arena did not hand out are ignored.
func (a *arena) give(v *Value) {
	for i := len(a.out) - 1; i >= 0; i-- {
		if a.out[i] == v {
			last := len(a.out) - 1
			a.out[i] = a.out[last]
			a.out = a.out[:last]
			a.free = append(a.free, v)
			return
		}
	}
}

// keptBuffers bounds how many unused buffers an arena carries from one run to
// the next, so that a server that meets many sequence lengths does not hoard.
const keptBuffers = 64

// reset takes everything back.
func (a *arena) reset() {
	a.free = append(a.free, a.out...)
	clear(a.out)
	a.out = a.out[:0]
	if n := len(a.free) - keptBuffers; n > 0 {
		copy(a.free, a.free[n:])
		clear(a.free[keptBuffers:])
		a.free = a.free[:keptBuffers]
	}
}
