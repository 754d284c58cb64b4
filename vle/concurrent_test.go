package vle

import (
	"fmt"
	"image/color"
	"sync"
	"testing"

	"govle/vle/nn"
)

// TestConcurrentCallers asks one pipeline from many goroutines; under -race it
// also shows that they share nothing that is written.
func TestConcurrentCallers(t *testing.T) {
	p, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	colors := map[string]color.RGBA{"red": {255, 0, 0, 255}, "blue": {0, 0, 255, 255}, "green": {0, 128, 0, 255}, "black": {0, 0, 0, 255}}
	want := map[string]string{}
	for name, c := range colors {
		a, err := p.Answer(shape(c), "what color is the rectangle?", 3)
		if err != nil {
			t.Fatal(err)
		}
		want[name] = a.String()
	}
	var wg sync.WaitGroup
	for i := range 4 {
		for name, c := range colors {
			wg.Go(func() {
				img := shape(c)
				for range 5 {
					a, err := p.Answer(img, "what color is the rectangle?", 3)
					if err != nil || a.String() != want[name] {
						t.Errorf("caller %d, %s: %v %v", i, name, a, err)
						return
					}
				}
				if _, err := p.Explain(img, fmt.Sprint("is it ", name, "?"), 1); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
}

// TestForwardAllocations bounds what one inference pass leaves to the garbage
// collector: small things by the operator, no hidden states.
func TestForwardAllocations(t *testing.T) {
	p, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := p.Processor.textBatch("question", []string{"what color is the rectangle?"})
	if err != nil {
		t.Fatal(err)
	}
	px, err := p.Processor.pixels(shape(color.RGBA{255, 0, 0, 255}), p.Model.Config())
	if err != nil {
		t.Fatal(err)
	}
	b.Pixels = px.Data
	pass := func() {
		r := nn.NewRun()
		defer r.Close()
		if _, err := p.Model.Forward(r, b); err != nil {
			t.Fatal(err)
		}
	}
	pass()
	res := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			pass()
		}
	})
	t.Logf("%d allocations and %d bytes a pass of %d µs", res.AllocsPerOp(), res.AllocedBytesPerOp(), res.NsPerOp()/1000)
	// One layer's hidden states alone are 65 tokens × 64 floats = 16 KiB.
	if n := res.AllocsPerOp(); n > 1200 {
		t.Errorf("%d allocations a pass", n)
	}
	if n := res.AllocedBytesPerOp(); n > 96<<10 {
		t.Errorf("%d bytes a pass", n)
	}
}
