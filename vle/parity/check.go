package parity

import (
	"fmt"
	"math"
)

// tolerance is how far a number may be off: Abs + Rel·|recorded|.
type tolerance struct{ Abs, Rel float64 }

var (
	// exact is for ids, bytes and texts.
	exact = tolerance{}
	// closely is for everything that a small model computes in float32: about
	// ten times the noise of the reference against float64.
	closely = tolerance{2e-5, 1e-4}
	// atRealSize is for the logits and states of a model of real size.
	atRealSize = tolerance{1e-4, 0}
)

func (t tolerance) String() string {
	switch {
	case t == exact:
		return "exact"
	case t.Rel == 0:
		return fmt.Sprintf("%.0e", t.Abs)
	case t.Abs == 0:
		return fmt.Sprintf("%.0e·|x|", t.Rel)
	}
	return fmt.Sprintf("%.0e+%.0e·|x|", t.Abs, t.Rel)
}

// maxDetails bounds what is printed below a case that missed.
const maxDetails = 12

// check gathers the comparisons of one case.
type check struct {
	loosest  tolerance
	numbers  int     // float comparisons
	largest  float64 // absolute error
	items    int     // exact comparisons
	unequal  int
	misses   int
	details  []string
	anything bool
}

// miss notes that something is not as recorded.
func (c *check) miss(format string, args ...any) {
	c.anything = true
	c.misses++
	switch {
	case len(c.details) < maxDetails:
		c.details = append(c.details, fmt.Sprintf(format, args...))
	case len(c.details) == maxDetails:
		c.details = append(c.details, "…")
	}
}

// item notes one exact comparison; format says what differs where it does.
func (c *check) item(ok bool, format string, args ...any) {
	c.anything = true
	c.items++
	if !ok {
		c.unequal++
		c.miss(format, args...)
	}
}

// number is any type that recorded floats come in.
type number interface{ ~float32 | ~float64 }

// close compares numbers of one array.
func close[A, B number](c *check, tol tolerance, name string, got []A, want []B) {
	c.anything = true
	if tol.Abs > c.loosest.Abs || tol.Rel > c.loosest.Rel {
		c.loosest = tolerance{max(tol.Abs, c.loosest.Abs), max(tol.Rel, c.loosest.Rel)}
	}
	if len(got) != len(want) {
		c.miss("%s: %d numbers, recorded %d", name, len(got), len(want))
		return
	}
	worst, at, off := 0.0, -1, 0
	for i := range want {
		g, w := float64(got[i]), float64(want[i])
		if g == w || g != g && w != w {
			continue
		}
		err := math.Abs(g - w)
		if err != err {
			err = math.Inf(1)
		}
		c.largest = max(c.largest, err)
		if !(err <= tol.Abs+tol.Rel*math.Abs(w)) { // also where w is not a number
			off++
			if err > worst {
				worst, at = err, i
			}
		}
	}
	c.numbers += len(want)
	if off > 0 {
		c.miss("%s: %d of %d numbers are off, worst at %d: %.9g, recorded %.9g", name, off, len(want), at, float64(got[at]), float64(want[at]))
	}
}

// same compares lists of ids, bytes or texts as one item.
func same[T comparable](c *check, name string, got, want []T) {
	at := -1
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			at = i
			break
		}
	}
	switch {
	case at >= 0:
		c.item(false, "%s: differs at %d: %.80q, recorded %.80q", name, at, fmt.Sprint(got[at]), fmt.Sprint(want[at]))
	case len(got) != len(want):
		c.item(false, "%s: %d long, recorded %d", name, len(got), len(want))
	default:
		c.item(true, "")
	}
}

// verdict sums up. A case that compared nothing is a miss: a recorded file
// without content proves nothing.
func (c *check) verdict() (v Verdict, largest, tol string, details []string) {
	switch {
	case c.numbers > 0:
		largest, tol = fmt.Sprintf("%.1e", c.largest), c.loosest.String()
		if c.unequal > 0 {
			largest += fmt.Sprintf(" (%d/%d)", c.unequal, c.items)
		}
	case c.items > 0:
		largest, tol = fmt.Sprintf("%d of %d", c.unequal, c.items), exact.String()
	}
	if !c.anything {
		c.miss("nothing was recorded in it")
	}
	if c.misses > 0 {
		return Miss, largest, tol, c.details
	}
	return OK, largest, tol, nil
}
