package widget

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestProgressLine runs a loop in a program that is no notebook: its standard error
// gets one line at the end, or, on a terminal, the same line over and over.
func TestProgressLine(t *testing.T) {
	if os.Getenv("GOVLE_PROGRESS_LINE") != "" {
		p := NewProgress(4, "epoch")
		p.Add(1)
		p.Note("loss %.1f", 0.5)
		p.drawn = p.start // let it draw again
		p.Add(3)
		p.Done()
		p.Done()
		return
	}
	child := []string{os.Args[0], "-test.run=^TestProgressLine$"}
	for _, tt := range []struct {
		name, program string
		args          []string
		lines, redraw bool
	}{
		{"a file", child[0], child[1:], true, false},
		{"a terminal", "script", []string{"-qec", strings.Join(child, " "), "/dev/null"}, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := exec.LookPath(tt.program); err != nil {
				t.Skipf("no program makes a terminal here: %v", err)
			}
			cmd := exec.Command(tt.program, tt.args...)
			cmd.Env = append(os.Environ(), "GOVLE_PROGRESS_LINE=1")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got := string(out)
			if n := strings.Count(got, "epoch: 100% 4/4"); n < 1 || !strings.Contains(got, "loss 0.5") {
				t.Errorf("printed %q", got)
			}
			if redrawn := strings.Contains(got, "\r") && strings.Contains(got, "\x1b[K"); redrawn != tt.redraw {
				t.Errorf("drawn over itself: %v, want %v: %q", redrawn, tt.redraw, got)
			}
			if n := strings.Count(got, "epoch:"); tt.lines && n != 1 {
				t.Errorf("%d lines, want one at the end: %q", n, got)
			}
		})
	}
}
