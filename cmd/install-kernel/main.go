// Install-kernel makes the govle kernel known to Jupyter: it writes a kernelspec.
// It also lists the kernelspecs that it has written, and removes them.
//
//	go run ./cmd/install-kernel --user
//	go run ./cmd/install-kernel --list
//	go run ./cmd/install-kernel --uninstall --user
//
// It needs the path of a govle command. That is --govle, else the govle beside
// itself, else the one on PATH; when there is none and the module's source is at
// hand, it builds one into the user's cache folder.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"govle/kernel/kernelspec"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "install-kernel:", err)
		}
		os.Exit(1)
	}
}

// envFlags collects --env NAME=value.
type envFlags map[string]string

func (e envFlags) String() string { return "" }

func (e envFlags) Set(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return fmt.Errorf("%q is not NAME=value", s)
	}
	e[name] = value
	return nil
}

func run(args []string, out, errOut io.Writer) error {
	env := envFlags{}
	flags := flag.NewFlagSet("install-kernel", flag.ContinueOnError)
	flags.SetOutput(errOut)
	user := flags.Bool("user", false, "install for you only (the default)")
	prefix := flags.String("prefix", "", "install under `DIR`/share/jupyter")
	sysPrefix := flags.Bool("sys-prefix", false, "install into the active Python environment")
	name := flags.String("name", "govle", "`NAME` of the kernelspec")
	display := flags.String("display-name", "Go (govle)", "`TEXT` that menus show")
	program := flags.String("govle", "", "`PATH` of the govle command")
	replace := flags.Bool("replace", false, "overwrite another program's kernelspec of this name")
	list := flags.Bool("list", false, "tell which of govle's kernelspecs are installed where, and change nothing")
	uninstall := flags.Bool("uninstall", false, "remove the kernelspec --name that was installed with the same --user, --prefix or --sys-prefix")
	flags.Var(env, "env", "`NAME=value` for the kernel's environment; may be repeated")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	where := 0
	for _, set := range []bool{*user, *prefix != "", *sysPrefix} {
		if set {
			where++
		}
	}
	if where > 1 {
		return errors.New("give only one of --user, --prefix and --sys-prefix")
	}
	if *sysPrefix {
		if *prefix = kernelspec.SysPrefix(); *prefix == "" {
			return errors.New("no Python environment is active and none is on PATH: use --prefix DIR")
		}
	}
	if *prefix != "" {
		abs, err := filepath.Abs(*prefix)
		if err != nil {
			return err
		}
		*prefix = abs
	}
	switch {
	case *list && *uninstall:
		return errors.New("give only one of --list and --uninstall")
	case *list:
		dirs := kernelspec.Dirs()
		if where > 0 {
			dirs = []string{kernelspec.KernelsDir(*prefix)}
		}
		return writeList(out, dirs)
	case *uninstall:
		return remove(out, *prefix, *name)
	}
	source := sourceDir()
	path, how, err := findGovle(*program, source, errOut)
	if err != nil {
		return err
	}
	if source != "" && env["GOVLE_SOURCE"] == "" {
		env["GOVLE_SOURCE"] = source
	}
	dir, err := kernelspec.Install(kernelspec.Options{
		Prefix: *prefix, Name: *name, DisplayName: *display, Program: path, Env: env, Replace: *replace,
	})
	if err != nil {
		return err
	}
	spec := filepath.Base(dir)
	fmt.Fprintf(out, "Installed kernelspec %s in %s\n", spec, dir)
	fmt.Fprintf(out, "It starts %s (%s).\n", path, how)
	if source != "" {
		fmt.Fprintf(out, "Cells import govle from %s.\n", env["GOVLE_SOURCE"])
	}
	fmt.Fprintf(out, "To remove it: install-kernel --uninstall with the same arguments, or jupyter kernelspec remove %s.\n", spec)
	return nil
}

// sourceDir returns the root of the checkout that this program was built from, or
// "" when that is not on this machine.
func sourceDir() string {
	dir := os.Getenv("GOVLE_SOURCE")
	if dir == "" {
		_, file, _, ok := runtime.Caller(0)
		if !ok || !filepath.IsAbs(file) { // built with -trimpath
			return ""
		}
		dir = filepath.Dir(filepath.Dir(filepath.Dir(file)))
	}
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || !strings.HasPrefix(string(data), "module govle\n") {
		return ""
	}
	return dir
}

// findGovle returns the absolute path of the govle command and where it comes
// from, for people.
func findGovle(given, source string, progress io.Writer) (path, how string, err error) {
	if given != "" {
		path, err := filepath.Abs(given)
		if err != nil {
			return "", "", err
		}
		if info, err := os.Stat(path); err != nil || info.IsDir() || info.Mode()&0o111 == 0 && runtime.GOOS != "windows" {
			return "", "", fmt.Errorf("--govle %s: no such program", path)
		}
		return path, "as --govle says", nil
	}
	exe := "govle"
	if runtime.GOOS == "windows" {
		exe += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), exe)
		if info, err := os.Stat(beside); err == nil && !info.IsDir() {
			return beside, "found beside install-kernel", nil
		}
	}
	if found, err := exec.LookPath(exe); err == nil {
		if found, err = filepath.Abs(found); err == nil {
			return found, "found on PATH", nil
		}
	}
	if source == "" {
		return "", "", errors.New("no govle command beside this one or on PATH: install it with go install, or name it with --govle")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", "", fmt.Errorf("building govle: %w", err)
	}
	path = filepath.Join(cache, "govle", "bin", exe)
	fmt.Fprintf(progress, "Building %s from %s\n", path, source)
	if err := build(source, path); err != nil {
		return "", "", fmt.Errorf("building govle from %s: %w", source, err)
	}
	return path, "built from " + source, nil
}

// build builds cmd/govle. A kernel that runs the old program is not disturbed.
func build(source, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	next := path + ".new"
	cmd := exec.Command("go", "build", "-o", next, "./cmd/govle")
	cmd.Dir = source
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	return os.Rename(next, path)
}
