package engine

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// await waits until a cell has written a text.
func await(t *testing.T, sink *record, cell, stream, want string) {
	t.Helper()
	for range 500 {
		if strings.Contains(sink.text(cell, stream), want) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("cell %s never wrote %q to %s; it wrote %q", cell, want, stream, sink.text(cell, stream))
}

// TestLateOutputKeepsItsCell: goroutines of a cell that has ended print by every
// way there is while a later cell runs.
func TestLateOutputKeepsItsCell(t *testing.T) {
	e, sink := shared(t)
	do(t, e, "lateGo, lateDone := make(chan int), make(chan int, 9)")
	run := func(src string) string {
		t.Helper()
		id := cellID()
		if r := e.Execute(context.Background(), Cell{ID: id, Count: cellCount(), Source: src}); r.Err != nil {
			t.Fatalf("%s\n%v", src, r.Err)
		}
		return id
	}
	early := run(`
import ("bufio"; "fmt"; "log"; "os"; "time")
go func() {
	<-lateGo
	fmt.Println("printed")
	fmt.Fprintln(os.Stderr, "to stderr")
	log.Print("logged")
	println("builtin", 1, 2.5, true, 'x')
	go func() { fmt.Println("from a grandchild"); lateDone <- 1 }()
	w := bufio.NewWriterSize(os.Stdout, 16)
	w.WriteString("fifteen letters…ä\n") // the … falls on the buffer's end
	w.Flush()
	Display("shown")
	lateDone <- 1
}()
go func() { <-lateGo; defer func() { lateDone <- 1 }(); panic("late panic") }()
time.AfterFunc(50*time.Millisecond, func() { <-lateGo; fmt.Println("after a while"); lateDone <- 1; panic("a timer's panic") })
go func() { <-lateGo; for i := range 5000 { fmt.Println("line", i) }; lateDone <- 1 }()`)
	later := run(`
import "fmt"
fmt.Println("before")
close(lateGo)
for i := range 5000 { fmt.Println("mine", i) }
for range 5 { <-lateDone }
fmt.Println("after")`)
	await(t, sink, early, "stderr", "a timer's panic")
	out, errs := sink.text(early, "stdout"), sink.text(early, "stderr")
	for _, want := range []string{"printed\n", "from a grandchild\n", "fifteen letters…ä\n", "after a while\n", "line 4999\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("standard output of the early cell lacks %q", want)
		}
	}
	for _, want := range []string{"to stderr\n", "logged\n", "builtin 1 2.5 true 120\n", "late panic"} {
		if !strings.Contains(errs, want) {
			t.Errorf("standard error of the early cell lacks %q: %q", want, errs)
		}
	}
	shown := 0
	for _, ev := range sink.of(early) {
		if ev.kind == "display_data" {
			shown++
		}
	}
	if shown != 1 {
		t.Errorf("the early cell showed %d things, want 1", shown)
	}
	var want strings.Builder
	want.WriteString("before\n")
	for i := range 5000 {
		want.WriteString("mine " + strconv.Itoa(i) + "\n")
	}
	want.WriteString("after\n")
	if got := sink.text(later, "stdout"); got != want.String() {
		t.Errorf("the later cell's output is %d bytes, want its own %d", len(got), want.Len())
	}
	if got := sink.text(later, "stderr"); got != "" {
		t.Errorf("the later cell has standard error %q", got)
	}
}

// TestOutputAtTheSeam: a goroutine prints on while many cells begin and end.
// Every line is the first cell's.
func TestOutputAtTheSeam(t *testing.T) {
	e, sink := shared(t)
	do(t, e, "seamStop, seamN := make(chan int), 0")
	first := cellID()
	r := e.Execute(context.Background(), Cell{ID: first, Count: cellCount(), Source: `
import "fmt"
seamEnd := make(chan int)
go func() {
	defer close(seamEnd)
	for {
		select {
		case <-seamStop: return
		default: fmt.Println(seamN); seamN++
		}
	}
}()`})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	for range 60 {
		id := cellID()
		if r := e.Execute(context.Background(), Cell{ID: id, Count: cellCount(), Source: "seamQ := 1"}); r.Err != nil {
			t.Fatal(r.Err)
		}
		if got := sink.text(id, "stdout"); got != "" {
			t.Fatalf("a cell that prints nothing has the output %q", got)
		}
	}
	do(t, e, "close(seamStop)\n<-seamEnd")
	n := 0
	for range 100 {
		if n = strings.Count(sink.text(first, "stdout"), "\n"); strconv.Itoa(n) == text(do(t, e, "seamN")) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if want := text(do(t, e, "seamN")); strconv.Itoa(n) != want {
		t.Errorf("%d lines arrived of %s", n, want)
	}
	for i, line := range strings.Split(strings.TrimSpace(sink.text(first, "stdout")), "\n") {
		if line != strconv.Itoa(i) {
			t.Fatalf("line %d is %q", i, line)
		}
	}
}

// TestHookFits holds that the toolchain's package os can take the hook.
func TestHookFits(t *testing.T) {
	tools, err := findToolchain()
	if err != nil {
		t.Skip(err)
	}
	file, err := os.ReadFile(filepath.Join(tools.root, "src", "os", "file.go"))
	if err != nil {
		t.Skip(err)
	}
	hooked := hookWrites(file)
	if hooked == nil {
		t.Fatal("os/file.go has changed: late output would come under the newest cell")
	}
	if a, b := strings.Count(string(file), "\n"), strings.Count(string(hooked), "\n"); b != a+strings.Count(hookDeclaration, "\n") {
		t.Errorf("%d lines became %d", a, b)
	}
	if hookWrites([]byte("package os\n")) != nil {
		t.Error("a file without Write was taken")
	}
}

// TestBuildIsToldAndTakenBack: a cell that waits for the worker to be built is told
// so, and the text does not stay.
func TestBuildIsToldAndTakenBack(t *testing.T) {
	sink := &record{}
	e := &Engine{config: Config{Sink: sink}, ready: make(chan struct{})}
	e.tell("building …\n")
	time.AfterFunc(quietSetup+500*time.Millisecond, func() { close(e.ready) })
	if err := e.awaitSetup(context.Background(), "first", nil); err != nil {
		t.Fatal(err)
	}
	events := sink.of("first")
	if len(events) != 2 || events[0].text != "building …\n" || events[1].kind != "clear_output" {
		t.Errorf("the sink got %+v", events)
	}
	if err := e.awaitSetup(context.Background(), "second", nil); err != nil || len(sink.of("second")) > 0 {
		t.Errorf("a cell that did not wait: %v, %+v", err, sink.of("second"))
	}
}
