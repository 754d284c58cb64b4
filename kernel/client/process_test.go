package client

import (
	"strings"
	"testing"
	"time"

	"govle/kernel/kernelspec"
)

// TestStartFails checks the error of kernels that cannot start.
func TestStartFails(t *testing.T) {
	for _, tt := range []struct {
		argv []string
		want string
	}{
		{[]string{"/nonexistent/kernel"}, "no such file"},
		{[]string{"false"}, "exit status 1"},
		{[]string{"sleep", "60"}, "deadline"},
	} {
		start := time.Now()
		_, err := Start(t.Context(), &kernelspec.Spec{Name: "bad", Argv: tt.argv}, Options{StartTimeout: 300 * time.Millisecond})
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "bad") {
			t.Errorf("%v: error %v, want %q", tt.argv, err, tt.want)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%v: it took %v", tt.argv, d)
		}
	}
}
