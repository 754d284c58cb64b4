package main

import (
	"fmt"
	"io"
	"math"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// benchSide is one of those who do the same work in a case.
type benchSide struct {
	name string
	// time does the work n times and returns the seconds of each.
	time func(n int) ([]float64, error)
	// result is what the work computed, to be compared with govle's; nil where
	// there is nothing to compare. Tolerance is how far it may be off; 0 for
	// sides that round, whose distance is only noted.
	result    func() ([]float64, error)
	tolerance float64
	// bytes says that time returns bytes of memory.
	bytes bool
	note  string
	close func()
}

// timed is a side that calls f.
func timed(name string, f func() error) benchSide {
	return benchSide{name: name, time: func(n int) ([]float64, error) {
		seconds := make([]float64, n)
		for i := range seconds {
			start := time.Now()
			if err := f(); err != nil {
				return nil, err
			}
			seconds[i] = time.Since(start).Seconds()
		}
		return seconds, nil
	}}
}

// countAllocations notes what a run of the side leaves for the garbage collector.
func (s *benchSide) countAllocations() error {
	const runs = 3
	var before, after runtime.MemStats
	if _, err := s.time(1); err != nil { // fills the arenas
		return err
	}
	runtime.ReadMemStats(&before)
	if _, err := s.time(runs); err != nil {
		return err
	}
	runtime.ReadMemStats(&after)
	s.note = fmt.Sprintf("%d allocations, %d KB a run", (after.Mallocs-before.Mallocs)/runs, (after.TotalAlloc-before.TotalAlloc)/runs/1000)
	return nil
}

// benchRow is what one case gave.
type benchRow struct {
	Name, About string
	Work        float64
	Target      float64
	Rival       string
	Taken       time.Time
	Threads     int
	Load        string
	Sides       []benchResult
}

// benchResult is what one side of a case gave.
type benchResult struct {
	Name        string
	Min, Median float64
	Rounds      int
	Bytes       bool
	// RatioMin and RatioMedian are this side's figure through govle's.
	RatioMin, RatioMedian float64
	Note                  string
}

const (
	// visit is how long one side runs at least before it is the other's turn.
	visit = 0.15
	// pause lets the threads of the side before fall asleep: OpenBLAS's and
	// OpenMP's spin for some milliseconds after their work.
	pause = 80 * time.Millisecond
	// coldBelow is the length in seconds up to which the first run of a turn is
	// not counted: it finds caches and threads as the other side left them.
	coldBelow = 0.3
)

// measure runs the sides of a case in turn (A B A B …).
func (b *bench) measure(c benchCase) (*benchRow, error) {
	b.threads = b.opts.threads
	if c.threads > 0 {
		b.threads = c.threads
	}
	runtime.GOMAXPROCS(b.threads)
	sides, err := c.prepare(b)
	defer func() {
		for _, s := range sides {
			if s.close != nil {
				s.close()
			}
		}
	}()
	if err != nil {
		return nil, err
	}
	if err := compareSides(sides); err != nil {
		return nil, err
	}
	counts := make([]int, len(sides))
	round := 0.0
	for i, s := range sides { // also the warm-up
		if s.bytes {
			counts[i] = 1
			continue
		}
		first, err := s.time(1)
		if err == nil && first[0] < 1 { // a long run is warm before it ends
			first, err = s.time(1)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		counts[i] = min(200, max(1, int(visit/max(first[0], 1e-9))))
		if first[0] < coldBelow {
			counts[i]++
		}
		round += first[0]*float64(counts[i]) + pause.Seconds()
	}
	rounds := min(b.opts.rounds, max(2, int(b.budget.Seconds()/max(round, 1e-9))))
	row := &benchRow{Name: c.name, About: c.about, Work: c.work, Target: c.target, Rival: c.rival, Threads: b.threads, Taken: time.Now().UTC().Truncate(time.Second), Load: loadAverage()}
	all := make([][]float64, len(sides))
	medians := make([][]float64, len(sides))
	for range rounds {
		for i, s := range sides {
			if err := b.ctx.Err(); err != nil {
				return nil, err
			}
			time.Sleep(pause)
			seconds, err := s.time(counts[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			if len(seconds) > 1 {
				seconds = seconds[1:]
			}
			all[i] = append(all[i], seconds...)
			medians[i] = append(medians[i], median(seconds))
		}
	}
	for i, s := range sides {
		r := benchResult{Name: s.name, Min: slices.Min(all[i]), Median: median(all[i]), Rounds: rounds, Bytes: s.bytes, Note: sides[i].note}
		if c.work > 0 && b.peak > 0 && i == 0 && !c.eight {
			r.Note = fmt.Sprintf("%.0f %% of the peak", 100*c.work/r.Min/(b.peak*float64(b.threads)))
		}
		if i > 0 {
			r.RatioMin = r.Min / row.Sides[0].Min
			each := make([]float64, rounds)
			for k := range each {
				each[k] = medians[i][k] / medians[0][k]
			}
			r.RatioMedian = median(each)
		}
		row.Sides = append(row.Sides, r)
	}
	return row, nil
}

// compareSides holds what the other sides compute against govle's own, and
// notes how far they are off.
func compareSides(sides []benchSide) error {
	if len(sides) == 0 || sides[0].result == nil {
		return nil
	}
	own, err := sides[0].result()
	if err != nil {
		return fmt.Errorf("%s: %w", sides[0].name, err)
	}
	for i := range sides[1:] {
		s := &sides[i+1]
		if s.result == nil {
			continue
		}
		other, err := s.result()
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		n := min(len(own), len(other))
		if n == 0 {
			return fmt.Errorf("%s: computed nothing", s.name)
		}
		worst := 0.0
		for k := range n {
			worst = max(worst, math.Abs(own[k]-other[k]))
		}
		if s.tolerance > 0 && !(worst <= s.tolerance) {
			return fmt.Errorf("%s does not compute what govle computes: off by %.3g", s.name, worst)
		}
		if s.note != "" {
			s.note += "; "
		}
		s.note += fmt.Sprintf("results within %.1e of govle's", worst)
	}
	return nil
}

func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	if len(s)%2 == 1 {
		return s[len(s)/2]
	}
	return (s[len(s)/2-1] + s[len(s)/2]) / 2
}

// verdict says whether the target is reached: "" where there is none or nobody
// to compare with. Of several rivals the fastest counts, by minima.
func (r *benchRow) verdict() string {
	if r.Target == 0 {
		return ""
	}
	if r.Rival == "" {
		if r.Sides[0].Min <= r.Target {
			return "reached"
		}
		return "missed"
	}
	rival := regexp.MustCompile(r.Rival)
	best := math.Inf(1)
	for _, s := range r.Sides[1:] {
		if rival.MatchString(s.Name) {
			best = min(best, s.RatioMin)
		}
	}
	switch {
	case math.IsInf(best, 1):
		return ""
	case best >= r.Target:
		return "reached"
	}
	return "missed"
}

// figure writes a side's number with its unit.
func (r *benchRow) figure(s benchResult, x float64) string {
	switch {
	case s.Bytes:
		return fmt.Sprintf("%.0f MB", x/1e6)
	case r.Work > 0:
		return fmt.Sprintf("%.0f G/s", r.Work/x/1e9)
	case x >= 1:
		return fmt.Sprintf("%.2f s", x)
	case x >= 1e-3:
		return fmt.Sprintf("%.3g ms", x*1e3)
	}
	return fmt.Sprintf("%.3g µs", x*1e6)
}

func (r *benchRow) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s (%d threads, load %s)\n", r.Name, r.About, r.Threads, r.Load)
	for i, s := range r.Sides {
		line := fmt.Sprintf("  %-28s best %-10s median %-10s", s.Name, r.figure(s, s.Min), r.figure(s, s.Median))
		if i > 0 {
			line += fmt.Sprintf(" ratio %.2f (median %.2f)", s.RatioMin, s.RatioMedian)
		}
		if s.Note != "" {
			line += "  " + s.Note
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
	if v := r.verdict(); v != "" {
		fmt.Fprintf(w, "  target %g: %s\n", r.Target, v)
	}
}
