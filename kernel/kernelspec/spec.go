// Package kernelspec finds and installs kernelspecs: the folders by which Jupyter
// knows which kernels there are and how to start them.
//
// For most uses, call [Find] to look one up, or [Install] to make govle known.
package kernelspec

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strings"
)

// Spec is an installed kernelspec, or a command that takes its place.
type Spec struct {
	// Name is the name of the spec's folder, what a notebook's metadata names.
	Name string `json:"-"`
	// Dir is the spec's folder; empty for a spec that was not read from disk.
	Dir string `json:"-"`
	// Argv starts the kernel; "{connection_file}" stands for the connection
	// file and "{resource_dir}" for Dir.
	Argv []string `json:"argv"`
	// DisplayName is what menus show.
	DisplayName string `json:"display_name"`
	// Language is the kernel's language, "go" or "python" for instance.
	Language string `json:"language"`
	// InterruptMode is "message", or "signal" (also when empty).
	InterruptMode string `json:"interrupt_mode,omitempty"`
	// Env is added to the kernel's environment.
	Env map[string]string `json:"env,omitempty"`
	// Metadata is free.
	Metadata map[string]any `json:"metadata,omitempty"`
}

// Own reports whether Install wrote the spec.
func (s *Spec) Own() bool { return s.Metadata["govle"] == true }

// ErrNotFound says that no kernelspec of a name is installed.
var ErrNotFound = errors.New("no such kernelspec")

// specName is what jupyter_client accepts as a kernelspec's name.
var specName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// ValidName reports whether a kernelspec may have this name: letters, digits,
// '.', '_' and '-', and more than dots.
func ValidName(name string) bool { return specName.MatchString(name) && strings.Trim(name, ".") != "" }

// Find returns the kernelspec called name, compared without case as Jupyter
// does. The error wraps ErrNotFound and names the places that were searched.
func Find(name string) (*Spec, error) {
	if !ValidName(name) {
		return nil, fmt.Errorf("%w: %q is no kernelspec name (letters, digits, '.', '_', '-')", ErrNotFound, name)
	}
	for _, dir := range Dirs() {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if !strings.EqualFold(e.Name(), name) {
				continue
			}
			spec, err := Read(filepath.Join(dir, e.Name()))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return spec, err
		}
	}
	return nil, fmt.Errorf("%w: %q is in none of %s; install it, or set JUPYTER_PATH", ErrNotFound, name, strings.Join(Dirs(), ", "))
}

// List returns all installed kernelspecs by name; where two have one name the
// one found first counts. Broken ones are left out.
func List() []*Spec {
	found := map[string]*Spec{}
	for _, dir := range Dirs() {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			name := strings.ToLower(e.Name())
			if found[name] != nil {
				continue
			}
			if spec, err := Read(filepath.Join(dir, e.Name())); err == nil {
				found[name] = spec
			}
		}
	}
	specs := make([]*Spec, 0, len(found))
	for _, s := range found {
		specs = append(specs, s)
	}
	sort.Slice(specs, func(i, j int) bool { return specs[i].Name < specs[j].Name })
	return specs
}

// Read reads the kernelspec in a folder. Errors name the file.
func Read(dir string) (*Spec, error) {
	file := filepath.Join(dir, "kernel.json")
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading kernelspec: %w", err)
	}
	spec := &Spec{Name: filepath.Base(dir), Dir: dir}
	if err := json.Unmarshal(data, spec); err != nil {
		return nil, fmt.Errorf("kernelspec %s: %w", file, err)
	}
	if len(spec.Argv) == 0 {
		return nil, fmt.Errorf("kernelspec %s: it has no argv", file)
	}
	return spec, nil
}

// Dirs lists the folders that hold kernelspecs, in Jupyter's order of
// precedence: JUPYTER_PATH, the user's data folder, the environment (a Python
// virtual or conda environment that is active, or the one whose python3 or
// jupyter is first on PATH), the system's.
func Dirs() []string {
	var dirs []string
	seen := map[string]bool{}
	add := func(dir string) {
		if dir = filepath.Join(dir, "kernels"); !seen[dir] {
			seen[dir] = true
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("JUPYTER_PATH")) {
		if dir != "" {
			add(dir)
		}
	}
	if dir := UserDataDir(); dir != "" {
		add(dir)
	}
	if prefix := SysPrefix(); prefix != "" {
		add(filepath.Join(prefix, "share", "jupyter"))
	}
	if runtime.GOOS == "windows" {
		if dir := os.Getenv("PROGRAMDATA"); dir != "" {
			add(filepath.Join(dir, "jupyter"))
		}
	} else {
		add("/usr/local/share/jupyter")
		add("/usr/share/jupyter")
	}
	return dirs
}

// UserDataDir is Jupyter's data folder of the user: JUPYTER_DATA_DIR, else
// ~/.local/share/jupyter (or what stands for it). It is empty when there is no
// home.
func UserDataDir() string {
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	switch runtime.GOOS {
	case "darwin":
		return filepath.Join(home, "Library", "Jupyter")
	case "windows":
		if dir := os.Getenv("APPDATA"); dir != "" {
			return filepath.Join(dir, "jupyter")
		}
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "jupyter")
	}
	return filepath.Join(home, ".local", "share", "jupyter")
}

// SysPrefix is the prefix of the Python environment that Jupyter most likely runs
// in: the active virtual or conda environment, else that of the jupyter or
// python3 found on PATH. It is empty when there is none.
func SysPrefix() string {
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if dir := os.Getenv(name); dir != "" {
			return dir
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		for _, program := range []string{"jupyter", "python3"} {
			if _, err := os.Stat(filepath.Join(dir, program)); err == nil {
				return filepath.Dir(filepath.Clean(dir))
			}
		}
	}
	return ""
}
