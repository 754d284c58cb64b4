package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// moduleDir is where the session's go.mod is.
func (e *Engine) moduleDir() string {
	<-e.ready
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ws == nil {
		return ""
	}
	return e.ws.dir
}

// get adds modules to the session. The worker lives on unless a package that it
// has loaded changes its version.
func (c *magicCall) get() Result {
	modules := strings.Fields(c.arg)
	if len(modules) == 0 {
		return magicError("%%get wants modules, as in %%get github.com/google/uuid@latest")
	}
	e := c.e
	if err := e.awaitSetup(c.ctx, c.cell.ID, c.stop); err != nil {
		return failed(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	ws, err := e.ws.with(filepath.Join(e.dir, fmt.Sprintf("get%d", e.seq)), modules)
	if err != nil {
		return magicError("%%get: %v", err)
	}
	e.seq++
	changed, err := ws.changed(e.ws.known)
	if err != nil {
		return magicError("%%get: %v", err)
	}
	e.ws.move(ws)
	e.knownN = 0
	if len(changed) > 0 {
		go e.worker.kill("it was replaced") // its last words may need this lock
		e.worker = nil
		e.forget()
		e.prepareWorker()
		e.config.Sink.Stream(c.cell.ID, "stderr", fmt.Sprintf("the new modules change %s, so the Go worker was replaced: all variables are gone\n", strings.Join(changed, ", ")))
		return Result{}
	}
	return Result{}
}

// with makes a workspace of its own that has more modules.
func (ws *workspace) with(dir string, modules []string) (*workspace, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(ws.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := ws.tools.run(context.Background(), dir, ws.tools.goCmd, append([]string{"get"}, modules...)...); err != nil {
		return nil, err
	}
	return &workspace{tools: ws.tools, source: ws.source, dir: dir, host: ws.host, buildFlags: ws.buildFlags, known: map[string]*exported{}}, nil
}

// changed lists the packages that are built differently than before.
func (ws *workspace) changed(before map[string]*exported) (out []string, err error) {
	var paths []string
	for path := range before {
		if path != "unsafe" {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	if _, err := ws.list(context.Background(), paths); err != nil {
		return nil, err
	}
	for _, path := range paths {
		if now := ws.known[path]; now == nil || now.Export != before[path].Export {
			out = append(out, path)
		}
	}
	return out, nil
}

// move takes over another workspace's modules.
func (ws *workspace) move(other *workspace) { ws.dir, ws.known = other.dir, other.known }
