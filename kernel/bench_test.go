package kernel

import (
	"slices"
	"testing"
	"time"

	"govle/kernel/client"
)

// BenchmarkCellRoundTrip measures a trivial cell over real sockets, from sending
// its request to having both its reply and the idle status. The executor is the
// fake one, so this is what the protocol itself costs.
func BenchmarkCellRoundTrip(b *testing.B) {
	roundTrips(b, startKernel(b).connect(b), "value 2")
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
