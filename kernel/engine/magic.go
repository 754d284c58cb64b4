package engine

import (
	"context"
	"errors"
	"fmt"
	"go/parser"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// timeIt is the name under which the code of %timeit finds cellrt.TimeIt.
const timeIt = localMark + "timeit"

// magic is a command that is not Go. It stands on a line of its own and begins
// with "%"; "%%" makes it rule the whole cell.
type magic struct {
	name, args, help string
	// run executes the command; rest is the cell below it for "%%" commands.
	run func(call *magicCall) Result
}

// magicCall is one use of a magic.
type magicCall struct {
	e    *Engine
	ctx  context.Context
	stop <-chan struct{}
	cell Cell
	arg  string // what follows the name
	rest string // the cell's source with this line blanked out
	both bool   // written with %%
}

func (c *magicCall) print(format string, args ...any) {
	c.e.config.Sink.Stream(c.cell.ID, "stdout", fmt.Sprintf(format, args...))
}

// run executes Go in place of the magic.
func (c *magicCall) run(src string) Result {
	cell := c.cell
	cell.Source = src
	return c.e.execute(c.ctx, cell, c.stop)
}

func magicError(format string, args ...any) Result {
	return failed(plainError("MagicError", fmt.Sprintf(format, args...)))
}

// magics lists the commands. It is a function because %help shows the list.
func magics() []magic {
	return []magic{
		{"time", "[statement]", "say how long the statement, or with %%time the cell, takes", (*magicCall).time},
		{"timeit", "[statement]", "measure the statement, or with %%timeit the cell, over many runs", (*magicCall).timeIt},
		{"who", "", "list what the session has declared", (*magicCall).who},
		{"reset", "", "forget all names and values: a new worker", (*magicCall).reset},
		{"get", "module[@version] …", "add modules to the session", (*magicCall).get},
		{"env", "[NAME[=VALUE]]", "show or set environment variables", (*magicCall).environment},
		{"cd", "[folder]", "change the working directory", (*magicCall).chdir},
		{"pwd", "", "show the working directory", (*magicCall).pwd},
		{"args", "[word …]", "set os.Args for the cells that follow", (*magicCall).arguments},
		{"main", "[word …]", "run the cell, then its func main, with these arguments", (*magicCall).main},
		{"file", "name", "with %%file: write the rest of the cell to a file", (*magicCall).file},
		{"fmt", "", "with %%fmt: format the cell as gofmt does", (*magicCall).format},
		{"help", "", "show this list", (*magicCall).help},
	}
}

// knows tells whether a name means something in cells.
func (e *Engine) knows(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.session.knows(name)
}

// executeSegments runs a cell piece by piece; the last piece's value counts.
func (e *Engine) executeSegments(ctx context.Context, c Cell, stop <-chan struct{}) Result {
	var out Result
	parts := segments(c.Source, e.knows)
	e.mu.Lock()
	// Commands may measure time, or change what cells are compiled against.
	e.undisturbed = len(parts) == 1 && parts[0].line == ""
	e.mu.Unlock()
	for _, s := range parts {
		if s.line == "" {
			cell := c
			cell.Source = s.source()
			r := e.execute(ctx, cell, stop)
			r.Pager = out.Pager
			out = r
		} else {
			r := e.command(&magicCall{e: e, ctx: ctx, stop: stop, cell: c, rest: s.source()}, s.line)
			if r.Pager == nil {
				r.Pager = out.Pager
			}
			out = r
		}
		if out.Err != nil {
			return out
		}
	}
	return out
}

// command runs a line that is not Go.
func (e *Engine) command(call *magicCall, line string) Result {
	e.dropAhead()
	switch {
	case strings.HasPrefix(line, "!*"):
		return call.shell(line[2:], e.moduleDir())
	case line[0] == '!' || line[0] == '$':
		return call.shell(line[1:], "")
	case line[0] == '?' || strings.HasSuffix(line, "?"):
		return call.question(line)
	case line[0] == ':':
		return call.gophernotes(line[1:])
	}
	call.both = strings.HasPrefix(line, "%%")
	name, arg, _ := strings.Cut(strings.TrimLeft(line, "%"), " ")
	call.arg = strings.TrimSpace(arg)
	switch name {
	case "", "main":
		name = "main" // GoNB's %%
		if call.both && !strings.Contains(call.rest, "func main(") {
			call.setArgs(call.arg)
			return call.run(call.rest)
		}
	case "writefile":
		name = "file"
	case "sh", "bash":
		if call.both {
			return call.shell(call.rest, "")
		}
		return call.shell(call.arg, "")
	case "ls":
		return call.shell("ls "+call.arg, "")
	case "whos":
		name = "who"
	}
	for _, m := range magics() {
		if m.name == name {
			return m.run(call)
		}
	}
	return magicError("there is no magic %%%s; %%help lists them", name)
}

func (c *magicCall) time() Result {
	src := c.arg
	if c.both {
		src = c.rest
	} else if src == "" {
		return magicError("%%time wants a statement on its line; %%%%time as the first line measures the whole cell")
	}
	start := time.Now()
	r := c.run(src)
	all := time.Since(start)
	if r.Err == nil {
		c.print("run %v, with compilation %v\n", round(r.ran), round(all))
	}
	return r
}

func round(d time.Duration) time.Duration {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d > unit {
			return d.Round(unit / 100)
		}
	}
	return d
}

