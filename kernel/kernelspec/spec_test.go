package kernelspec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFind checks where kernelspecs are looked for.
func TestFind(t *testing.T) {
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
	spec, err := Find("GoLive")
	if err != nil || spec.DisplayName != "number 0" || spec.Name != "golive" {
		t.Errorf("found %+v, %v", spec, err)
	}
	for _, name := range []string{"absent", "../golive", "", ".."} {
		if _, err := Find(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v, want ErrNotFound", name, err)
		}
	}
	names := []string{}
	for _, s := range List() {
		names = append(names, s.Name)
	}
	if !strings.Contains(strings.Join(names, " "), "golive") {
		t.Errorf("the list %v lacks golive", names)
	}
	os.WriteFile(filepath.Join(first, "kernels", "golive", "kernel.json"), []byte(`{"argv":[]}`), 0o644)
	if _, err := Find("golive"); err == nil || !strings.Contains(err.Error(), "argv") {
		t.Errorf("a spec without argv: %v", err)
	}
}
