package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestParityMetrics runs the cases that the parity of the model alone leaves
// out, and tells them from spoiled ones.
func TestParityMetrics(t *testing.T) {
	out := well(t, "parity", golden(t), "--only", "^(vqa-eval|training/(get_score|normalize_word))")
	if !strings.Contains(out, "3 ok, 0 missed, 0 not supported yet") {
		t.Errorf("printed %s", out)
	}
	for _, c := range []struct{ folder, name, from, to string }{
		{"vqa-eval", "vqa_eval_official.json", `"overall": 54.71`, `"overall": 54.72`},
		{"training", "normalize_word.jsonl", `{"in": "Ten", "out": "10"}`, `{"in": "Ten", "out": "11"}`},
		{"training", "get_score.json", `"1": 0.3`, `"1": 0.4`},
		{"training", "get_score.json", `{`, `[`},
	} {
		data, err := os.ReadFile(golden(t, c.folder, c.name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), c.from) {
			t.Fatalf("%s is not in %s", c.from, c.name)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, c.name), []byte(strings.Replace(string(data), c.from, c.to, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		if status, stdout, _ := govle(t, "parity", dir); status != 1 || !strings.Contains(stdout, "0 ok, 1 missed") {
			t.Errorf("%s with %s: status %d, %s", c.name, c.to, status, stdout)
		}
	}
}
