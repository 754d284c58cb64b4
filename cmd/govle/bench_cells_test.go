package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"govle/kernel/client"
)

// TestBenchKernels checks which kernels are found, that those that are missing or
// broken are told of, and what their cells look like.
func TestBenchKernels(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	t.Setenv("JUPYTER_PATH", dir)
	t.Setenv("JUPYTER_DATA_DIR", dir)
	broken := filepath.Join(dir, "gonb")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	b := &bench{opts: benchOptions{python: filepath.Join(dir, "python")}, ctx: context.Background(), log: &log}
	kernels, err := b.kernels()
	if err != nil {
		t.Fatal(err)
	}
	if len(kernels) != 2 || kernels[0].spec.DisplayName != "govle" || !slices.Equal(kernels[1].spec.Argv, []string{broken, "--kernel", "{connection_file}"}) {
		t.Errorf("found %+v", kernels)
	}
	if !strings.Contains(log.String(), "without gophernotes") {
		t.Errorf("the log does not tell what is missing: %s", &log)
	}
	none := func(benchKernel, *client.Client) (benchSide, error) { return benchSide{}, nil }
	if sides, err := b.sidesOf(kernels[1:], none); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("govle's own place taken by a broken kernel: %d sides, %v", len(sides), err)
	}
	work := cellWork{statements: "s := 1\n", value: "s", python: "1"}
	if got := kernels[1].write(work); got != "%%\ns := 1\nfmt.Println(s)" {
		t.Errorf("GoNB's cell is %q", got)
	}
	if got := kernels[0].write(work); got != "s := 1\ns" {
		t.Errorf("govle's cell is %q", got)
	}
}

func TestPercentile(t *testing.T) {
	x := make([]float64, 200)
	for i := range x {
		x[i] = float64(200 - i)
	}
	for p, want := range map[float64]float64{0: 1, 0.5: 101, 0.99: 199, 1: 200} {
		if got := percentile(x, p); got != want {
			t.Errorf("percentile %g is %g, want %g", p, got, want)
		}
	}
	if got := percentile(nil, 0.99); got != 0 {
		t.Errorf("percentile of nothing is %g", got)
	}
}
