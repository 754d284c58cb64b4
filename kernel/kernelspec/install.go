package kernelspec

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:generate go run logo/draw.go
//go:embed logo/logo-32x32.png logo/logo-64x64.png logo/logo-svg.svg
var logos embed.FS

// Options says where the kernelspec goes and what it says.
type Options struct {
	// Prefix installs under Prefix/share/jupyter, for a Python environment
	// for instance. Empty means Jupyter's data folder of the user.
	Prefix string
	// Name is the kernelspec's folder and what notebooks refer to; empty means
	// "govle".
	Name string
	// DisplayName is what menus show; empty means "Go (govle)".
	DisplayName string
	// Program is the absolute path of the govle command.
	Program string
	// Env is set in the kernel's environment.
	Env map[string]string
	// Replace allows another program's kernelspec of the same name to be
	// overwritten. One of govle's own always is.
	Replace bool
}

// ErrForeign says that another program's kernelspec is in the way.
var ErrForeign = errors.New("there is a kernelspec of another program")

// Install writes the kernelspec and returns its folder. It touches nothing
// outside that folder. kernel.json is written last and at once, so that Jupyter
// sees either the old kernelspec or the whole new one. Errors name the folder and
// say what to do.
func Install(o Options) (dir string, err error) {
	if o.Name == "" {
		o.Name = "govle"
	}
	if o.DisplayName == "" {
		o.DisplayName = "Go (govle)"
	}
	if !filepath.IsAbs(o.Program) {
		return "", fmt.Errorf("path of the govle command %q: it must be absolute, since Jupyter may start it anywhere", o.Program)
	}
	if dir, err = folder(o.Prefix, o.Name); err != nil {
		return "", err
	}
	defer func() {
		var system *fs.PathError
		if errors.As(err, &system) {
			err = fmt.Errorf("cannot install in %s: install for yourself with --user, or into a folder of yours with --prefix: %w", dir, system)
		}
	}()
	isNew, err := claimFolder(dir, o.Replace)
	if err != nil {
		return "", err
	}
	if err := writeSpec(dir, o); err != nil {
		if isNew {
			os.RemoveAll(dir) // we made it, so all in it is ours
		}
		return "", fmt.Errorf("writing kernelspec %s: %w", dir, err)
	}
	return dir, nil
}

// KernelsDir is the folder that holds the kernelspecs of a prefix, as Options has
// it; empty when there is neither a prefix nor a home folder.
func KernelsDir(prefix string) string {
	data := UserDataDir()
	if prefix != "" {
		data = filepath.Join(prefix, "share", "jupyter")
	}
	if data == "" {
		return ""
	}
	return filepath.Join(data, "kernels")
}

// folder is where the kernelspec of a name is or goes.
func folder(prefix, name string) (string, error) {
	if !ValidName(name) {
		return "", fmt.Errorf("kernel name %q: use letters, digits, '.', '_' and '-'", name)
	}
	dir := KernelsDir(prefix)
	if dir == "" {
		return "", errors.New("there is no home folder that holds kernelspecs: use --prefix")
	}
	// Jupyter compares names without case and stores them in lower case.
	return filepath.Join(dir, strings.ToLower(name)), nil
}

// claimFolder makes the spec's folder, or makes sure that the one that is there
// may be written over.
func claimFolder(dir string, replace bool) (isNew bool, err error) {
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, os.MkdirAll(dir, 0o755)
	case err != nil:
		return false, err
	case !info.IsDir():
		return false, fmt.Errorf("%s is not a folder (a link or a file): remove it first", dir)
	}
	spec, err := Read(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		entries, err := os.ReadDir(dir)
		if err != nil {
			return false, err
		}
		if len(entries) > 0 && !replace {
			return false, fmt.Errorf("%w: %s has files but no kernel.json: use --replace, or another --name", ErrForeign, dir)
		}
	case err != nil && !replace:
		return false, fmt.Errorf("%w: %v: use --replace, or another --name", ErrForeign, err)
	case err == nil && !spec.Own() && !replace:
		return false, fmt.Errorf("%w: %s starts %s: use --replace, or another --name", ErrForeign, dir, spec.Argv[0])
	}
	return false, nil
}

// writeSpec writes the logos, removes what another kernel's spec may have left,
// and writes kernel.json.
func writeSpec(dir string, o Options) error {
	kept := []string{"kernel.json"}
	entries, err := logos.ReadDir("logo")
	if err != nil {
		return err
	}
	for _, e := range entries {
		data, err := logos.ReadFile("logo/" + e.Name())
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, e.Name()), data); err != nil {
			return err
		}
		kept = append(kept, e.Name())
	}
	spec, err := json.MarshalIndent(map[string]any{
		"argv":                    []string{o.Program, "kernel", "--connection-file", "{connection_file}"},
		"display_name":            o.DisplayName,
		"language":                "go",
		"interrupt_mode":          "message",
		"kernel_protocol_version": "5.5",
		"env":                     orNone(o.Env),
		"metadata":                map[string]any{"debugger": false, "govle": true},
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "kernel.json"), append(spec, '\n')); err != nil {
		return err
	}
	for _, name := range []string{"kernel.js", "kernel.css", "logo-64x64.svg"} { // Jupyter would load them
		if slices.Contains(kept, name) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func orNone(env map[string]string) map[string]string {
	if env == nil {
		return map[string]string{}
	}
	return env
}

// temporary begins the name of a file that is being written.
const temporary = ".new-"

// writeFile writes a file that all may read, at once.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), temporary+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
