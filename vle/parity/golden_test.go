package parity

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// goldenDir is the folder of recorded reference outputs beside the module, or
// skips the test.
func goldenDir(t testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Skip("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	g := filepath.Join(filepath.Dir(dir), "shared", "golden")
	if _, err := os.Stat(g); err != nil {
		t.Skipf("recorded reference outputs are not here (%v)", err)
	}
	return g
}

// TestGolden runs every recorded case that is quick, one subtest each.
func TestGolden(t *testing.T) {
	opts := Options{Quick: true, EasyVQA: os.Getenv("GOVLE_EASYVQA")}
	if testing.Short() {
		opts.Only = regexp.MustCompile("^(tokenizer|model-tiny|pipelines|archs|training|quirks)")
	}
	opts.Each = func(r Result) {
		t.Run(r.Case, func(t *testing.T) {
			switch r.Verdict {
			case Miss:
				t.Errorf("largest error %s, tolerance %s: %s", r.Largest, r.Tolerance, r.Reason)
				for _, d := range r.Details {
					t.Log(d)
				}
			case Skipped, Unsupported:
				t.Skip(r.Reason)
			}
		})
	}
	s, err := Run(context.Background(), goldenDir(t), io.Discard, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(s)
}
