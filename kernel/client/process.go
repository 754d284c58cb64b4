package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"govle/kernel/kernelspec"
	"govle/kernel/wire"
)

// Options says how a kernel is started. The zero value is usable.
type Options struct {
	// Dir is the kernel's working directory; empty means the current one.
	Dir string
	// Env is added to the environment, "NAME=value" each.
	Env []string
	// Stdout and Stderr receive what the kernel process itself prints; nil
	// discards it.
	Stdout, Stderr io.Writer
	// StartTimeout bounds the time until the kernel answers; 0 means 60 s.
	StartTimeout time.Duration
	// IPC uses Unix sockets in a private folder instead of TCP ports.
	IPC bool
}

// process is a kernel that this package started.
type process struct {
	cmd    *exec.Cmd
	dir    string // private folder with the connection file
	done   chan struct{}
	mu     sync.Mutex
	status error
}

// Start starts the kernel of a spec and waits until it answers a
// kernel_info_request. When it does not in time, or ends, the error says so and
// nothing is left running. The context bounds the start only.
func Start(ctx context.Context, spec *kernelspec.Spec, opts Options) (*Client, error) {
	if opts.StartTimeout == 0 {
		opts.StartTimeout = 60 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, opts.StartTimeout)
	defer cancel()
	// Free ports are found by binding and letting go, so another program can
	// take one before the kernel does; then the kernel ends, and is tried anew.
	var err error
	for range 3 {
		var c *Client
		if c, err = startOnce(ctx, spec, opts); err == nil {
			return c, nil
		}
		if !errors.Is(err, errEndedEarly) || ctx.Err() != nil || opts.IPC {
			break
		}
	}
	return nil, fmt.Errorf("starting kernel %q: %w", spec.Name, err)
}

// errEndedEarly says that the process ended before it answered.
var errEndedEarly = errors.New("it ended before it answered")

func startOnce(ctx context.Context, spec *kernelspec.Spec, opts Options) (*Client, error) {
	dir, err := os.MkdirTemp("", "govle-kernel-") // mode 0700
	if err != nil {
		return nil, err
	}
	conn, err := newConnection(dir, spec.Name, opts.IPC)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	file := filepath.Join(dir, "kernel.json")
	if err := conn.Write(file); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	p, err := launch(spec, opts, dir, file)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-p.done:
			cancel(fmt.Errorf("%w (%v)", errEndedEarly, p.exit()))
		case <-ctx.Done():
		}
	}()
	c, err := Connect(ctx, conn)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
			err = fmt.Errorf("%w: %v", cause, err)
		}
		p.kill()
		return nil, err
	}
	c.process = p
	c.messageInterrupt = spec.InterruptMode == "message"
	go func() {
		<-p.done
		c.lost(fmt.Errorf("the kernel process ended (%v)", p.exit()))
	}()
	return c, nil
}

// newConnection chooses endpoints and a key.
func newConnection(dir, kernelName string, ipc bool) (*wire.Connection, error) {
	c := &wire.Connection{
		Transport: "tcp", IP: "127.0.0.1",
		SignatureScheme: "hmac-sha256", Key: wire.NewID(), KernelName: kernelName,
	}
	if ipc {
		c.Transport, c.IP = "ipc", filepath.Join(dir, "kernel")
		c.ShellPort, c.IOPubPort, c.StdinPort, c.ControlPort, c.HBPort = 1, 2, 3, 4, 5
		return c, nil
	}
	for _, port := range []*int{&c.ShellPort, &c.IOPubPort, &c.StdinPort, &c.ControlPort, &c.HBPort} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		defer l.Close() // all five are held until the last is found
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return c, nil
}

// launch starts the process in a process group of its own, so that an interrupt
// typed at a terminal reaches the caller and not the kernel.
func launch(spec *kernelspec.Spec, opts Options, dir, file string) (*process, error) {
	argv := make([]string, len(spec.Argv))
	for i, arg := range spec.Argv {
		argv[i] = strings.NewReplacer("{connection_file}", file, "{resource_dir}", spec.Dir).Replace(arg)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = opts.Dir, opts.Stdout, opts.Stderr
	cmd.Env = os.Environ()
	for name, value := range spec.Env {
		cmd.Env = append(cmd.Env, name+"="+os.Expand(value, expandKept))
	}
	cmd.Env = append(cmd.Env, opts.Env...)
	cmd.Env = append(cmd.Env, "JPY_PARENT_PID="+strconv.Itoa(os.Getpid()))
	cmd.WaitDelay = time.Second // a grandchild may keep stdout open
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, dir: dir, done: make(chan struct{})}
	go func() {
		err := cmd.Wait()
		p.mu.Lock()
		p.status = err
		p.mu.Unlock()
		os.RemoveAll(dir)
		close(p.done)
	}()
	return p, nil
}

// expandKept gives the value of ${NAME} in a spec's environment, and the
// reference itself when there is no such variable, as jupyter_client does.
func expandKept(name string) string {
	if value, ok := os.LookupEnv(name); ok {
		return value
	}
	return "${" + name + "}"
}

// exit returns how the process ended, for messages.
func (p *process) exit() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status == nil {
		return "exit status 0"
	}
	return p.status.Error()
}

// kill ends the process at once and waits until it is gone.
func (p *process) kill() {
	killGroup(p.cmd)
	<-p.done
}

// interrupt sends what Ctrl-C would.
func (p *process) interrupt() error {
	if runtime.GOOS == "windows" {
		return errors.New("kernels with interrupt_mode \"signal\" cannot be interrupted on Windows")
	}
	return p.cmd.Process.Signal(syscall.SIGINT)
}
