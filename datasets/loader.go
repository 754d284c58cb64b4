package datasets

import (
	"errors"
	"fmt"
	"iter"
)

// Loader gives a data set in batches, epoch after epoch, each epoch in its own
// order. The order follows from the seed alone, so a run can be repeated, and a
// [LoaderState] says where it stands, so a run can go on in another process.
// Its memory does not grow with the data set. It serves one goroutine.
type Loader[T any] struct {
	// InOrder gives the items in the source's order instead of shuffled.
	InOrder bool
	// DropLast leaves out an epoch's last batch when it is not full.
	DropLast bool

	src   Source[T]
	state LoaderState
	order permutation
}

// LoaderState is a position in a run. It survives JSON.
type LoaderState struct {
	Seed  uint64 `json:"seed"`
	Batch int    `json:"batch"`
	Items int    `json:"items"` // length of the source
	Epoch int    `json:"epoch"`
	// Next is the place in this epoch's order of the next item to come.
	Next int `json:"next"`
}

// NewLoader returns a loader at the start of epoch 0. An empty source or a
// batch below 1 is an error.
func NewLoader[T any](src Source[T], batch int, seed uint64) (*Loader[T], error) {
	if src.Len() == 0 {
		return nil, errors.New("datasets: the data set is empty")
	}
	if batch < 1 {
		return nil, fmt.Errorf("datasets: batches of %d items", batch)
	}
	l := &Loader[T]{src: src}
	l.state = LoaderState{Seed: seed, Batch: batch, Items: src.Len()}
	l.order = newPermutation(src.Len(), seed, 0)
	return l, nil
}

// State returns where the loader stands: what Next will give is what a loader
// restored to this state gives.
func (l *Loader[T]) State() LoaderState { return l.state }

// Restore moves the loader to a state. A state of a data set of another length
// is refused, for its order would be another.
func (l *Loader[T]) Restore(s LoaderState) error {
	switch {
	case s.Items != l.src.Len():
		return fmt.Errorf("datasets: the saved position belongs to a data set of %d items, this one has %d", s.Items, l.src.Len())
	case s.Batch < 1 || s.Epoch < 0 || s.Next < 0 || s.Next > s.Items:
		return fmt.Errorf("datasets: saved position %+v makes no sense", s)
	}
	l.state = s
	l.order = newPermutation(s.Items, s.Seed, s.Epoch)
	return nil
}

// BatchesPerEpoch returns how many batches an epoch has.
func (l *Loader[T]) BatchesPerEpoch() int {
	n := l.state.Items / l.state.Batch
	if !l.DropLast && l.state.Items%l.state.Batch > 0 {
		n++
	}
	return n
}

// Next returns the next batch, going on to the next epoch when one ends. A
// batch never holds items of two epochs. After an error the loader stands where
// it stood. With DropLast and fewer items than a batch, it is an error.
func (l *Loader[T]) Next() ([]T, error) {
	s := l.state
	if s.Next >= s.Items || l.DropLast && s.Next+s.Batch > s.Items {
		s.Epoch, s.Next = s.Epoch+1, 0
		if l.DropLast && s.Batch > s.Items {
			return nil, fmt.Errorf("datasets: %d items do not fill a batch of %d", s.Items, s.Batch)
		}
	}
	order := l.order
	if s.Epoch != l.state.Epoch {
		order = newPermutation(s.Items, s.Seed, s.Epoch)
	}
	batch := make([]T, 0, min(s.Batch, s.Items-s.Next))
	for range cap(batch) {
		i := s.Next
		if !l.InOrder {
			i = order.at(i)
		}
		item, err := l.src.At(i)
		if err != nil {
			return nil, err
		}
		batch = append(batch, item)
		s.Next++
	}
	l.state, l.order = s, order
	return batch, nil
}

// Epoch gives the batches left of the epoch that the next batch belongs to, up
// to the first error.
func (l *Loader[T]) Epoch() iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		for first := true; ; first = false {
			s := l.state
			over := s.Next >= s.Items || l.DropLast && s.Next+s.Batch > s.Items
			if over && !first {
				return
			}
			batch, err := l.Next()
			if !yield(batch, err) || err != nil {
				return
			}
		}
	}
}
