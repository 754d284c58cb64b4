package client

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFindSpec checks where kernelspecs are looked for.
func TestFindSpec(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	t.Setenv("JUPYTER_PATH", first+string(os.PathListSeparator)+second)
	t.Setenv("JUPYTER_DATA_DIR", filepath.Join(dir, "none"))
	for i, data := range []string{first, second} {
		if err := os.MkdirAll(filepath.Join(data, "kernels", "golive"), 0o755); err != nil {
			t.Fatal(err)
		}
		spec := fmt.Sprintf(`{"argv":["x"],"display_name":"number %d","language":"go"}`, i)
		if err := os.WriteFile(filepath.Join(data, "kernels", "golive", "kernel.json"), []byte(spec), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	spec, err := FindSpec("GoLive")
	if err != nil || spec.DisplayName != "number 0" || spec.Name != "golive" {
		t.Errorf("found %+v, %v", spec, err)
	}
	for _, name := range []string{"absent", "../golive", "", ".."} {
		if _, err := FindSpec(name); !errors.Is(err, ErrNoSpec) {
			t.Errorf("%q: %v, want ErrNoSpec", name, err)
		}
	}
	names := []string{}
	for _, s := range Specs() {
		names = append(names, s.Name)
	}
	if !strings.Contains(strings.Join(names, " "), "golive") {
		t.Errorf("the list %v lacks golive", names)
	}
	os.WriteFile(filepath.Join(first, "kernels", "golive", "kernel.json"), []byte(`{"argv":[]}`), 0o644)
	if _, err := FindSpec("golive"); err == nil || !strings.Contains(err.Error(), "argv") {
		t.Errorf("a spec without argv: %v", err)
	}
}

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
		_, err := Start(t.Context(), &Spec{Name: "bad", Argv: tt.argv}, Options{StartTimeout: 300 * time.Millisecond})
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "bad") {
			t.Errorf("%v: error %v, want %q", tt.argv, err, tt.want)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%v: it took %v", tt.argv, d)
		}
	}
}
