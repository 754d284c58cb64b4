package engine

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestManyCells holds what a session of many compiled cells costs. It takes
// minutes: GOVLE_MANY_CELLS says how many.
func TestManyCells(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("GOVLE_MANY_CELLS"))
	if err != nil || n < 40 {
		t.Skip("set GOVLE_MANY_CELLS to a number of cells, 40 or more")
	}
	e, err := New(Config{Sink: &record{}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	do(t, e, "import \"fmt\"\nfmt.Sprint(1)")
	var times []time.Duration
	for i := range n {
		start := time.Now()
		do(t, e, fmt.Sprintf("func many%d(x int) int { for i := range 10 { x += i }; return x + %d }\nres%d := fmt.Sprint(many%d(1))", i, i, i, i))
		times = append(times, time.Since(start))
		if (i+1)%(n/10) == 0 {
			part := slices.Sorted(slices.Values(times[max(0, i+1-n/10):]))
			t.Logf("cell %4d: p50 %v, private memory %d MiB", i+1, part[len(part)/2].Round(time.Millisecond), privateMemory(t, e)>>20)
		}
	}
	if m := privateMemory(t, e); m > 1<<30 {
		t.Errorf("%d MiB of private memory", m>>20)
	}
	median := func(d []time.Duration) time.Duration { return slices.Sorted(slices.Values(d))[len(d)/2] }
	if first, last := median(times[:20]), median(times[n-20:]); last > 2*first {
		t.Errorf("the last cells take %v, the first took %v", last, first)
	}
}

// TestPluginsAddOnlyTheirTypes holds what makes cells slower as a session grows: the
// types that the runtime goes through whenever a plugin is loaded. A cell may add those
// that it declares itself, but not the hundreds that its plugin has copies of.
func TestPluginsAddOnlyTheirTypes(t *testing.T) {
	e, _ := shared(t)
	do(t, e, "import (\"fmt\"; \"reflect\")\nfunc ownNone(x int) string { return fmt.Sprint(reflect.TypeOf(x)) }\ntype ownB struct{ x int }\nfunc ownShow(v any) string { return fmt.Sprint(v) }\nownShow(ownB{1})")
	for _, c := range []struct {
		src      string
		min, max int
	}{
		{"func ownNone(x int) string { return fmt.Sprintln(reflect.TypeOf(x)) }", 0, 0},
		{"type ownA struct{ x, y int }\nownShow(ownA{1, 2})", 1, 6},
		{"func ownSlice() any { return []ownA{{1, 2}} }\nownShow(ownSlice())", 1, 6},
		{"func ownAgain() any { return []ownA{{3, 4}} }\nownShow(ownAgain())", 0, 0},
	} {
		if n := do(t, e, c.src).types; n < c.min || n > c.max {
			t.Errorf("%d types stay to be compared with those of later cells, want %d to %d, after\n%s", n, c.min, c.max, c.src)
		}
	}
	// Reflection must go on finding them, and the same ones from every cell.
	if got := text(do(t, e, `func() bool {
	made := reflect.SliceOf(reflect.TypeOf(ownA{}))
	return made == reflect.TypeOf(ownSlice()) && made == reflect.TypeOf(ownAgain()) && made == reflect.TypeOf([]ownA{}) &&
		reflect.PointerTo(made) == reflect.TypeOf(new([]ownA)) && reflect.MapOf(reflect.TypeOf(""), reflect.TypeOf(0)) == reflect.TypeOf(map[string]int{})
}()`)); got != "true" {
		t.Error("types made by reflection are not those of the cells")
	}
}

// TestManySimpleCells: cells that need no compiler leave memory and latency as they
// were, here and in the worker.
func TestManySimpleCells(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time and memory")
	}
	e, err := New(Config{Sink: &record{}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	do(t, e, "import \"fmt\"\nfmt.Sprint(1)")
	do(t, e, "manyX := 0")
	const warm, n = 200, 1200
	var times []time.Duration
	var private, heap int64
	for i := range n {
		if i == warm {
			private, heap = privateMemory(t, e), heapInUse()
		}
		start := time.Now()
		switch i % 4 {
		case 0:
			do(t, e, "manyX++")
		case 1:
			do(t, e, "fmt.Sprint(manyX)")
		case 2:
			do(t, e, fmt.Sprintf("manyX%d := manyX * 2", i%100))
		case 3:
			do(t, e, "fmt.Println(manyX)")
		}
		times = append(times, time.Since(start))
	}
	if got := text(do(t, e, "manyX")); got != strconv.Itoa(n/4) {
		t.Errorf("counted to %s, want %d", got, n/4)
	}
	median := func(d []time.Duration) time.Duration { return slices.Sorted(slices.Values(d))[len(d)/2] }
	first, last := median(times[warm:warm+200]), median(times[n-200:])
	private, heap = privateMemory(t, e)-private, heapInUse()-heap
	t.Logf("p50 %v, after %d cells %v; memory of the worker %+d KiB, of this process %+d KiB",
		first.Round(time.Microsecond), n-warm, last.Round(time.Microsecond), private>>10, heap>>10)
	if last > first*3/2+200*time.Microsecond {
		t.Errorf("a simple cell takes %v after %d cells, before it took %v", last, n-warm, first)
	}
	if private > 8<<20 || heap > 8<<20 {
		t.Errorf("%d simple cells cost %d KiB in the worker and %d KiB here", n-warm, private>>10, heap>>10)
	}
}

// heapInUse is what this process keeps, in bytes.
func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// privateMemory is the worker's private memory in bytes: what it has written to.
// Pages of loaded plugins that it has only read stay the file's.
func privateMemory(t *testing.T, e *Engine) (sum int64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", e.worker.cmd.Process.Pid))
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Anonymous:" {
			kb, _ := strconv.ParseInt(f[1], 10, 64)
			sum += kb << 10
		}
	}
	return sum
}

// BenchmarkSimpleCell is the round trip of a cell that needs no compiler.
func BenchmarkSimpleCell(b *testing.B) {
	e, _ := shared(b)
	do(b, e, "benchX := 1")
	for b.Loop() {
		do(b, e, "benchX + 1")
	}
}

// BenchmarkCompiledCell is the round trip of a cell that is compiled.
func BenchmarkCompiledCell(b *testing.B) {
	e, _ := shared(b)
	do(b, e, "benchY := 1")
	for b.Loop() {
		do(b, e, "func benchF() int { return benchY + 1 }\nbenchF()")
	}
}
