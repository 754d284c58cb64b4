package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestInterrupt(t *testing.T) {
	e, _ := own(t)
	do(t, e, `import "time"; bg := 0; go func() { for { bg++; time.Sleep(time.Millisecond) } }()`)
	for _, c := range []struct{ name, src string }{
		{"a loop", "for { }"},
		{"a recursion", "func recu(n int) int { if n < 2 { return n }; return recu(n-1) + recu(n-2) }\nrecu(70)"},
		{"a goto loop", "l0: goto l0"},
		{"a loop with recover", "func() { for { func() { defer func() { recover() }(); for { } }() } }()"},
		{"a receive", "<-make(chan int)"},
		{"a sleep", "import \"time\"; time.Sleep(time.Minute)"},
		{"ctx", "<-ctx.Done()"},
		{"a mutex", "import \"sync\"; var mu9 sync.Mutex; mu9.Lock(); mu9.Lock()"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			var at time.Time
			timer := time.AfterFunc(900*time.Millisecond, func() { at = time.Now(); cancel() })
			defer timer.Stop()
			r := e.Execute(ctx, Cell{ID: cellID(), Count: cellCount(), Source: c.src})
			if r.Err == nil && c.name == "ctx" {
				return // the cell has seen it and ended by itself
			}
			if r.Err == nil || r.Err.Name != "Interrupted" {
				t.Fatalf("error %v, want Interrupted", r.Err)
			}
			if d := time.Since(at); d > time.Second {
				t.Errorf("it took %v", d)
			}
			if got := text(do(t, e, "6 * 7")); got != "42" {
				t.Errorf("the next cell gives %s", got)
			}
		})
	}
	before := text(do(t, e, "bg"))
	time.Sleep(50 * time.Millisecond)
	if after := text(do(t, e, "bg")); before == after {
		t.Error("a goroutine of an earlier cell was stopped by the interrupts of others")
	}
}

func TestInterruptBeforeRun(t *testing.T) {
	e, _ := shared(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := e.Execute(ctx, Cell{ID: cellID(), Count: cellCount(), Source: "never := 1"})
	if r.Err == nil || r.Err.Name != "Interrupted" {
		t.Fatalf("error %v", r.Err)
	}
	if err := try(t, e, "never"); !strings.Contains(err.Value, "undefined: never") {
		t.Errorf("error %v", err)
	}
}

// TestInterruptWhileCompiling: while the compiler runs there is help for the editor,
// and an interrupt, a restart or the end of the session ends the compiler, or the go
// command that looks for a package.
func TestInterruptWhileCompiling(t *testing.T) {
	e, _ := own(t)
	do(t, e, "slowX := 1")
	dir := t.TempDir()
	stuck, runs := filepath.Join(dir, "stuck"), filepath.Join(dir, "runs")
	if err := os.WriteFile(stuck, fmt.Appendf(nil, "#!/bin/sh\n: > %s\nexec sleep 600\n", runs), 0o700); err != nil {
		t.Fatal(err)
	}
	const compiled, imports = "func slowF() int { return 1 }", "import \"container/ring\""
	for _, c := range []struct {
		name, src string
		tool      *string
		end       func()
	}{
		{"an interrupt of the go command", imports, &e.ws.tools.goCmd, e.Interrupt},
		{"an interrupt", compiled, &e.ws.tools.compile, e.Interrupt},
		{"a restart", compiled, &e.ws.tools.compile, func() { e.Restart() }},
		{"the end", compiled, &e.ws.tools.compile, func() { e.Close() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			delete(e.ws.known, "container/ring")
			tool := *c.tool
			*c.tool = stuck
			os.Remove(runs)
			ended := make(chan Result)
			go func() {
				ended <- e.Execute(context.Background(), Cell{ID: cellID(), Count: cellCount(), Source: c.src})
			}()
			for !isFile(runs) {
				time.Sleep(time.Millisecond)
			}
			if c.src == compiled {
				if got := e.Complete(context.Background(), "string", 6); len(got.Matches) == 0 {
					t.Error("there is no completion while a cell is compiled")
				}
			}
			c.end()
			select {
			case r := <-ended:
				if r.Err == nil || r.Err.Name != "Interrupted" {
					t.Errorf("error %v, want Interrupted", r.Err)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("%s did not end what runs", c.name)
			}
			*c.tool = tool
			if c.name == "the end" {
				return
			}
			if got := text(do(t, e, "import \"container/ring\"\nfunc slowF() int { return ring.New(2).Len() }\nslowF()")); got != "2" {
				t.Errorf("the next cell gives %s", got)
			}
		})
	}
}
