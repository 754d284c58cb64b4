package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"govle/kernel/engine/internal/link"
)

// plugin is a cell that was compiled and linked.
type plugin struct {
	cell   *built
	file   string // shared object
	symbol string // its entry function

	// program is what the worker evaluates when the cell is too simple to be
	// compiled; then there is no file.
	program []*link.Node

	checked   *checked
	generated *generated
}

// closure lists what the given cells import, themselves included.
func closure(cells []*built) []*built {
	var out []*built
	seen := map[*built]bool{}
	var walk func([]*built)
	walk = func(list []*built) {
		for _, c := range list {
			if !seen[c] {
				seen[c] = true
				walk(c.cells)
				out = append(out, c)
			}
		}
	}
	walk(cells)
	return out
}

// buildCell compiles and links a draft and fills in its plugin. Mistakes that only the
// compiler finds come back as source errors.
func (ws *workspace) buildCell(ctx context.Context, d *drafted) ([]*sourceError, error) {
	dir, cell := d.dir, d.plugin.cell
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making a folder for the cell: %w", err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	var cfg strings.Builder
	cfg.WriteString(d.config)
	for _, c := range closure(cell.cells) {
		fmt.Fprintf(&cfg, "packagefile %s=%s\n", c.path, c.archive)
	}
	if err := os.WriteFile(in("importcfg"), []byte(cfg.String()), 0o600); err != nil {
		return nil, fmt.Errorf("writing the cell's imports: %w", err)
	}
	if err := os.WriteFile(in("cell.go"), []byte(d.source), 0o600); err != nil {
		return nil, fmt.Errorf("writing the cell's code: %w", err)
	}
	defer os.Remove(in("importcfg"))
	t := ws.tools
	cell.archive = in("cell.a")
	args := []string{"-o", cell.archive, "-p", cell.path, "-lang=" + t.lang, "-trimpath", dir + "=>",
		"-installsuffix", "dynlink", "-buildid", "cell", "-dynlink", "-dwarf=false", "-nolocalimports", "-importcfg", in("importcfg")}
	if d.profile != "" && t.lang == "go1.26" { // others may want another form
		if err := os.WriteFile(in("profile"), []byte(d.profile), 0o600); err != nil {
			return nil, fmt.Errorf("writing the cell's profile: %w", err)
		}
		defer os.Remove(in("profile"))
		args = append(args, profileFlags(in("profile"))...)
	}
	err := t.run(ctx, dir, t.compile, append(args, "-pack", in("cell.go"))...)
	if err != nil {
		var te *toolError
		if errors.As(err, &te) {
			if errs := compilerErrors(te.output, d.units); len(errs) > 0 {
				return errs, nil
			}
		}
		return nil, fmt.Errorf("compiling the cell: %w", err)
	}
	if err := restoreNames(cell.archive); err != nil {
		return nil, fmt.Errorf("restoring names in the cell: %w", err)
	}
	so := in("cell.so")
	args = []string{"-s", "-w", "-o", so, "-importcfg", in("importcfg"), "-installsuffix", "dynlink", "-pluginpath", cell.path,
		"-buildmode=plugin", "-buildid=cell"}
	args = append(args, ws.linkerArgs()...)
	if err := t.run(ctx, dir, t.link, append(args, cell.archive)...); err != nil {
		return nil, fmt.Errorf("linking the cell: %w", err)
	}
	d.plugin.file, d.plugin.symbol = so, cell.path+".main"
	return nil, nil
}

// compilerErrors reads what the compiler said: lines such as
// "cell [3]:2:9: message".
func compilerErrors(output string, units map[string]*unit) (errs []*sourceError) {
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\n")
		for name, u := range units {
			rest, ok := strings.CutPrefix(line, name+":")
			if !ok {
				continue
			}
			num, rest, _ := strings.Cut(rest, ":")
			n, err := strconv.Atoi(num)
			if err != nil {
				continue
			}
			col := 1
			if c, msg, ok := strings.Cut(rest, ":"); ok {
				if k, err := strconv.Atoi(c); err == nil {
					col, rest = k, msg
				}
			}
			errs = append(errs, &sourceError{u, offsetOf(u.src, n, col), strings.TrimSpace(unmangle(rest))})
			break
		}
	}
	return errs
}

// offsetOf is the opposite of lineCol.
func offsetOf(src string, line, col int) int {
	off := 0
	for range line - 1 {
		i := strings.IndexByte(src[off:], '\n')
		if i < 0 {
			return len(src)
		}
		off += i + 1
	}
	return min(off+col-1, len(src))
}
