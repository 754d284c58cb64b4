package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"govle/datasets"
	"govle/vle/blas"
)

// evalLoop runs an evaluation picture by picture on all processors and tells how
// far it is.
type evalLoop struct {
	w     io.Writer
	every time.Duration
	what  string

	mu          sync.Mutex
	done, total int
	start, last time.Time
}

// byPicture groups items that show one picture, in the order in which the
// pictures first come.
func byPicture(n int, picture func(i int) string) [][]int {
	at := map[string]int{}
	var groups [][]int
	for i := range n {
		name := picture(i)
		k, ok := at[name]
		if !ok {
			k = len(groups)
			at[name] = k
			groups = append(groups, nil)
		}
		groups[k] = append(groups[k], i)
	}
	return groups
}

// maxTogether bounds the items of one call of the work, so that an interrupt need
// not wait for long.
const maxTogether = 256

// run calls work for each group of items. It returns which items are finished:
// all of them, unless ctx was cancelled. An error ends the run.
func (l *evalLoop) run(ctx context.Context, groups [][]int, work func(items []int) error) (finished []bool, err error) {
	var parts [][]int
	l.done, l.total = 0, 0
	for _, g := range groups {
		l.total += len(g)
		for len(g) > maxTogether {
			parts, g = append(parts, g[:maxTogether]), g[maxTogether:]
		}
		parts = append(parts, g)
	}
	finished = make([]bool, l.total)
	l.start = time.Now()
	l.last = l.start
	var failed error
	blas.Parallel(len(parts), func(k int) {
		l.mu.Lock()
		stop := failed != nil || ctx.Err() != nil
		l.mu.Unlock()
		if stop {
			return
		}
		err := work(parts[k])
		l.mu.Lock()
		defer l.mu.Unlock()
		if err != nil {
			if failed == nil {
				failed = err
			}
			return
		}
		for _, i := range parts[k] {
			finished[i] = true
		}
		l.done += len(parts[k])
		l.tell()
	})
	if isTerminal(l.w) && l.last != l.start {
		fmt.Fprintln(l.w)
	}
	return finished, failed
}

// tell writes a line of progress if it is time for one; a terminal's is drawn in
// place.
func (l *evalLoop) tell() {
	now, every := time.Now(), l.every
	terminal := isTerminal(l.w)
	if terminal {
		every = 200 * time.Millisecond
	}
	if now.Sub(l.last) < every && !(terminal && l.done == l.total && l.last != l.start) {
		return
	}
	l.last = now
	rate := float64(l.done) / now.Sub(l.start).Seconds()
	left := time.Duration(float64(l.total-l.done) / rate * float64(time.Second))
	line := fmt.Sprintf("%s %d/%d  %.3g/s  %s left", l.what, l.done, l.total, rate, left.Round(time.Second))
	if terminal {
		fmt.Fprintf(l.w, "\r%-60s", line)
		return
	}
	fmt.Fprintln(l.w, line)
}

// collect reads a whole source; its pictures are not opened.
func collect[T any](src datasets.Source[T]) (datasets.List[T], error) {
	if l, ok := src.(datasets.List[T]); ok {
		return l, nil
	}
	return datasets.Collect(datasets.All(src))
}

// count says how many items are finished.
func count(finished []bool) int {
	n := 0
	for _, f := range finished {
		if f {
			n++
		}
	}
	return n
}
