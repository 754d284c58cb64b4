package kernelspec

import (
	"encoding/json"
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInstall checks the folder, its files, and that the client finds it.
func TestInstall(t *testing.T) {
	prefix := t.TempDir()
	dir, err := Install(Options{Prefix: prefix, Name: "GoVLE-x", DisplayName: "Live", Program: "/opt/govle", Env: map[string]string{"A": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(prefix, "share", "jupyter", "kernels", "govle-x"); dir != want {
		t.Errorf("installed in %s, want %s", dir, want)
	}
	t.Setenv("JUPYTER_PATH", filepath.Join(prefix, "share", "jupyter"))
	spec, err := Find("govle-x")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(spec.Argv, " "); got != "/opt/govle kernel --connection-file {connection_file}" {
		t.Errorf("argv %s", got)
	}
	if spec.DisplayName != "Live" || spec.Language != "go" || spec.InterruptMode != "message" || spec.Env["A"] != "b" || spec.Metadata["debugger"] != false {
		t.Errorf("spec %+v", spec)
	}
	for name, size := range map[string]int{"logo-32x32.png": 32, "logo-64x64.png": 64} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if img, err := png.Decode(f); err != nil || img.Bounds().Dx() != size || img.Bounds().Dy() != size {
			t.Errorf("%s: %v", name, err)
		}
	}
	files, _ := os.ReadDir(dir)
	if len(files) != 4 {
		t.Errorf("%d files, want kernel.json and three logos", len(files))
	}
	if _, err := Install(Options{Prefix: prefix, Name: "govle-x", Program: "/opt/other"}); err != nil {
		t.Errorf("installing over our own: %v", err)
	}
	if spec, err := Find("govle-x"); err != nil || spec.Argv[0] != "/opt/other" {
		t.Errorf("after installing again: %+v, %v", spec, err)
	}
}

// TestInstallUser checks the user's folder.
func TestInstallUser(t *testing.T) {
	data := t.TempDir()
	t.Setenv("JUPYTER_DATA_DIR", data)
	dir, err := Install(Options{Program: "/opt/govle"})
	if want := filepath.Join(data, "kernels", "govle"); err != nil || dir != want {
		t.Errorf("installed in %s, %v; want %s", dir, err, want)
	}
}

// TestInstallRefuses checks what is not overwritten, and that a refusal leaves
// everything as it was.
func TestInstallRefuses(t *testing.T) {
	foreign, err := json.Marshal(map[string]any{"argv": []string{"gophernotes"}, "display_name": "Go", "language": "go"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		prepare func(kernels string) error
		foreign bool // ErrForeign, and --replace helps
	}{
		{"another program's", func(k string) error { return os.WriteFile(filepath.Join(k, "x", "kernel.json"), foreign, 0o644) }, true},
		{"broken", func(k string) error { return os.WriteFile(filepath.Join(k, "x", "kernel.json"), []byte("{"), 0o644) }, true},
		{"some other folder", func(k string) error { return os.WriteFile(filepath.Join(k, "x", "thesis.tex"), foreign, 0o644) }, true},
		{"a link", func(k string) error {
			if err := os.Remove(filepath.Join(k, "x")); err != nil {
				return err
			}
			return os.Symlink(t.TempDir(), filepath.Join(k, "x"))
		}, false},
		{"a file", func(k string) error {
			if err := os.Remove(filepath.Join(k, "x")); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(k, "x"), nil, 0o644)
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			prefix := t.TempDir()
			kernels := filepath.Join(prefix, "share", "jupyter", "kernels")
			if err := os.MkdirAll(filepath.Join(kernels, "x"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := tt.prepare(kernels); err != nil {
				t.Fatal(err)
			}
			before := listing(t, kernels)
			o := Options{Prefix: prefix, Name: "x", Program: "/opt/govle"}
			_, err := Install(o)
			if err == nil || errors.Is(err, ErrForeign) != tt.foreign {
				t.Errorf("error %v", err)
			}
			if after := listing(t, kernels); after != before {
				t.Errorf("the refusal changed\n%s\nto\n%s", before, after)
			}
			o.Replace = true
			if _, err := Install(o); (err == nil) != tt.foreign {
				t.Errorf("with Replace: %v", err)
			}
			if tt.name == "some other folder" {
				if _, err := os.Stat(filepath.Join(kernels, "x", "thesis.tex")); err != nil {
					t.Errorf("a file that is not Jupyter's is gone: %v", err)
				}
			}
		})
	}
	for _, name := range []string{"../x", "a b", "..", "é"} {
		if _, err := Install(Options{Prefix: t.TempDir(), Name: name, Program: "/opt/govle"}); err == nil {
			t.Errorf("the name %q is accepted", name)
		}
	}
	if _, err := Install(Options{Prefix: t.TempDir(), Program: "govle"}); err == nil {
		t.Error("a relative program is accepted")
	}
}

// TestInstallImpossible checks the words of a refusal, where a file stands in
// the way and where one may not write.
func TestInstallImpossible(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, closed} {
		if dir == closed && os.Geteuid() == 0 {
			continue // root may write everywhere
		}
		_, err := Install(Options{Prefix: dir, Program: "/opt/govle"})
		if err == nil || !strings.Contains(err.Error(), "--user") || !strings.Contains(err.Error(), dir) {
			t.Errorf("error %v, want one that names the folder and --user", err)
		}
	}
}

// listing returns the names, kinds and contents below a folder.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		data, _ := os.ReadFile(path)
		b.WriteString(path + " " + info.Mode().String() + " " + string(data) + "\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
