package engine

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var address = regexp.MustCompile("0x[0-9a-f]+")

// TestRoadsAgree runs cells by reflection and compiled: both must give the same.
func TestRoadsAgree(t *testing.T) {
	e, sink := own(t)
	do(t, e, `import ("fmt"; "strings"; "time"; "errors"; "os")
type sPt struct { x, Y int; in *sPt; m map[string]int; f func(int) int }
func (p sPt) Sum() int { return p.x + p.Y }
func (p *sPt) Move(d int) { p.x += d }
type sKind uint8
const sK sKind = 250
func (k sKind) String() string { return fmt.Sprint("kind", uint8(k)) }
func sTwo(a int) (int, error) { if a < 0 { return 0, errors.New("negative") }; return a * 2, nil }
func sAll(xs ...any) string { return fmt.Sprint(len(xs), xs) }
func sNil(err error, p *sPt, s []int) bool { return err == nil && p == nil && s == nil }
var (
	sI, sJ = 7, -3
	sU8 uint8 = 200
	sI8 int8 = -128
	sF, sG = 1.5, float32(0.1)
	sS = "héllo"
	sP = sPt{x: 1, Y: 2, in: &sPt{x: 5}, m: map[string]int{"a": 1}, f: func(i int) int { return i + 1 }}
	sPP = &sP
	sArr = [3]int{1, 2, 3}
	sSl = []string{"a", "b"}
	sM = map[string]int{"k": 4}
	sNilP *sPt
	sAny any = 3
	sErr error
	sKv sKind = 250
	sZero int
)
_ = strings.ToUpper("x") + strings.Repeat("a", 1)
time.Sleep(2 * time.Millisecond)
fmt.Fprintln(os.Stderr)
fmt.Println()
fmt.Sprintf("%d", 1)`)
	// Expressions of one value, which are compiled in one cell, as functions.
	expressions := []string{
		"sI", "sI + sJ*2", "sI / sJ", "sI % sJ", "sI / sZero", "-sI", "^sI", "sI &^ 2", "sI << 3", "sI >> 1", "sJ >> 1", "1 << sI",
		"sU8 + 100", "sU8 * 2", "-sU8", "^sU8", "sI8 - 1", "-sI8", "sU8 << 1", "sF * 3", "sG + 0.2", "sG * sG", "-sG", "sF / 0.5",
		"sS", "sS + \"!\"", "len(sS)", "sS == \"x\"", "sI > 3 && sJ < 0", "sI < 3 || sJ > 0", "!(sI == 7)", "sF <= 1.5", "sS < \"z\"",
		"sP.x", "sP.Y + sP.in.x", "sPP.x", "sPP.Sum()", "sP.Sum()", "sNilP.x", "sNilP.Sum()", "sP.in.in.x", "sP.m[\"a\"]", "sP.m[\"zz\"]", "sP.f(3)",
		"sArr[1]", "sArr[sI]", "sSl[0]", "sSl[sJ]", "sM[\"k\"]", "len(sSl) + cap(sArr)", "sAny", "sErr", "sErr == nil", "sNilP == nil", "sM != nil",
	}
	cells := []string{
		"sTwo(4)", "sTwo(-1)", "sAll()", "sAll(1, \"a\", nil)", "sAll(sTwo(2))", "sNil(nil, nil, nil)", "sNil(sErr, sPP, nil)",
		"strings.ToUpper(sS)", "strings.Repeat(\"ab\", sI)", "fmt.Sprintf(\"%d %s\", sI, sS)", "fmt.Println(sI, sS)", "time.Millisecond * 3",
		"sKv", "sKv + 10", "sKind(3)", "float64(sI) / 2", "int(sF)", "uint8(sI * 100)", "string(rune(sI + 60))", "sK", "1 << 62", "3.0", "'x'", "true", "nil", "2.5e10 * 3",
		"sI = 9\nsI", "sI += 5\nsI", "sI++\nsI--\nsI", "sU8++\nsU8", "sP.x = 4\nsP.Y *= 3\nsP", "sP.m[\"n\"] = 7\nsP.m", "sArr[0] = 100\nsArr", "sI, sJ = sJ, sI\nsI - sJ",
		"sM[\"k\"]++\nsM", "sPP.Move(2)\nsP.x", "sP.Move(2)\nsP.x", "sAny = \"now a string\"\nsAny", "sErr = nil\nsErr", "sSl[1] = sS\nsSl", "*sPP", "&sI == nil",
		"sA1 := sI * 2\nsA1", "sB1, sB2 := sTwo(21)\nsB1", "sC1, sC2 := 1, \"x\"\nsC2", "sD1 := sP\nsD1.x = 99\nsP.x", "sE1 := &sI\n*sE1 = 55\nsI", "_ = sI", "sPP = nil\nsPP.Y",
		"panic(\"no\")", "var sLocal int\nsLocal", "func() int { return sI }()",
	}
	type outcome struct{ value, err, out string }
	if testing.Short() {
		expressions, cells = expressions[:20], nil
	}
	all := append(expressions, cells...)
	compileAll := func(yes bool) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.compileAll = yes
	}
	run := func(compiled bool) (outs []outcome, simple int) {
		// Both runs begin with the same values.
		do(t, e, "sI, sJ, sU8, sI8 = 7, -3, 200, -128; sP = sPt{x: 1, Y: 2, in: &sPt{x: 5}, m: map[string]int{\"a\": 1}, f: func(i int) int { return i + 1 }}; sPP = &sP; sArr = [3]int{1, 2, 3}; sSl = []string{\"a\", \"b\"}; sM = map[string]int{\"k\": 4}; sAny = 3; sErr = nil")
		if compiled {
			do(t, e, "sRoads := []func() any{\nfunc() any { return "+strings.Join(expressions, "},\nfunc() any { return ")+"},\n}")
		}
		for i, src := range all {
			if compiled && i < len(expressions) {
				src = fmt.Sprintf("sRoads[%d]()", i)
			} else {
				compileAll(compiled)
			}
			id := cellID()
			r := e.Execute(context.Background(), Cell{ID: id, Count: cellCount(), Source: src})
			if r.plain {
				simple++
			}
			o := outcome{value: address.ReplaceAllString(text(r), "0x"), out: sink.text(id, "stdout")}
			if r.Err != nil {
				o.err = r.Err.Name + ": " + r.Err.Value
			}
			outs = append(outs, o)
		}
		compileAll(false)
		return outs, simple
	}
	fast, n := run(false)
	slow, called := run(true)
	if called != len(expressions) {
		t.Errorf("%d of %d cells were not compiled", called-len(expressions), len(cells))
	}
	for i := range fast {
		if fast[i] != slow[i] {
			t.Errorf("%s\nby reflection %+v\ncompiled      %+v", all[i], fast[i], slow[i])
		}
	}
	if want := len(fast) * 8 / 10; n < want {
		t.Errorf("%d of %d cells were simple, want %d", n, len(fast), want)
	}
}

