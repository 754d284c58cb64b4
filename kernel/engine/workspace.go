package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// modulePath is the module that cells may import and that holds the worker.
const modulePath = "govle"

// workspace is a directory with a go.mod that requires the modules which cells
// may import, the worker built against it, and what is known about packages.
// Workspaces are shared by sessions: the directory's name is a hash of all that
// its content depends on, so a worker and the plugins that it loads always come
// from the same sources.
type workspace struct {
	tools  *toolchain
	source string
	dir    string
	host   string
	known  map[string]*exported // by import path

	buildFlags []string // of every go command that builds

	findLinker sync.Once
	script     string // stands in for the C compiler when cells are linked
}

// exported is a package as `go list -export` knows it.
type exported struct {
	ImportPath string
	Export     string
}

// findSource finds the directory of the govle module.
func findSource(configured string) (string, error) {
	var tried []string
	try := func(dir string) bool {
		b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			for line := range strings.Lines(string(b)) {
				if strings.TrimSpace(line) == "module "+modulePath {
					return true
				}
			}
		}
		tried = append(tried, dir)
		return false
	}
	for _, dir := range []string{configured, os.Getenv("GOVLE_SOURCE")} {
		if dir == "" {
			continue
		}
		dir, err := filepath.Abs(dir)
		if err != nil {
			return "", err
		}
		if try(dir) {
			return dir, nil
		}
		break // what somebody has named must not be replaced by a guess
	}
	if len(tried) == 0 {
		// Built without -trimpath, a program knows where its sources are.
		if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
			if dir := filepath.Join(filepath.Dir(file), "..", ".."); try(dir) {
				return filepath.Clean(dir), nil
			}
		}
		if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path == modulePath {
			if wd, err := os.Getwd(); err == nil {
				for dir := wd; ; dir = filepath.Dir(dir) {
					if try(dir) {
						return dir, nil
					}
					if dir == filepath.Dir(dir) {
						break
					}
				}
			}
		}
	}
	return "", &setupError{"the source of the govle module was not found (looked in " + strings.Join(tried, ", ") + ")",
		"set GOVLE_SOURCE to the directory where govle's go.mod is, then restart the kernel"}
}

// fingerprint is a hash over the names, sizes and times of the module's files.
func fingerprint(dir string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != dir && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") ||
				name == "testdata" || name == "notebooks" || name == "docs" || name == "node_modules" || name == "venv") {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".md") {
			return nil
		}
		if ext := filepath.Ext(name); ext != ".go" && ext != ".s" && name != "go.mod" && name != "go.sum" && ext != ".h" && ext != ".c" {
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // an editor's temporary file
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("looking at govle's sources: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// openWorkspace finds or makes the workspace. tell is called before something
// slow begins.
func openWorkspace(tools *toolchain, source, cache string, extra []string, tell func(string)) (*workspace, error) {
	print, err := fingerprint(source)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(strings.Join(append([]string{tools.identity, source, print}, extra...), "\n")))
	ws := &workspace{tools: tools, source: source, known: map[string]*exported{}}
	ws.dir = filepath.Join(cache, "worker-"+hex.EncodeToString(sum[:8]))
	ws.host = filepath.Join(ws.dir, "host")
	if err := os.MkdirAll(ws.dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the worker's folder: %w", err)
	}
	if !isFile(ws.host) { // this session or another builds it now
		tell("building the Go worker, once for this version of govle …\n")
	}
	unlock, err := lockDir(ws.dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := ws.writeOverlay(); err != nil {
		return nil, err
	}
	if !isFile(ws.host) {
		if err := ws.build(extra); err != nil {
			return nil, err
		}
		prune(cache, ws.dir)
	}
	now := time.Now()
	os.Chtimes(ws.host, now, now) // for prune; a failure costs a rebuild
	if err := ws.readKnown(); err != nil {
		return nil, err
	}
	return ws, nil
}

// lockDir makes other sessions wait while one builds.
func lockDir(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the worker's folder: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("locking the worker's folder: %w", err)
	}
	return func() { f.Close() }, nil
}

// build writes go.mod and go.sum and builds the worker.
func (ws *workspace) build(extra []string) error {
	mod, err := os.ReadFile(filepath.Join(ws.source, "go.mod"))
	if err != nil {
		return err
	}
	// All of govle's requirements are repeated, so that nothing has to be looked
	// up: this works without a network.
	text := strings.Replace(string(mod), "module "+modulePath, "module govle.session", 1)
	text += fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %s => %s\n", modulePath, modulePath, quotePath(ws.source))
	if err := os.WriteFile(filepath.Join(ws.dir, "go.mod"), []byte(text), 0o600); err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(ws.source, "go.sum"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(filepath.Join(ws.dir, "go.sum"), sum, 0o600); err != nil {
		return err
	}
	tmp := ws.host + ".new"
	if err := ws.tools.run(context.Background(), ws.dir, ws.tools.goCmd, ws.goBuild("build", "-mod=mod", "-o", tmp, modulePath+"/kernel/engine/internal/host")...); err != nil {
		return fmt.Errorf("building the worker: %w", err)
	}
	return os.Rename(tmp, ws.host)
}

// goBuild is a go command that builds, with the flags of all of them.
func (ws *workspace) goBuild(command string, args ...string) []string {
	return slices.Concat([]string{command}, ws.buildFlags, args)
}

// quotePath writes a path for go.mod.
func quotePath(p string) string {
	b, err := json.Marshal(p)
	if err != nil {
		return p
	}
	return string(b)
}

// keepWorkspaces is how many unused workspaces stay.
const keepWorkspaces = 6

// prune removes workspaces that have not been used for long.
func prune(cache, except string) {
	dirs, err := filepath.Glob(filepath.Join(cache, "worker-*"))
	if err != nil {
		return
	}
	age := func(dir string) time.Time {
		st, err := os.Stat(filepath.Join(dir, "host"))
		if err != nil {
			st, err = os.Stat(dir)
		}
		if err != nil {
			return time.Time{}
		}
		return st.ModTime()
	}
	slices.SortFunc(dirs, func(a, b string) int { return age(b).Compare(age(a)) })
	for i, dir := range dirs {
		if i >= keepWorkspaces && dir != except && time.Since(age(dir)) > time.Hour {
			os.RemoveAll(dir)
		}
	}
}
