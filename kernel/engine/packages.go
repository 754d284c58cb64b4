package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	goimporter "go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// basePackages are what every cell may need without having said so.
var basePackages = []string{incellPath, rtPath, displayPath, "runtime", "runtime/cgo", "plugin", "unsafe"}

func (ws *workspace) knownFile() string { return filepath.Join(ws.dir, "packages.json") }

// readKnown takes over what earlier sessions have learnt about packages.
func (ws *workspace) readKnown() error {
	b, err := os.ReadFile(ws.knownFile())
	if err == nil {
		var list []*exported
		if json.Unmarshal(b, &list) == nil {
			for _, p := range list {
				ws.known[p.ImportPath] = p
			}
		}
	}
	// The go command may have thrown the files away: it cleans its cache.
	for _, p := range ws.known {
		if p.Export != "" && !isFile(p.Export) {
			clear(ws.known)
			break
		}
	}
	if len(ws.known) == 0 {
		if failed, err := ws.list(context.Background(), basePackages); err != nil {
			return err
		} else {
			for path, err := range failed {
				return fmt.Errorf("package %s: %w", path, err)
			}
		}
		return ws.writeKnown()
	}
	return nil
}

func (ws *workspace) writeKnown() error {
	list := make([]*exported, 0, len(ws.known))
	for _, p := range ws.known {
		list = append(list, p)
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	tmp := fmt.Sprintf("%s.%d", ws.knownFile(), os.Getpid())
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, ws.knownFile())
}

// list asks the go command about packages and all that they import, building
// what is not built yet. The error of a package is in the map.
func (ws *workspace) list(ctx context.Context, paths []string) (failed map[string]error, err error) {
	args := append(ws.goBuild("list", "-mod=mod", "-e", "-export", "-deps", "-buildmode=plugin",
		"-json=ImportPath,Export,Error,DepOnly,Name,DepsErrors"), paths...)
	cmd := exec.CommandContext(ctx, ws.tools.goCmd, args...)
	cmd.WaitDelay = time.Second // for what it has started itself
	cmd.Dir, cmd.Env = ws.dir, ws.tools.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	failed = map[string]error{}
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p struct {
			exported
			Name       string
			DepOnly    bool
			Error      *struct{ Err string }
			DepsErrors []*struct{ Err string }
		}
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("reading the output of go list: %w", err)
		}
		switch {
		case p.Error != nil && !p.DepOnly:
			failed[p.ImportPath] = errors.New(tidyListError(p.Error.Err))
		case len(p.DepsErrors) > 0 && !p.DepOnly:
			failed[p.ImportPath] = errors.New(tidyListError(p.DepsErrors[0].Err))
		case p.Name == "main" && !p.DepOnly:
			failed[p.ImportPath] = fmt.Errorf("import %q is a program, not an importable package", p.ImportPath)
		case p.Export == "" && p.ImportPath != "unsafe":
			if !p.DepOnly {
				failed[p.ImportPath] = fmt.Errorf("package %s cannot be built: %s", p.ImportPath, strings.TrimSpace(stderr.String()))
			}
		case ws.known[p.ImportPath] == nil:
			ws.known[p.ImportPath] = &p.exported
		}
	}
	return failed, nil
}

// tidyListError makes the go command's complaint fit for a cell.
func tidyListError(s string) string {
	s = strings.TrimSpace(s)
	if strings.Contains(s, "no required module provides package") {
		s, _, _ = strings.Cut(s, ";")
		s += "; use %get to add a module to the session"
	}
	return s
}

// packages is the importer of a session.
type packages struct {
	ws    *workspace
	gc    types.Importer
	names map[string]string // see nameIndex
	// asking ends the go command when the cell that asks is interrupted.
	asking context.Context
}

// newPackages makes the importer of a session.
func newPackages(ws *workspace, fset *token.FileSet) *packages {
	p := &packages{ws: ws, asking: context.Background()}
	p.gc = goimporter.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		e := ws.known[path]
		if e == nil || e.Export == "" {
			return nil, fmt.Errorf("package %s is not known to the session", path)
		}
		return os.Open(e.Export)
	})
	return p
}

// load makes packages known.
func (p *packages) load(paths []string) map[string]error {
	var missing []string
	for _, path := range paths {
		if p.ws.known[path] == nil {
			missing = append(missing, path)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	failed, err := p.ws.list(p.asking, missing)
	if err != nil {
		failed = map[string]error{}
		for _, path := range missing {
			failed[path] = err
		}
		return failed
	}
	p.ws.writeKnown() // only a shortcut for later sessions
	return failed
}

// Import implements types.Importer.
func (p *packages) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	return p.gc.Import(path)
}

// importConfig lists the packages that generated code may need, for the
// compiler and the linker.
func (ws *workspace) importConfig() string {
	var b strings.Builder
	for path, p := range ws.known {
		if p.Export != "" {
			fmt.Fprintf(&b, "packagefile %s=%s\n", path, p.Export)
		}
	}
	return b.String()
}
