package kernel

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"govle/kernel/client"
	"govle/kernel/engine"
)

// BenchmarkCellRoundTrip measures a trivial cell over real sockets, from sending
// its request to having both its reply and the idle status. The executor is the
// fake one, so this is what the protocol itself costs.
func BenchmarkCellRoundTrip(b *testing.B) {
	roundTrips(b, startKernel(b).connect(b), "value 2")
}

// BenchmarkRealCellRoundTrip measures cells of the real engine over real sockets:
// one that only names a value, and one that must be compiled.
func BenchmarkRealCellRoundTrip(b *testing.B) {
	source, err := filepath.Abs("..")
	if err != nil {
		b.Fatal(err)
	}
	tk := new(testKernel)
	tk.start(b, func(s engine.Sink) (Executor, error) { return engine.New(engine.Config{Source: source, Sink: s}) })
	c := tk.connect(b)
	if got := run(b, c, "import \"fmt\"\nx := 2", client.ExecuteOptions{}).reply; got.Status != "ok" {
		b.Fatalf("the first cell: %+v", got)
	}
	b.Run("simple", func(b *testing.B) { roundTrips(b, c, "x") })
	b.Run("compiled", func(b *testing.B) { roundTrips(b, c, "for i := range 3 {\n\tx += i\n}\nfmt.Sprint(x)") })
}

// roundTrips runs a cell b.N times and reports the median and the 99th percentile.
func roundTrips(b *testing.B, c *client.Client, code string) {
	run(b, c, code, client.ExecuteOptions{})
	times := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for range b.N {
		start := time.Now()
		if _, err := c.Execute(b.Context(), code, client.ExecuteOptions{}, nil); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
}
