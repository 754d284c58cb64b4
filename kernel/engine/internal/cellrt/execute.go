package cellrt

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"time"

	"govle/kernel/display"
	"govle/kernel/engine/internal/incell"
	"govle/kernel/engine/internal/link"
)

// show keeps the value of the cell's trailing expression.
func show(values []any) {
	r := current.Load()
	if r == nil || !r.mine() {
		return
	}
	var data, meta map[string]any
	if len(values) == 1 {
		data, meta = display.Bundle(values[0])
	} else {
		var b bytes.Buffer
		for i, v := range values {
			if i > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "%v", v)
		}
		data = map[string]any{"text/plain": b.String()}
	}
	r.mu.Lock()
	r.value, r.metadata = data, meta
	r.mu.Unlock()
}

// Execute runs a cell's entry function to its end, after Begin. When the cell is stopped
// through interrupt it gives it grace to unwind, then leaves it behind.
func Execute(entry func(), interrupt <-chan struct{}, grace time.Duration) *link.Done {
	ctx, cancel := context.WithCancel(context.Background())
	r := &run{label: goroutineLabel(), cancel: cancel, unwinding: map[int64]bool{}}
	ended := make(chan *link.Failure, 1)
	go func() {
		r.goid = goid()
		Ctx = ctx
		incell.Stop.Store(0)
		current.Store(r)
		var failure *link.Failure
		finished := false
		defer func() {
			if v := recover(); v != nil {
				failure = &link.Failure{Kind: "panic", Message: message(v), Frames: stack(3)}
			} else if e := r.exit.Load(); e != nil {
				failure = &link.Failure{Kind: "exit", Message: e.what, Frames: e.frames}
			} else if !finished && r.stopping.Load() {
				failure = &link.Failure{Kind: "interrupted"}
			}
			ended <- failure
		}()
		entry()
		finished = true
	}()
	var failure *link.Failure
	burning := false
	select {
	case failure = <-ended:
	case <-interrupt:
		for current.Load() != r {
			time.Sleep(time.Millisecond) // interrupted before it has begun
		}
		stopRun(r)
		select {
		case failure = <-ended:
		case <-time.After(grace):
			failure, burning = abandon(r, ended)
		}
		if failure == nil && r.stopping.Load() {
			failure = &link.Failure{Kind: "interrupted"}
		}
	}
	cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	done := &link.Done{Mark: r.mark, Failure: failure, Burning: burning}
	if failure == nil {
		done.Value, done.Metadata = r.value, r.metadata
	}
	return done
}

// abandon gives up on an interrupted cell that has not ended. A goroutine that
// waits for something is left where it is; one that computes in code without
// checks gets some more time.
func abandon(r *run, ended <-chan *link.Failure) (f *link.Failure, burning bool) {
	for range 10 {
		state, where := stateOf(r.goid)
		if state != "running" && state != "runnable" {
			return &link.Failure{Kind: "interrupted", Message: where}, false
		}
		select {
		case f = <-ended:
			return f, false
		case <-time.After(150 * time.Millisecond):
		}
	}
	return &link.Failure{Kind: "interrupted"}, true
}

// stateOf finds what the goroutine waits for, such as "chan receive"; "" when
// it has ended. The second result is the same, for people.
func stateOf(id int64) (state, where string) {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	head := fmt.Appendf(nil, "goroutine %d [", id)
	i := bytes.Index(buf, head)
	if i < 0 {
		return "", ""
	}
	rest := buf[i+len(head):]
	end := bytes.IndexAny(rest, "],")
	if end < 0 {
		return "", ""
	}
	return string(rest[:end]), "it still waits (" + string(rest[:end]) + ") and was left behind"
}

// TimeIt measures f as %timeit does: it finds a number of repetitions that
// takes long enough to be measured, and keeps the best of several rounds.
func TimeIt(f func()) {
	const enough, rounds = 100 * time.Millisecond, 5
	n := 1
	var took time.Duration
	for {
		took = repeat(n, f)
		if took >= enough/2 || n >= 1<<30 {
			break
		}
		incell.Check()
		grow := 10.0
		if took > 0 {
			grow = min(10, 1.2*float64(enough)/float64(took))
		}
		n = max(n+1, int(float64(n)*grow))
	}
	best := took
	done := 1
	for ; done < rounds && took < 2*time.Second; done++ {
		incell.Check()
		best = min(best, repeat(n, f))
	}
	per := float64(best) / float64(n)
	unit, scale := "ns", 1.0
	switch {
	case per >= 1e9:
		unit, scale = "s", 1e9
	case per >= 1e6:
		unit, scale = "ms", 1e6
	case per >= 1e3:
		unit, scale = "µs", 1e3
	}
	fmt.Printf("%.4g %s per loop (best of %d rounds of %d)\n", per/scale, unit, done, n)
}

func repeat(n int, f func()) time.Duration {
	start := time.Now()
	for range n {
		f()
	}
	return time.Since(start)
}
