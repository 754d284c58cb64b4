//go:build linux

package train_test

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"govle/vle"
	"govle/vle/train"
)

// TestDiskFull: a checkpoint that does not fit leaves the former one as it is and
// the run in memory, and the next Fit saves.
func TestDiskFull(t *testing.T) {
	o := quiet()
	o.Dir, o.SaveEvery, o.Epochs = filepath.Join(t.TempDir(), "run"), 2, 0
	o.Steps = 4
	m := fresh(t, vle.NewVQA)
	limit := func(bytes uint64) {
		var l syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			t.Fatal(err)
		}
		l.Cur = min(bytes, l.Max)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			t.Fatal(err)
		}
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	defer limit(1 << 62)
	o.ReportEvery = 1
	o.Report = func(s *train.Status) {
		if s.Step.Step == 3 {
			limit(20 << 10) // less than the weights, more than the logs
		}
	}
	tr := trainer(t, m, squares(100, 3), o)
	err := tr.Fit(context.Background())
	limit(1 << 62)
	if err == nil || !strings.Contains(err.Error(), "saving the checkpoint of step 4") || !strings.Contains(err.Error(), "untouched") {
		t.Fatalf("%v", err)
	}
	t.Log(err)
	if target, err := os.Readlink(filepath.Join(o.Dir, "last")); err != nil || target != "step-00000002" {
		t.Errorf("last points to %q (%v)", target, err)
	}
	left, _ := filepath.Glob(filepath.Join(o.Dir, ".*"))
	if len(left) > 0 {
		t.Errorf("remains of the failed save: %v", left)
	}
	resumed := o
	resumed.Resume = true
	if again := trainer(t, fresh(t, vle.NewVQA), squares(100, 3), resumed); again.Done() != 2 {
		t.Errorf("the former checkpoint is of step %d", again.Done())
	}
	if err := tr.Fit(context.Background()); err != nil || tr.Done() != 4 {
		t.Errorf("going on with room: %v", err)
	}
	if target, _ := os.Readlink(filepath.Join(o.Dir, "last")); target != "step-00000004" {
		t.Errorf("last points to %q", target)
	}
}
