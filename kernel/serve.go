// Package kernel puts the Jupyter messaging protocol in front of live Go: the
// sockets and the request families. It never runs user code itself; package
// engine does, in a process of its own, so that whatever a cell does the kernel
// goes on answering.
//
// For most uses, call [Serve] with the connection file that a front end wrote,
// and kernelspec.Install to make the kernel known to Jupyter.
package kernel

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"govle/kernel/engine"
	"govle/kernel/wire"
)

// Options says how a kernel runs. The zero value is usable.
type Options struct {
	// Source is the directory of the govle module that cells may import; see
	// engine.Config.
	Source string
	// Cache holds built workers and export data; see engine.Config.
	Cache string
	// Dir is the working directory of cells; empty means the current one.
	Dir string
	// MemoryLimit, in bytes, ends a worker that grows beyond it; 0 means none.
	MemoryLimit int64
	// History is the file that keeps what cells of this and earlier sessions held,
	// for history_request. Several kernels may share it; it is made when the first
	// cell is stored and stays below 2 MiB. Empty means that only this session is
	// remembered.
	History string
	// Log receives warnings and, at debug level, every message. nil logs
	// warnings to stderr.
	Log *slog.Logger
}

// Serve runs a kernel on the sockets of a connection file until a front end shuts
// it down, the process gets SIGTERM, the process that started it ends
// (JPY_PARENT_PID), or ctx is done; all of these are orderly ends and return nil.
// SIGINT interrupts the running cell. An error means that the kernel could not
// start.
func Serve(ctx context.Context, connectionFile string, opts Options) error {
	return serve(ctx, connectionFile, opts, func(sink engine.Sink) (Executor, error) {
		return engine.New(engine.Config{
			Source: opts.Source, Cache: opts.Cache, Dir: opts.Dir, MemoryLimit: opts.MemoryLimit, Sink: sink,
		})
	})
}

// serve is Serve with an executor of the caller's choice.
func serve(ctx context.Context, connectionFile string, opts Options, newExecutor func(engine.Sink) (Executor, error)) error {
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	log := opts.Log
	conn, err := wire.ReadConnection(connectionFile)
	if err != nil {
		return err
	}
	if err := wire.CheckPermissions(connectionFile); err != nil {
		log.Warn(err.Error())
	}
	if conn.Key == "" {
		log.Warn("the connection file has no key: messages are not signed, and anyone who can reach the ports can run code")
	}
	k, err := start(conn, opts, newExecutor)
	if err != nil {
		return err
	}
	watch(ctx, k, log)
	if !k.restarting() {
		// Whoever wrote the file may be gone; on a restart it is used again.
		os.Remove(connectionFile)
	}
	return nil
}

// watch waits for an end of the kernel and makes it orderly.
func watch(ctx context.Context, k *server, log *slog.Logger) {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM)
	defer signal.Stop(ends)
	orphaned := watchParent(k.stopping)

	for {
		select {
		case <-interrupts:
			k.interrupt()
			continue
		case <-k.stopping:
		case sig := <-ends:
			log.Info("ending", "signal", sig)
		case <-orphaned:
			log.Info("ending, because the process that started the kernel has ended")
		case <-ctx.Done():
		}
		break
	}
	k.close()
}

// watchParent returns a channel that is closed when the process named by
// JPY_PARENT_PID ends. Without it, or when it cannot be watched (another PID
// namespace), the channel never is.
func watchParent(stop <-chan struct{}) <-chan struct{} {
	ended := make(chan struct{})
	var pid int
	if _, err := fmt.Sscan(os.Getenv("JPY_PARENT_PID"), &pid); err != nil || pid <= 1 || !processExists(pid) {
		return ended
	}
	first := os.Getppid()
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			// A zombie still exists, but has no children any more.
			if !processExists(pid) || first == pid && os.Getppid() != pid {
				close(ended)
				return
			}
		}
	}()
	return ended
}
