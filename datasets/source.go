package datasets

import (
	"fmt"
	"iter"
)

// Source is a data set whose items can be had in any order. At is safe for
// several goroutines at once.
type Source[T any] interface {
	Len() int
	// At returns item i, 0 ≤ i < Len. It panics outside, as an index does.
	At(i int) (T, error)
}

// List is a data set in memory.
type List[T any] []T

// Len returns the number of items.
func (l List[T]) Len() int { return len(l) }

// At returns item i.
func (l List[T]) At(i int) (T, error) { return l[i], nil }

// Collect reads a stream into memory. It stops at the first error and returns what
// came before it too.
func Collect[T any](stream iter.Seq2[T, error]) (List[T], error) {
	var l List[T]
	for item, err := range stream {
		if err != nil {
			return l, err
		}
		l = append(l, item)
	}
	return l, nil
}

// All streams a source in order, up to the first error.
func All[T any](s Source[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for i := range s.Len() {
			item, err := s.At(i)
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// Head is the first n items of a source, or all if it has fewer.
func Head[T any](s Source[T], n int) Source[T] { return part[T]{s, 0, min(max(n, 0), s.Len())} }

// Split cuts a source in two at item n: for a held-out part of a data set that
// comes without one. It panics if n is outside the source.
func Split[T any](s Source[T], n int) (first, rest Source[T]) {
	if n < 0 || n > s.Len() {
		panic(fmt.Sprintf("datasets: split at %d of %d items", n, s.Len()))
	}
	return part[T]{s, 0, n}, part[T]{s, n, s.Len() - n}
}

type part[T any] struct {
	src      Source[T]
	start, n int
}

func (p part[T]) Len() int { return p.n }

func (p part[T]) At(i int) (T, error) {
	if i < 0 || i >= p.n {
		panic(fmt.Sprintf("datasets: item %d of %d", i, p.n))
	}
	return p.src.At(p.start + i)
}
