package peak

import "testing"

// TestFMA: the rate is one a processor can have, and more runs never lower it
// below a plausible floor.
func TestFMA(t *testing.T) {
	rate, kind := FMA(5)
	if rate < 0.1 || rate > 2000 || kind == "" {
		t.Errorf("%.3g·10⁹ operations a second by %q", rate, kind)
	}
	t.Logf("%.1f GFLOP/s (%s)", rate, kind)
	for _, m := range machine() {
		m.run(1) // the shortest loop ends
	}
}
