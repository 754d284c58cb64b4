package engine

import (
	"errors"
	"maps"
	"math"
	"os"
	"slices"
)

// While a cell runs, the next one may be compiled: what the running cell declares
// is known before it runs. The next cell is checked against the session as it will
// be when the running one has ended well. If anything else has happened by then, the
// running cell failed or another one came between, what was compiled is thrown away
// and the cell is built as any other.

// ahead is a cell that is compiled before its turn.
type ahead struct {
	cell Cell
	// What it is made for: a session, and its generation by then.
	session    *session
	generation int
	done       chan struct{}
	// draft is what came of it, compiled, once done is closed; nil when it could
	// not be made.
	draft *drafted
}

// Prepare says which cell will be executed when the running one has ended, so that
// it can be compiled meanwhile. It returns at once. Source and Count of the cell must
// be those that Execute will get; whether it comes at all is left open. Output and
// results are the same with and without Prepare.
func (e *Engine) Prepare(c Cell) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next = &c
	e.compileAhead()
}

// compileAhead begins with the next cell, if there is one and a cell is running.
// e.mu is held.
func (e *Engine) compileAhead() {
	if e.next == nil || e.running == nil || !e.undisturbed || e.ahead != nil || e.closed {
		return
	}
	a := &ahead{cell: *e.next, session: e.session, done: make(chan struct{})}
	e.next, e.ahead = nil, a
	e.aheads.Add(1)
	go func() {
		defer e.aheads.Done()
		defer close(a.done)
		e.mu.Lock()
		d := e.draftAhead(a)
		ws := e.ws
		e.mu.Unlock()
		if d == nil || d.source != "" && d.compile(e.life, ws) != nil {
			return // its turn will tell why
		}
		a.draft = d
	}()
}

// draftAhead is draft for a cell whose turn has not come. e.mu is held.
func (e *Engine) draftAhead(a *ahead) *drafted {
	s := e.session
	if s != a.session || e.closed {
		return nil
	}
	a.generation = s.generation
	if p := e.running; p != nil && p.declares() {
		a.generation++
		s = s.clone()
		s.bind(p, math.MaxInt, false)
	}
	known := func(name string) bool { return s.knows(name) }
	if parts := segments(a.cell.Source, known); len(parts) != 1 || parts[0].line != "" {
		return nil
	}
	d, cerr := e.draft(s, loadedOnly{e.packages}, a.cell)
	if cerr != nil {
		return nil
	}
	return d
}

// takeAhead returns the draft of a cell that was compiled ahead, nil if there is
// none that fits.
func (e *Engine) takeAhead(c Cell) *drafted {
	e.mu.Lock()
	a := e.ahead
	e.ahead = nil
	e.mu.Unlock()
	if a == nil {
		return nil
	}
	if a.cell.Source != c.Source || a.cell.Count != c.Count {
		e.drop(a)
		return nil
	}
	<-a.done
	e.mu.Lock()
	fits := a.draft != nil && a.session == e.session && a.generation == e.session.generation
	if fits {
		e.preparedUsed++
	}
	e.mu.Unlock()
	if !fits {
		e.drop(a)
		return nil
	}
	return a.draft
}

// dropAhead gives up what was compiled ahead.
func (e *Engine) dropAhead() {
	e.mu.Lock()
	a := e.ahead
	e.ahead = nil
	e.mu.Unlock()
	if a != nil {
		e.drop(a)
	}
}

// drop removes what was compiled for nothing, when it is done.
func (e *Engine) drop(a *ahead) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.preparedDropped++
	if e.closed {
		return // Close removes it all
	}
	e.aheads.Add(1)
	go func() {
		defer e.aheads.Done()
		<-a.done
		if a.draft != nil && a.draft.dir != "" {
			os.RemoveAll(a.draft.dir) // it goes with the session otherwise
		}
	}()
}

// loadedOnly is an importer that does not ask the go command for packages: that
// takes long, and the session would be locked meanwhile.
type loadedOnly struct{ *packages }

var errNotLoaded = errors.New("the package was not used yet")

func (p loadedOnly) load(paths []string) map[string]error {
	failed := map[string]error{}
	for _, path := range paths {
		if p.ws.known[path] == nil {
			failed[path] = errNotLoaded
		}
	}
	return failed
}

// clone copies what bind changes.
func (s *session) clone() *session {
	c := *s
	c.names = make(map[string]*binding, len(s.names))
	for name, b := range s.names {
		b := *b
		b.methods = slices.Clip(b.methods)
		c.names[name] = &b
	}
	c.imports, c.homes = maps.Clone(s.imports), maps.Clone(s.homes)
	c.units, c.registered = maps.Clone(s.units), maps.Clone(s.registered)
	c.dots, c.blanks = slices.Clip(s.dots), slices.Clip(s.blanks)
	return &c
}
