package engine

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// shell runs a command with the user's shell; what it prints is streamed.
func (c *magicCall) shell(command, dir string) Result {
	if strings.TrimSpace(command) == "" {
		return Result{}
	}
	cmd := exec.Command("/bin/sh", "-c", command)
	if cmd.Dir = dir; dir == "" {
		cmd.Dir = c.e.directory()
	}
	cmd.Env = c.e.environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that all of it can be stopped
	var mu sync.Mutex
	cmd.Stdout = streamWriter{c, "stdout", &mu}
	cmd.Stderr = streamWriter{c, "stderr", &mu}
	if err := cmd.Start(); err != nil {
		return magicError("%v", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	interrupted := false
	for {
		var err error
		select {
		case err = <-done:
		case <-c.stop:
			c.stop = nil
			interrupted = true
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			continue
		case <-c.ctx.Done():
			if !interrupted {
				interrupted = true
				syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			}
			err = <-done
		}
		var exit *exec.ExitError
		switch {
		case interrupted:
			return failed(plainError("Interrupted", "the shell command was interrupted"))
		case errors.As(err, &exit):
			return magicError("the shell command ended with %v", exit)
		case err != nil:
			return magicError("%v", err)
		}
		return Result{}
	}
}

// streamWriter passes output on; the Sink wants one call at a time.
type streamWriter struct {
	c    *magicCall
	name string
	mu   *sync.Mutex
}

var _ io.Writer = streamWriter{}

func (w streamWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.c.e.config.Sink.Stream(w.c.cell.ID, w.name, strings.ToValidUTF8(string(p), "�"))
	return len(p), nil
}

// question is name? and ?name, and with two marks, for the source, name?? and ??name.
func (c *magicCall) question(line string) Result {
	name := strings.Trim(line, "? \t")
	detail := 0
	if strings.Contains(line, "??") {
		detail = 1
	}
	bundle, found := c.e.Inspect(c.ctx, name, len([]rune(name)), detail)
	if !found {
		return magicError("nothing is known about %s", name)
	}
	return Result{Pager: bundle}
}

// gophernotes answers the commands of gophernotes and gomacro.
func (c *magicCall) gophernotes(line string) Result {
	name, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
	arg = strings.TrimSpace(arg)
	switch {
	case strings.HasPrefix("help", name):
		return c.help()
	case strings.HasPrefix("env", name), name == "vars":
		return c.who()
	case strings.HasPrefix("inspect", name) && arg != "":
		return c.question(arg)
	case strings.HasPrefix("quit", name):
		return magicError(":quit: restart or shut down the kernel from the front end's menu; %%reset forgets all values")
	case strings.HasPrefix("options", name), strings.HasPrefix("debug", name), strings.HasPrefix("package", name), strings.HasPrefix("unload", name), strings.HasPrefix("write", name):
		c.e.config.Sink.Stream(c.cell.ID, "stderr", fmt.Sprintf(":%s belongs to the interpreter of gophernotes; cells are compiled here and need no such setting\n", name))
		return Result{}
	}
	return magicError("there is no command :%s; %%help lists what there is", name)
}
