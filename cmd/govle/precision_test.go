package main

import (
	"strings"
	"testing"
)

// TestPrecision asks the embedded model with rounded weights: the answer stays,
// its score moves, and a precision that is none is a mistake on the command line.
func TestPrecision(t *testing.T) {
	answer := func(args ...string) (first string) {
		t.Helper()
		status, stdout, stderr := govle(t, append([]string{"vqa", "../../testdata/shapes/teal-circle.png", "What color is the circle?", "--top", "1", "--json"}, args...)...)
		if status != 0 {
			t.Fatalf("%v: status %d: %s", args, status, stderr)
		}
		return stdout
	}
	exact := answer()
	if answer("--precision", "f32") != exact {
		t.Error("f32 is not what the model computes by itself")
	}
	for _, p := range []string{"bf16", "int8"} {
		rounded := answer("--precision", p)
		if rounded == exact {
			t.Errorf("%s: the same score to the last digit, so nothing was rounded: %s", p, rounded)
		}
		if !strings.Contains(rounded, `"teal"`) {
			t.Errorf("%s: %s, want teal", p, rounded)
		}
	}
	if status, _, stderr := govle(t, "vqa", "x.png", "y", "--precision", "int4"); status != 2 || !strings.Contains(stderr, "int8") {
		t.Errorf("int4: status %d, %s", status, stderr)
	}
	for _, c := range newRoot().Commands() {
		if c.Flags().Lookup("model") != nil && c.Name() != "info" && c.Flags().Lookup("precision") == nil {
			t.Errorf("govle %s opens a model and has no --precision", c.Name())
		}
	}
}
