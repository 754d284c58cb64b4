package kernel

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"govle/kernel/client"
	"govle/kernel/engine"
)

// compiling is a fake executor that wants to know what comes next.
type compiling struct {
	*fake
	mu   sync.Mutex
	told []engine.Cell
}

func (c *compiling) Prepare(next engine.Cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, next)
}

// TestNextCellIsPrepared: the executor is told of each cell that waits while another
// runs, once, with the number that the cell will have.
func TestNextCellIsPrepared(t *testing.T) {
	tk := new(testKernel)
	var exec *compiling
	tk.start(t, func(s engine.Sink) (Executor, error) {
		tk.fake = newFake(s)
		exec = &compiling{fake: tk.fake}
		return exec, nil
	})
	c := tk.connect(t)
	var wait sync.WaitGroup
	send := func(code string, opts client.ExecuteOptions) {
		wait.Go(func() { run(t, c, code, opts) })
	}
	send("block", client.ExecuteOptions{ContinueOnError: true})
	eventually(t, "the first cell runs", func() bool { return len(tk.fake.sources()) == 1 })
	for i := range 3 {
		code := fmt.Sprintf("print %d", i)
		send(code, client.ExecuteOptions{NoHistory: i == 1})
		eventually(t, code+" waits", func() bool {
			q := tk.shells.get("")
			q.mu.Lock()
			defer q.mu.Unlock()
			return slices.ContainsFunc(q.requests, func(r *request) bool {
				var req executeRequest
				return r.Unmarshal(&req) == nil && req.Code == code
			})
		})
	}
	tk.fake.Interrupt()
	wait.Wait()
	want := []engine.Cell{{Count: 2, Source: "print 0"}, {Count: 3, Source: "print 1"}, {Count: 3, Source: "print 2"}}
	if !reflect.DeepEqual(exec.told, want) {
		t.Errorf("told of %+v, want %+v", exec.told, want)
	}
}
