package kernelspec

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestUninstall checks that what Install wrote is gone and nothing else is.
func TestUninstall(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(dir string) error // changes the installed spec's folder
		left    int
		removed bool
		is      error // what a refusal wraps
	}{
		{"as installed", func(string) error { return nil }, 0, true, nil},
		{"a write that was cut off", func(d string) error { return os.WriteFile(filepath.Join(d, temporary+"12"), nil, 0o644) }, 0, true, nil},
		{"a file of the user's", func(d string) error { return os.WriteFile(filepath.Join(d, "notes.txt"), nil, 0o644) }, 1, false, nil},
		{"another program's", func(d string) error {
			return os.WriteFile(filepath.Join(d, "kernel.json"), []byte(`{"argv":["gonb"],"display_name":"Go"}`), 0o644)
		}, 0, false, ErrForeign},
		{"none", os.RemoveAll, 0, true, ErrNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("JUPYTER_DATA_DIR", t.TempDir())
			other, err := Install(Options{Name: "other", Program: "/opt/govle"})
			if err != nil {
				t.Fatal(err)
			}
			dir, err := Install(Options{Name: "Mine", Program: "/opt/govle"})
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.prepare(dir); err != nil {
				t.Fatal(err)
			}
			around, own := listing(t, other), ""
			if tt.is == ErrForeign {
				own = listing(t, dir)
			}
			gone, left, err := Uninstall("", "MINE")
			if !errors.Is(err, tt.is) || (err == nil) != (tt.is == nil) {
				t.Fatalf("error %v, want %v", err, tt.is)
			}
			if err == nil && (gone != dir || len(left) != tt.left) {
				t.Errorf("removed %s, left %v", gone, left)
			}
			if _, err := os.Stat(dir); os.IsNotExist(err) != tt.removed {
				t.Errorf("the folder: %v", err)
			}
			if own != "" && listing(t, dir) != own {
				t.Error("a refusal changed the folder")
			}
			if listing(t, other) != around {
				t.Error("another kernelspec has changed")
			}
		})
	}
}

// TestUninstallKeepsLinks: what a link points to is not ours to remove.
func TestUninstallKeepsLinks(t *testing.T) {
	t.Setenv("JUPYTER_DATA_DIR", t.TempDir())
	real, err := Install(Options{Prefix: t.TempDir(), Program: "/opt/govle"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(KernelsDir(""), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, filepath.Join(KernelsDir(""), "govle")); err != nil {
		t.Fatal(err)
	}
	before := listing(t, real)
	if _, _, err := Uninstall("", "govle"); err == nil {
		t.Error("a link is followed")
	}
	if listing(t, real) != before {
		t.Error("what the link points to has changed")
	}
	for _, name := range []string{"..", "../x", "a/b", ""} {
		if _, _, err := Uninstall("", name); err == nil {
			t.Errorf("the name %q is accepted", name)
		}
	}
}

// TestInstalled lists what govle has installed, also where Jupyter does not look
// because of another of the same name, and nothing of others.
func TestInstalled(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	var want []string
	for _, prefix := range []string{first, second} {
		dir, err := Install(Options{Prefix: prefix, Program: "/opt/govle"})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, dir)
	}
	foreign := filepath.Join(KernelsDir(second), "python3")
	if err := os.MkdirAll(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(foreign, "kernel.json"), []byte(`{"argv":["python3"]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range Installed([]string{KernelsDir(first), t.TempDir() + "/none", KernelsDir(second)}) {
		got = append(got, s.Dir)
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("listed %v, want %v", got, want)
	}
}
