package kernelspec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Uninstall removes the kernelspec of a name that Install has written under prefix
// (empty: for the user) and returns its folder. It removes the files that Install
// writes and then the folder; files of anyone else's keep it, and left names them.
// Another program's kernelspec and a link are refused; nothing is removed then. The
// error wraps ErrNotFound when there is no such kernelspec.
func Uninstall(prefix, name string) (dir string, left []string, err error) {
	if dir, err = folder(prefix, name); err != nil {
		return "", nil, err
	}
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil, fmt.Errorf("%w: %s", ErrNotFound, dir)
	case err != nil:
		return "", nil, fmt.Errorf("removing kernelspec %s: %w", name, err)
	case !info.IsDir():
		return "", nil, fmt.Errorf("%s is not a folder (a link or a file): remove it yourself", dir)
	}
	spec, err := Read(dir)
	if err != nil {
		return "", nil, fmt.Errorf("%w: whose %s is cannot be told, remove it yourself", err, dir)
	}
	if !spec.Own() {
		return "", nil, fmt.Errorf("%w: %s starts %s: jupyter kernelspec remove %s removes it", ErrForeign, dir, spec.Argv[0], spec.Name)
	}
	logos, err := logos.ReadDir("logo")
	if err != nil {
		return "", nil, err
	}
	// Without kernel.json it is no kernelspec: that goes first.
	names := []string{"kernel.json"}
	for _, l := range logos {
		names = append(names, l.Name())
	}
	for _, n := range names {
		if err := os.Remove(filepath.Join(dir, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", nil, fmt.Errorf("removing kernelspec %s: %w", name, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", nil, fmt.Errorf("removing kernelspec %s: %w", name, err)
	}
	for _, e := range entries {
		if p := filepath.Join(dir, e.Name()); strings.HasPrefix(e.Name(), temporary) && os.Remove(p) == nil {
			continue
		}
		left = append(left, e.Name())
	}
	if len(left) == 0 {
		if err := os.Remove(dir); err != nil {
			return "", nil, fmt.Errorf("removing kernelspec %s: %w", name, err)
		}
	}
	return dir, left, nil
}

// Installed lists the kernelspecs that Install has written into folders of
// kernelspecs (see Dirs and KernelsDir), in the folders' order. One that an earlier
// folder has under the same name is listed too, though Jupyter does not see it.
func Installed(dirs []string) []*Spec {
	var specs []*Spec
	for _, dir := range dirs {
		entries, _ := os.ReadDir(dir) // a folder of the search path need not exist
		for _, e := range entries {
			if spec, err := Read(filepath.Join(dir, e.Name())); err == nil && spec.Own() {
				specs = append(specs, spec)
			}
		}
	}
	return specs
}
