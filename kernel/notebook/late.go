package notebook

import (
	"context"
	"errors"
	"time"

	"govle/kernel/wire"
)

// DefaultGrace is how long a run waits after its last cell for output of
// goroutines that outlive their cells.
const DefaultGrace = 250 * time.Millisecond

// late takes a message that came after the end of its cell.
func (r *runner) late(m *wire.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	cell := r.cells[m.Parent.MsgID]
	if cell == nil || m.Header.MsgType == "status" {
		return
	}
	if err := r.collect.handle(cell, m); err != nil && r.lateErr == nil {
		r.lateErr = err
	}
	if r.opts.Message != nil {
		r.opts.Message(cell, m)
	}
	select {
	case r.heard <- struct{}{}:
	default:
	}
}

// awaitLate waits for output of goroutines that go on, and saves it.
func (r *runner) awaitLate(ctx context.Context) error {
	if r.opts.Grace > 0 && ctx.Err() == nil {
		end := time.After(10 * r.opts.Grace)
		quiet := time.NewTimer(r.opts.Grace)
		defer quiet.Stop()
		for waiting := true; waiting; {
			select {
			case <-r.heard:
				quiet.Reset(r.opts.Grace)
			case <-quiet.C:
				waiting = false
			case <-end:
				waiting = false
			case <-ctx.Done():
				waiting = false
			case <-r.kernel.Done():
				waiting = false
			}
		}
	}
	r.kernel.HandleLate(nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.collect.widgets.store(r.nb)
	return errors.Join(r.lateErr, r.saveLocked())
}
