package engine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// do runs a cell and fails the test when the cell fails.
func do(t testing.TB, e *Engine, src string) Result {
	t.Helper()
	r := e.Execute(context.Background(), Cell{ID: cellID(), Count: cellCount(), Source: src})
	if r.Err != nil {
		t.Fatalf("%s\n%v\n%s", src, r.Err, strings.Join(r.Err.Traceback, "\n"))
	}
	return r
}

// try runs a cell that is expected to fail.
func try(t testing.TB, e *Engine, src string) *CellError {
	t.Helper()
	r := e.Execute(context.Background(), Cell{ID: cellID(), Count: cellCount(), Source: src})
	if r.Err == nil {
		t.Fatalf("%s\nno error", src)
	}
	return r.Err
}

func text(r Result) string {
	s, _ := r.Value["text/plain"].(string)
	return s
}

func TestOutputOrder(t *testing.T) {
	e, sink := shared(t)
	id := cellID()
	r := e.Execute(context.Background(), Cell{ID: id, Count: cellCount(), Source: `
import "fmt"
for i := range 50 {
	fmt.Print("p", i, ";")
	Display(i)
}
display.Clear(true)
h := display.Show("first")
h.Update("second")`})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	var got strings.Builder
	for _, ev := range sink.of(id) {
		switch ev.kind {
		case "stdout":
			got.WriteString(ev.text)
		case "display_data", "update_display_data":
			fmt.Fprintf(&got, "d%v;", ev.message.Content["data"].(map[string]any)["text/plain"])
		case "clear_output":
			got.WriteString("clear;")
		}
	}
	var want strings.Builder
	for i := range 50 {
		fmt.Fprintf(&want, "p%d;d%d;", i, i)
	}
	want.WriteString("clear;dfirst;dsecond;")
	if got.String() != want.String() {
		t.Errorf("got  %s\nwant %s", got.String(), want.String())
	}
}

