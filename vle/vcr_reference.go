package vle

import "slices"

// The reference reads the objects that a text names in the order in which
// CPython walks a set of their numbers. That order decides the objects' token
// types, so parity needs it. What follows is the part of CPython 3.11's
// setobject.c that determines it: open addressing in a power-of-two table, up
// to nine neighbours tried before the next probe, growth by four at three
// fifths.

// cpythonSet is a set of small natural numbers in CPython's order.
type cpythonSet struct {
	table []int // emptySlot where free
	used  int
}

const emptySlot = -1

func newCPythonSet(size int) *cpythonSet {
	s := &cpythonSet{table: make([]int, size)}
	for i := range s.table {
		s.table[i] = emptySlot
	}
	return s
}

// slot returns where v is or belongs.
func (s *cpythonSet) slot(v int) int {
	const neighbours = 9
	mask := uint64(len(s.table) - 1)
	i, perturb := uint64(v)&mask, uint64(v) // a small integer is its own hash
	for {
		last := i
		if i+neighbours <= mask {
			last = i + neighbours
		}
		for j := i; j <= last; j++ {
			if s.table[j] == emptySlot || s.table[j] == v {
				return int(j)
			}
		}
		perturb >>= 5
		i = (i*5 + 1 + perturb) & mask
	}
}

func (s *cpythonSet) add(v int) {
	at := s.slot(v)
	if s.table[at] == v {
		return
	}
	s.table[at] = v
	s.used++
	if s.used*5 < (len(s.table)-1)*3 {
		return
	}
	size := 8
	for size <= s.used*4 {
		size *= 2
	}
	bigger := newCPythonSet(size)
	for _, w := range s.table {
		if w != emptySlot {
			bigger.table[bigger.slot(w)] = w
		}
	}
	s.table = bigger.table
}

// RelatedObjects returns the objects that the tags of a text's tokens name, in
// the order in which their boxes join the picture's patches; a tag of -1 names
// none. The order is ascending, or with reference that of the reference, which
// walks a CPython set.
func RelatedObjects(tags []int, reference bool) []int {
	s := newCPythonSet(8)
	for _, t := range tags {
		if t != noObject {
			s.add(t)
		}
	}
	var out []int
	for _, v := range s.table {
		if v != emptySlot {
			out = append(out, v)
		}
	}
	if !reference {
		slices.Sort(out)
	}
	return out
}