func (c *magicCall) timeIt() Result {
	src := c.arg
	if c.both {
		src = c.rest
	} else if src == "" {
		return magicError("%%timeit wants a statement on its line; %%%%timeit as the first line measures the whole cell")
	}
	body := strings.TrimSpace(src)
	if _, err := parser.ParseExpr(body); err == nil && !strings.HasSuffix(body, ")") {
		src = "_ = " + body
	}
	return c.run(timeIt + "(func() {" + src + "\n})")
}

func (c *magicCall) who() Result {
	e := c.e
	e.mu.Lock()
	defer e.mu.Unlock()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(e.session.names)) {
		b.WriteString(signature(e.session.names[name].obj) + "\n")
	}
	for _, name := range slices.Sorted(maps.Keys(e.session.imports)) {
		fmt.Fprintf(&b, "import %s %q\n", name, e.session.imports[name].Path())
	}
	if b.Len() == 0 {
		b.WriteString("nothing is declared\n")
	}
	c.print("%s", b.String())
	return Result{}
}

func (c *magicCall) reset() Result {
	if err := c.e.awaitSetup(c.ctx, c.cell.ID, c.stop); err != nil {
		return failed(err)
	}
	c.e.stopWorker("it was reset")
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	c.e.worker = nil
	c.e.forget()
	c.e.prepareWorker()
	return Result{}
}

// main is GoNB's %main and %%: the cell's func main is run.
func (c *magicCall) main() Result {
	if err := c.e.awaitSetup(c.ctx, c.cell.ID, c.stop); err != nil {
		return failed(err)
	}
	c.setArgs(c.arg)
	if !c.both {
		return c.run("main()")
	}
	if r := c.run(c.rest); r.Err != nil {
		return r
	}
	return c.run("main()")
}

func (c *magicCall) file() Result {
	name, appending := strings.CutPrefix(c.arg, "-a ")
	name = strings.TrimSpace(name)
	if !c.both || name == "" {
		return magicError("%%%%file NAME must be the first line of the cell")
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(c.e.directory(), name)
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if appending {
		flags = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	f, err := os.OpenFile(name, flags, 0o644)
	if err != nil {
		return magicError("%%%%file: %v", err)
	}
	_, err = f.WriteString(strings.TrimLeft(c.rest, "\n"))
	if err := errors.Join(err, f.Close()); err != nil {
		return magicError("%%%%file: %v", err)
	}
	c.print("wrote %s\n", name)
	return Result{}
}

func (c *magicCall) format() Result {
	if !c.both {
		return magicError("%%%%fmt must be the first line of the cell")
	}
	out, err := c.e.Format(strings.TrimLeft(c.rest, "\n"))
	if err != nil {
		return magicError("%v", err)
	}
	return Result{NextInput: out, Value: map[string]any{"text/plain": out, "text/markdown": "```go\n" + out + "\n```"}}
}

func (c *magicCall) help() Result {
	var b strings.Builder
	b.WriteString("A cell is Go: statements, declarations and imports in any order; the value of a last expression is shown.\n\n")
	for _, m := range magics() {
		fmt.Fprintf(&b, "  %%%-28s %s\n", strings.TrimSpace(m.name+" "+m.args), m.help)
	}
	b.WriteString("  !command                      run a shell command (also: $command; !*command: where the session's go.mod is)\n")
	b.WriteString("  name? or ?name                show a declaration and its documentation; name?? its source, too\n")
	b.WriteString("\nIn every cell: must(v, err), ctx, Display(values...), package display.\n")
	c.print("%s", b.String())
	return Result{}
}
