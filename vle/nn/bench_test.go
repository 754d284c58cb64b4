package nn

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkAttend is CLIP's attention of one picture at base size, in inference.
func BenchmarkAttend(b *testing.B) {
	const heads, width = 12, 768
	for _, tokens := range []int{197, 577, 1297} {
		rng := rand.New(rand.NewPCG(1, 2))
		q, k, v := random(rng, tokens, width), random(rng, tokens, width), random(rng, tokens, width)
		b.Run(fmt.Sprint(tokens), func(b *testing.B) {
			b.ReportAllocs()
			r := NewRun()
			defer r.Close()
			for b.Loop() {
				r.Free(r.Do(&Attend{Q: q, K: k, V: v, Queries: NewLayout(tokens), Keys: NewLayout(tokens), Heads: heads, Scale: 0.125}))
			}
		})
	}
}

// BenchmarkDisentangled is the text encoder's attention at base size, in
// inference.
func BenchmarkDisentangled(b *testing.B) {
	const heads, width = 12, 768
	for _, tokens := range []int{17, 60, 300} {
		rng := rand.New(rand.NewPCG(1, 2))
		span := NewSpan(tokens, 256, 256, 512)
		q, k, v := random(rng, tokens, width), random(rng, tokens, width), random(rng, tokens, width)
		pk, pq := random(rng, span.Count, width), random(rng, span.Count, width)
		b.Run(fmt.Sprint(tokens), func(b *testing.B) {
			b.ReportAllocs()
			r := NewRun()
			defer r.Close()
			for b.Loop() {
				r.Free(r.Do(&Disentangled{Q: q, K: k, V: v, PK: pk, PQ: pq, Rows: NewLayout(tokens), Heads: heads, Terms: 3, Span: span}))
			}
		})
	}
}
