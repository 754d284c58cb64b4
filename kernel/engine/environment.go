package engine

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"govle/kernel/engine/internal/link"
)

// The magics that change what the worker and shell lines run in.

func (c *magicCall) environment() Result {
	name, value, set := strings.Cut(c.arg, "=")
	if !set {
		name, value, set = strings.Cut(c.arg, " ")
	}
	name, value = strings.TrimSpace(name), strings.Trim(strings.TrimSpace(value), `"'`)
	e := c.e
	switch {
	case c.arg == "":
		all := e.environ()
		slices.Sort(all)
		c.print("%s\n", strings.Join(all, "\n"))
	case set:
		e.mu.Lock()
		e.env[name] = value
		e.mu.Unlock()
		e.setInWorker("env", name, value)
		c.print("%s=%s\n", name, value)
	default:
		for _, kv := range e.environ() {
			if v, ok := strings.CutPrefix(kv, name+"="); ok {
				c.print("%s\n", v)
				return Result{}
			}
		}
		return magicError("the environment has no %s", name)
	}
	return Result{}
}

// environ is the environment of the worker and of shell lines.
func (e *Engine) environ() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		_, set := e.env[name]
		return set
	})
	for name, value := range e.env {
		out = append(out, name+"="+value)
	}
	return out
}

// setInWorker changes something of the running worker. A worker that is not
// there yet is started with it.
func (e *Engine) setInWorker(what string, args ...string) {
	e.mu.Lock()
	w := e.worker
	e.mu.Unlock()
	if w != nil {
		w.conn.Send(&link.Frame{Op: link.OpSet, Text: what, Args: args}) // a dead one is met later
	}
}

func (c *magicCall) chdir() Result {
	dir := c.arg
	if dir == "" || dir == "~" || strings.HasPrefix(dir, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return magicError("%%cd: %v", err)
		}
		dir = filepath.Join(home, strings.TrimPrefix(dir, "~"))
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(c.e.directory(), dir)
	}
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		if err == nil {
			err = errors.New(dir + " is not a folder")
		}
		return magicError("%%cd: %v", err)
	}
	c.e.mu.Lock()
	c.e.cwd = dir
	c.e.mu.Unlock()
	c.e.setInWorker("dir", dir)
	c.print("%s\n", dir)
	return Result{}
}

func (c *magicCall) pwd() Result {
	c.print("%s\n", c.e.directory())
	return Result{}
}

// directory is where the worker and shell lines work.
func (e *Engine) directory() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cwd == "" {
		e.cwd, _ = filepath.Abs(e.config.Dir)
	}
	return e.cwd
}

func (c *magicCall) setArgs(words string) {
	args := strings.Fields(words)
	c.e.mu.Lock()
	c.e.args = args
	c.e.mu.Unlock()
	c.e.setInWorker("args", args...)
}

func (c *magicCall) arguments() Result {
	c.setArgs(c.arg)
	return Result{}
}
