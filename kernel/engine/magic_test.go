package engine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFileAndFormatMagics(t *testing.T) {
	e, sink := shared(t)
	name := filepath.Join(t.TempDir(), "a.txt")
	do(t, e, "%%file "+name+"\nline 1\n\nline 2\n")
	do(t, e, "%%file -a "+name+"\nline 3\n")
	if b, err := os.ReadFile(name); err != nil || string(b) != "line 1\n\nline 2\nline 3\n" {
		t.Errorf("%q, %v", b, err)
	}
	if r := do(t, e, "%%fmt\nx:=1\nx"); r.NextInput != "x := 1\nx" {
		t.Errorf("%q", r.NextInput)
	}
	if r := do(t, e, "import \"strings\"\nstrings.ToUpper?"); !strings.Contains(r.Pager["text/plain"].(string), "func strings.ToUpper") {
		t.Errorf("%v", r.Pager)
	}
	id := cellID()
	r := e.Execute(context.Background(), Cell{ID: id, Source: "magicVar := 1.5\n%who"})
	if r.Err != nil || !strings.Contains(sink.text(id, "stdout"), "var magicVar float64") {
		t.Errorf("%v %q", r.Err, sink.text(id, "stdout"))
	}
	id = cellID()
	e.Execute(context.Background(), Cell{ID: id, Source: "%timeit magicVar * 2"})
	if got := sink.text(id, "stdout"); !strings.Contains(got, "per loop") {
		t.Errorf("%q", got)
	}
}

func TestResetAndGet(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts workers of its own")
	}
	sink := &record{}
	e, err := New(Config{Sink: sink})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	do(t, e, "resetVar := 1")
	do(t, e, "%reset")
	if err := try(t, e, "resetVar"); !strings.Contains(err.Value, "undefined") {
		t.Error(err)
	}
	do(t, e, "kept := 5\nfunc keptF() int { return kept }")
	// A module that govle requires itself is there without a network.
	do(t, e, "%get github.com/google/uuid@v1.6.0")
	if got := text(do(t, e, "import \"github.com/google/uuid\"\nkeptF() + len(uuid.NewString())")); got != "41" {
		t.Errorf("got %s", got)
	}
	if err := try(t, e, "%get no.such.host.invalid/module"); err.Name != "MagicError" {
		t.Error(err)
	}
}
