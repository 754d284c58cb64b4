package llm

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"
)

// errEnd marks a stream that ended without saying that the answer is complete.
var errEnd = io.ErrUnexpectedEOF

// retryWait is the pause before a request is first repeated; it doubles. It is a
// variable so that tests need not wait.
var retryWait = 500 * time.Millisecond

// try calls f until it goes well, cannot, or has begun to give a result, and
// explains its error. f's context ends when the server is silent for too long;
// alive starts that time anew.
func (c *Client) try(parent context.Context, f func(ctx context.Context, alive func()) (begun bool, err error)) error {
	wait := retryWait
	for attempt := 0; ; attempt++ {
		ctx, cancel := context.WithCancelCause(parent)
		alive := func() {}
		var timer *time.Timer
		if c.timeout > 0 {
			timer = time.AfterFunc(c.timeout, func() { cancel(errSilent) })
			alive = func() { timer.Reset(c.timeout) }
		}
		begun, err := f(ctx, alive)
		if timer != nil {
			timer.Stop()
		}
		if err == nil {
			cancel(nil)
			return nil
		}
		if begun || attempt >= c.retries || ctx.Err() != nil || !again(err) {
			err = c.explain(parent, ctx, err)
			cancel(nil)
			return err
		}
		cancel(nil)
		pause := wait
		var r *refusal
		if errors.As(err, &r) && r.wait > 0 {
			pause = r.wait
		}
		select {
		case <-time.After(pause):
		case <-parent.Done():
			return c.explain(parent, parent, err)
		}
		wait *= 2
	}
}

// again reports whether the same request may go well a little later.
func again(err error) bool {
	var r *refusal
	if errors.As(err, &r) {
		return r.again()
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