func TestLateAndBinaryOutput(t *testing.T) {
	e, sink := shared(t)
	id := cellID()
	r := e.Execute(context.Background(), Cell{ID: id, Count: cellCount(), Source: `
import ("fmt"; "os"; "time")
os.Stdout.Write([]byte{0xff, 'a', 0xc3})
os.Stdout.Write([]byte{0xa9, 0, '\n'})
go func() { time.Sleep(200 * time.Millisecond); fmt.Println("late") }()`})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	for range 100 {
		if strings.Contains(sink.text(id, "stdout"), "late") {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if got, want := sink.text(id, "stdout"), "�aé\x00\nlate\n"; got != want {
		t.Errorf("stdout %q, want %q", got, want)
	}
}

func TestInput(t *testing.T) {
	e, sink := shared(t)
	sink.answer = func(prompt string, password bool) (string, error) {
		return fmt.Sprintf("<%s %v>", prompt, password), nil
	}
	defer func() { sink.answer = nil }()
	if got := text(do(t, e, `must(display.Input("name?")) + must(display.Password("pw?"))`)); got != "<name? false><pw? true>" {
		t.Errorf("got %s", got)
	}
}

func TestStandardInput(t *testing.T) {
	e, sink := shared(t)
	lines := []string{"3 4", "first", "second", "z"}
	sink.answer = func(string, bool) (string, error) {
		if len(lines) == 0 {
			return "", fmt.Errorf("no more")
		}
		l := lines[0]
		lines = lines[1:]
		return l, nil
	}
	defer func() { sink.answer = nil }()
	got := text(do(t, e, `import ("bufio"; "fmt"; "os")
var inA, inB int
inN, inErr := fmt.Scanln(&inA, &inB)
inSc := bufio.NewScanner(os.Stdin)
inSc.Scan()
inL1 := inSc.Text()
inL2, _ := bufio.NewReader(os.Stdin).ReadString('\n')
fmt.Sprint(inA+inB, inN, inErr, inL1, inL2)`))
	if want := "7 2 <nil>firstsecond\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDeath(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts workers of its own")
	}
	sink := &record{}
	e, err := New(Config{Sink: sink, MemoryLimit: 700 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, c := range []struct{ name, src, want, frame string }{
		{"memory limit", "var hog [][]byte\nfor { b := make([]byte, 1<<20); for i := range b { b[i] = 1 }; hog = append(hog, b) }", "700 MiB", ""},
		{"stack overflow", "type big struct{ a [100]int; next *big }\nfunc over(b big) int { return over(b) + over(b) }\nover(big{})", "stack overflow", "line 2, in over"},
		{"concurrent map writes", "m := map[int]int{}\nfor i := range 4 { go func() { for j := 0; ; j++ { m[j%4+i] = j } }() }\nselect {}", "concurrent map", "line 2"},
		{"SIGKILL", "import \"syscall\"\nsyscall.Kill(syscall.Getpid(), syscall.SIGKILL)\nselect {}", "SIGKILL", ""},
		{"raw exit", "import \"syscall\"\nsyscall.RawSyscall(syscall.SYS_EXIT_GROUP, 3, 0, 0)", "exited with status 3", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			do(t, e, "kept := 1")
			start := time.Now()
			before := len(sink.all("stderr"))
			err := try(t, e, c.src)
			if said := sink.all("stderr")[before:]; strings.Contains(said, "goroutine ") {
				t.Errorf("the runtime's own trace was shown: %q", said)
			}
			if c.frame != "" && !strings.Contains(unstyled(strings.Join(err.Traceback, "\n")), c.frame) {
				t.Errorf("the traceback lacks %q: %q", c.frame, err.Traceback)
			}
			if err.Name != "WorkerLost" || !strings.Contains(err.Value, c.want) || !strings.Contains(err.Value, "variables are gone") {
				t.Fatalf("error %v, want WorkerLost with %q", err, c.want)
			}
			t.Logf("died in %v: %v", time.Since(start).Round(time.Millisecond), err)
			if err := try(t, e, "kept"); !strings.Contains(err.Value, "undefined: kept") {
				t.Errorf("a variable of the dead worker is known: %v", err)
			}
			if got := text(do(t, e, "1 + 2")); got != "3" {
				t.Errorf("the next cell gives %s", got)
			}
		})
	}
	t.Run("between cells", func(t *testing.T) {
		pid := text(do(t, e, "import \"os\"\nos.Getpid()"))
		var n int
		fmt.Sscan(pid, &n)
		syscall.Kill(n, syscall.SIGKILL)
		for range 100 {
			e.mu.Lock()
			w := e.worker
			e.mu.Unlock()
			select {
			case <-w.dead:
			case <-time.After(20 * time.Millisecond):
				continue
			}
			break
		}
		id := cellID()
		if r := e.Execute(context.Background(), Cell{ID: id, Source: "7"}); text(r) != "7" {
			t.Errorf("the next cell gives %v", r)
		}
		if got := sink.text(id, "stderr"); !strings.Contains(got, "variables are gone") {
			t.Errorf("nobody was told: %q", got)
		}
	})
	t.Run("restart", func(t *testing.T) {
		do(t, e, "kept2 := 1")
		if err := e.Restart(); err != nil {
			t.Fatal(err)
		}
		if err := try(t, e, "kept2"); !strings.Contains(err.Value, "undefined: kept2") {
			t.Errorf("%v", err)
		}
		if got := text(do(t, e, "1 + 2")); got != "3" {
			t.Errorf("the next cell gives %s", got)
		}
	})
	t.Run("restart while a cell runs", func(t *testing.T) {
		done := make(chan *CellError)
		go func() { done <- e.Execute(context.Background(), Cell{ID: cellID(), Count: 1, Source: "for {}"}).Err }()
		time.Sleep(time.Second)
		if err := e.Restart(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err == nil || err.Name != "WorkerLost" {
			t.Errorf("%v", err)
		}
		do(t, e, "1")
	})
}

func TestHugeCells(t *testing.T) {
	e, sink := shared(t)
	var b strings.Builder
	b.WriteString("huge := 0\n")
	lines := 10000
	if testing.Short() {
		lines = 500
	}
	for i := range lines {
		fmt.Fprintf(&b, "huge += %d\n", i%7)
	}
	b.WriteString("func() int { return huge }()")
	start := time.Now()
	do(t, e, b.String())
	t.Logf("%d lines in %v", lines, time.Since(start))
	id := cellID()
	r := e.Execute(context.Background(), Cell{ID: id, Source: `for i := 0; i < 300000; i++ { fmt.Println("0123456789012345678901234567890123456789") }`})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if n := len(sink.text(id, "stdout")); n != 300000*41 {
		t.Errorf("%d bytes of output, want %d", n, 300000*41)
	}
}

func TestSetup(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	_, err := findToolchain()
	if err == nil || !strings.Contains(err.Error(), "install") {
		if !isFile("/usr/local/go/bin/go") {
			t.Errorf("without a toolchain: %v", err)
		} else if err == nil || !strings.Contains(err.Error(), "C compiler") {
			t.Errorf("without a C compiler: %v", err)
		}
	}
	t.Setenv("GOVLE_SOURCE", t.TempDir())
	if _, err := findSource(""); err == nil || !strings.Contains(err.Error(), "GOVLE_SOURCE") {
		t.Errorf("with a wrong source: %v", err)
	}
	e, err := New(Config{Sink: &record{}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r := e.Execute(context.Background(), Cell{ID: "x", Count: 1, Source: "1"})
	if r.Err == nil || r.Err.Name != "SetupError" {
		t.Errorf("error %v, want SetupError", r.Err)
	}
}

// TestOrphan: a front that is killed leaves neither a worker nor files behind.
func TestOrphan(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a front of its own")
	}
	front := exec.Command(os.Args[0], "-test.run=^TestOrphanFront$")
	front.Env = append(os.Environ(), orphanFront+"=1")
	out, err := front.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := front.Start(); err != nil {
		t.Fatal(err)
	}
	defer front.Wait()
	defer front.Process.Kill()
	var pid int
	var dir string
	if _, err := fmt.Fscanln(out, &pid, &dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	front.Process.Kill()
	for range 300 {
		_, err := os.Stat(dir)
		if os.IsNotExist(err) && syscall.Kill(pid, 0) != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	_, err = os.Stat(dir)
	t.Errorf("after its front was killed: the session's folder: %v, the worker: %v", err, syscall.Kill(pid, 0))
}

const orphanFront = "GOVLE_TEST_ORPHAN_FRONT"

// TestOrphanFront is the front that TestOrphan kills.
func TestOrphanFront(t *testing.T) {
	if os.Getenv(orphanFront) == "" {
		t.Skip("run by TestOrphan")
	}
	e, err := New(Config{Sink: &record{}})
	if err != nil {
		t.Fatal(err)
	}
	do(t, e, "func compiled() int { return 1 }")
	go e.Execute(context.Background(), Cell{ID: "busy", Source: "for {}"})
	fmt.Println(e.worker.cmd.Process.Pid, e.dir)
	select {}
}

func TestCloseLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a worker of its own")
	}
	e, err := New(Config{Sink: &record{}})
	if err != nil {
		t.Fatal(err)
	}
	do(t, e, "1")
	pid, dir := e.worker.cmd.Process.Pid, e.dir
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err == nil {
		t.Error("the worker lives")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is still there", dir)
	}
	if r := e.Execute(context.Background(), Cell{ID: "y", Source: "1"}); r.Err == nil {
		t.Error("a closed engine runs cells")
	}
}
