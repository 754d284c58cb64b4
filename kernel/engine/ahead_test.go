package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// awaitAhead waits until the next cell has been compiled, or given up.
func awaitAhead(t *testing.T, e *Engine) {
	t.Helper()
	for range 500 {
		e.mu.Lock()
		a := e.ahead
		e.mu.Unlock()
		if a != nil {
			<-a.done
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("nothing was compiled ahead")
}

// TestPrepare: the cell that waits is compiled while another runs, if that makes no
// difference to what it means.
func TestPrepare(t *testing.T) {
	e, _ := own(t)
	gate := filepath.Join(t.TempDir(), "gate")
	do(t, e, fmt.Sprintf(`import ("os"; "time")
type aheadT struct{ x int }
func aheadF() int { return 1 }
aheadV := aheadT{7}
func aheadWait() {
	for {
		if os.Remove(%q) == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}`, gate))
	e.mu.Lock()
	delete(e.ws.known, "container/ring")
	e.mu.Unlock()
	for _, c := range []struct {
		name          string
		runs          string // the cell that runs; it waits in aheadWait
		prepared      string // what is said to come next
		comes         string // what comes; "" for what was said
		used, dropped int
		want          string
	}{
		{"builds on what is there", "aheadWait()", "func() int { return aheadF() }()", "", 1, 0, "1"},
		{"builds on what the running cell declares", "ahead1 := aheadF() + 40\ntype ahead1T struct{ y int }\nfunc ahead1F() ahead1T { return ahead1T{ahead1} }\naheadWait()",
			"func() int { return ahead1F().y + 1 }()", "", 1, 0, "42"},
		{"replaces a function of the running cell", "func ahead2() int { return 1 }\naheadWait()", "func ahead2() int { return 2 }\nahead2()", "", 1, 0, "2"},
		{"declares a type again", "func ahead3(t aheadT) int { return t.x }\naheadWait()", "type aheadT struct{ x int }\nahead3(aheadT{3}) + ahead3(aheadV)", "", 1, 0, "10"},
		{"a simple cell", "ahead4 := 5\naheadWait()", "ahead4 + 1", "", 1, 0, "6"},
		{"two simple cells", "ahead5, ahead5b := aheadV.x, 0\nfunc() { aheadWait() }()", "ahead5b = ahead5 * 2\nahead5b", "", 1, 0, "14"},
		{"imports what the running cell imports", "import ahs \"strings\"\nvar _ = ahs.ToUpper(\"\")\naheadWait()", "ahs.ToUpper(\"a\")", "", 1, 0, "A"},
		{"another cell comes", "aheadWait()", "func() int { return 1 }()", "func() int { return 2 }()", 0, 1, "2"},
		{"the running cell fails", "ahead6 := 6\naheadWait()\nvar ahead6p *aheadT\nahead6p.x++\nahead7 := 7", "ahead7 := 8\nfunc() int { return ahead7 + ahead6 }()", "", 0, 1, "14"},
		{"what it needs did not come to be", "aheadWait()\nvar ahead8p *aheadT\nahead8p.x++\nahead8 := 7", "func() int { return ahead8 }()", "func() string { return \"no\" }()", 0, 1, "no"},
		{"a package that nobody has used yet", "aheadWait()", "import \"container/ring\"\nring.New(3).Len()", "", 0, 1, "3"},
		{"a command", "aheadWait()", "!true", "func() int { return 9 }()", 0, 1, "9"},
		{"a mistake", "aheadWait()", "aheadNone()", "aheadF()", 0, 1, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e.mu.Lock()
			used, dropped := e.preparedUsed, e.preparedDropped
			e.mu.Unlock()
			next := Cell{ID: cellID(), Count: cellCount() + 1, Source: c.prepared}
			e.Prepare(next)
			ended := make(chan Result)
			go func() {
				ended <- e.Execute(context.Background(), Cell{ID: cellID(), Count: cellCount(), Source: c.runs})
			}()
			awaitAhead(t, e)
			if err := os.WriteFile(gate, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if r := <-ended; r.Err != nil && r.Err.Name != "Panic" {
				t.Fatal(r.Err)
			}
			if c.comes != "" {
				next.Source = c.comes
			}
			if r := e.Execute(context.Background(), next); r.Err != nil || text(r) != c.want {
				t.Errorf("got %q, want %q; %v", text(r), c.want, r.Err)
			}
			e.mu.Lock()
			used, dropped = e.preparedUsed-used, e.preparedDropped-dropped
			e.mu.Unlock()
			if used != c.used || dropped != c.dropped {
				t.Errorf("of what was compiled ahead %d were used and %d dropped, want %d and %d", used, dropped, c.used, c.dropped)
			}
		})
	}
}

// TestPrepareLeavesNothing: a session that is closed while the next cell is compiled
// leaves no files, and what was compiled for another session is not used.
func TestPrepareLeavesNothing(t *testing.T) {
	t.Parallel()
	e, err := New(Config{Sink: &record{}})
	if err != nil {
		t.Fatal(err)
	}
	do(t, e, "import \"time\"\nfunc leaveF() int { return 1 }")
	next := Cell{ID: "next", Count: 100, Source: "func leaveG() int { return 2 }\nleaveG()"}
	run := func(src string) chan Result {
		ended := make(chan Result, 1)
		go func() { ended <- e.Execute(context.Background(), Cell{ID: cellID(), Count: 99, Source: src}) }()
		awaitAhead(t, e)
		return ended
	}
	e.Prepare(next)
	ended := run("leaveF()\ntime.Sleep(time.Hour)")
	if err := e.Restart(); err != nil {
		t.Fatal(err)
	}
	<-ended
	if r := e.Execute(context.Background(), next); text(r) != "2" || e.preparedUsed != 0 {
		t.Errorf("after a restart: %q, %v, %d used", text(r), r.Err, e.preparedUsed)
	}
	do(t, e, "import \"time\"")
	next.Source = "func leaveH() int { return 3 }\nleaveH()"
	e.Prepare(next)
	ended = make(chan Result, 1)
	go func() {
		ended <- e.Execute(context.Background(), Cell{ID: cellID(), Count: 99, Source: "func() { time.Sleep(time.Hour) }()"})
	}()
	for compiling := false; !compiling; time.Sleep(time.Millisecond) {
		e.mu.Lock()
		compiling = e.ahead != nil
		e.mu.Unlock()
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	<-ended
	if _, err := os.Stat(e.dir); err == nil {
		t.Errorf("%s is still there", e.dir)
	}
}
