package engine

import (
	"context"
	"fmt"
	"path/filepath"
)

// drafted is a cell as the compiler gets it.
type drafted struct {
	plugin  *plugin // without its file
	file    string  // what positions call the cell
	dir     string  // where it is built
	source  string  // generated; "" for a simple cell
	config  string  // what the compiler may import
	profile string  // of its calls, see profile.go
	units   map[string]*unit
}

// draft checks a cell against the session and generates its code; nil when there is
// nothing to run. e.mu is held.
func (e *Engine) draft(s *session, imp importer, c Cell) (*drafted, *CellError) {
	file := s.fileName(c.Count)
	u, errs := parseUnit(e.fset, file, c.Source, nil)
	if len(errs) > 0 {
		return nil, compileError(errs)
	}
	if len(u.stmts) == 0 && (u.decls == nil || len(u.decls.Decls) == 0) {
		return nil, nil
	}
	checked, errs := s.check(e.fset, u, s.inherit(e.fset, u, true), imp, false)
	if len(errs) > 0 {
		// What builds on a changed type may not fit it any more: then it keeps
		// the older one.
		u, _ = parseUnit(e.fset, file, c.Source, nil)
		if checked, errs = s.check(e.fset, u, s.inherit(e.fset, u, false), imp, false); len(errs) > 0 {
			return nil, compileError(errs)
		}
	}
	e.seq++
	cell := &built{seq: e.seq, path: fmt.Sprintf("%s%d", cellPath, e.seq), unit: u}
	if program, gen, ok := s.simplify(checked, cell.seq); ok && !e.compileAll {
		return &drafted{plugin: &plugin{cell: cell, program: program, checked: checked, generated: gen}, file: file}, nil
	}
	gen, errs := s.generate(checked, cell.seq)
	if len(errs) > 0 {
		return nil, compileError(errs)
	}
	cell.cells = gen.cells
	for path, err := range imp.load(gen.imports) {
		return nil, plainError("InternalError", fmt.Sprintf("loading package %s: %v", path, err))
	}
	if len(e.ws.known) != e.knownN {
		e.importCfg, e.knownN = e.ws.importConfig(), len(e.ws.known)
	}
	d := &drafted{plugin: &plugin{cell: cell, checked: checked, generated: gen}, file: file, dir: filepath.Join(e.dir, fmt.Sprint(cell.seq)),
		source: gen.source, profile: gen.profile, config: e.importCfg, units: map[string]*unit{}}
	for _, u := range checked.units {
		d.units[u.file] = u
	}
	return d, nil
}

// compile runs the tools on a draft that is not simple.
func (d *drafted) compile(ctx context.Context, ws *workspace) *CellError {
	errs, err := ws.buildCell(ctx, d)
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case err != nil:
		return plainError("InternalError", err.Error())
	case len(errs) > 0:
		return compileError(errs)
	}
	return nil
}

// build makes a cell into a plugin; nil when there is nothing to run.
func (e *Engine) build(ctx context.Context, c Cell) (*plugin, *CellError) {
	d := e.takeAhead(c)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, plainError("InternalError", "the engine is closed")
	}
	if d == nil {
		var cerr *CellError
		e.packages.asking = ctx
		d, cerr = e.draft(e.session, e.packages, c)
		e.packages.asking = context.Background()
		switch {
		case ctx.Err() != nil:
			return nil, errInterrupted
		case cerr != nil || d == nil:
			return nil, cerr
		}
		if d.source != "" {
			// The editor wants help meanwhile, and to interrupt. No other cell can come
			// between.
			ws := e.ws
			e.mu.Unlock()
			cerr = d.compile(ctx, ws)
			e.mu.Lock()
			if cerr != nil {
				return nil, cerr
			}
		}
	}
	e.session.units[d.file] = d.plugin.cell.unit
	return d.plugin, nil
}
