package engine_test

import (
	"context"
	"fmt"

	"govle/kernel/engine"
)

// printer is a Sink that prints what cells print on standard output.
type printer struct{}

func (printer) Stream(cell, name, text string) {
	if name == "stdout" {
		fmt.Print(text)
	}
}
func (printer) Publish(cell string, m engine.Message)                  {}
func (printer) Input(cell, prompt string, secret bool) (string, error) { return "", nil }

// A session keeps what its cells declare.
func Example() {
	e, err := engine.New(engine.Config{Sink: printer{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	for i, source := range []string{
		"func square(x int) int { return x * x }\nvalues := []int{1, 2, 3}",
		"for i, v := range values {\n\tvalues[i] = square(v)\n}\nfmt.Println(\"squared\")",
		"values",
		"values[3]",
	} {
		r := e.Execute(context.Background(), engine.Cell{ID: fmt.Sprint(i), Count: i + 1, Source: source})
		switch {
		case r.Err != nil:
			fmt.Println(r.Err)
		case r.Value != nil:
			fmt.Println(r.Value["text/plain"])
		}
	}
	// Output:
	// squared
	// [1 4 9]
	// Panic: runtime error: index out of range [3] with length 3
}

// While a cell runs, the next one can be compiled.
func ExampleEngine_Prepare() {
	e, err := engine.New(engine.Config{Sink: printer{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	cells := []engine.Cell{
		{ID: "a", Count: 1, Source: "func half(x float64) float64 { return x / 2 }"},
		{ID: "b", Count: 2, Source: "func quarter(x float64) float64 { return half(half(x)) }\nquarter(3)"},
	}
	for i, c := range cells {
		if i+1 < len(cells) {
			e.Prepare(cells[i+1])
		}
		if r := e.Execute(context.Background(), c); r.Value != nil {
			fmt.Println(r.Value["text/plain"])
		}
	}
	// Output: 0.75
}