// TestDynamicVariables checks that compiled cells see what simple cells declare.
func TestDynamicVariables(t *testing.T) {
	e, _ := shared(t)
	do(t, e, "dynA := 5")
	do(t, e, "dynB := dynA * 2")
	if got := text(do(t, e, "func dynF() int { dynA++; return dynA + dynB }\ndynF()")); got != "16" {
		t.Errorf("got %s", got)
	}
	if got := text(do(t, e, "dynA")); got != "6" {
		t.Errorf("got %s", got)
	}
	do(t, e, "dynA := 100")
	if got := text(do(t, e, "dynF()")); got != "111" {
		t.Errorf("after a redefinition the function gives %s", got)
	}
	do(t, e, "dynA := \"text\"")
	if got := text(do(t, e, "dynA + func() string { return \"!\" }()")); got != "text!" {
		t.Errorf("got %s", got)
	}
}

// TestSimpleIsQuick holds the time of simple cells.
func TestSimpleIsQuick(t *testing.T) {
	e, _ := shared(t)
	do(t, e, "quick := 1")
	var times []time.Duration
	for range 200 {
		start := time.Now()
		do(t, e, "quick + 1")
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	t.Logf("p50 %v, p99 %v", times[100], times[198])
	if times[100] > 5*time.Millisecond {
		t.Errorf("p50 is %v, want 5 ms", times[100])
	}
}
