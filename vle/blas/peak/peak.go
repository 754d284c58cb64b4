// Package peak measures how many float32 operations a processor can do at most,
// so that benchmarks can say how far from it they are.
package peak

import "time"

// FMA returns the rate of fused multiply-adds on registers on one thread, in
// 10⁹ float32 operations a second (a multiply-add is two), the best of tries
// short runs, and which instructions it used: "avx512", "avx2", or "go" and
// plain multiply-adds where there is no assembly.
func FMA(tries int) (rate float64, kind string) {
	const rounds = 1 << 16
	for _, m := range machine() {
		for range max(1, tries) {
			start := time.Now()
			m.run(rounds)
			if r := float64(rounds*m.operations) / float64(time.Since(start).Nanoseconds()); r > rate {
				rate, kind = r, m.name
			}
		}
	}
	return rate, kind
}

// loop is one way to keep the multipliers busy.
type loop struct {
	name       string
	operations int // a round
	run        func(rounds int)
}

// fmaGo is eight sums in plain Go. sink keeps the compiler from dropping them.
func fmaGo(rounds int) {
	var s [8]float32
	x := sink[0]
	for range rounds {
		for i := range s {
			s[i] += x * s[i]
		}
	}
	sink = s
}

var sink [8]float32
