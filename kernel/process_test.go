package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"govle/kernel/client"
	"govle/kernel/engine"
	"govle/kernel/kernelspec"
	"govle/kernel/wire"
)

// TestMain makes the test binary a kernel with the fake executor when it is
// started as one.
func TestMain(m *testing.M) {
	if os.Getenv("GOVLE_FAKE_KERNEL") == "" {
		code := m.Run()
		if builtIn != "" {
			os.RemoveAll(builtIn)
		}
		os.Exit(code)
	}
	file := os.Args[len(os.Args)-1]
	opts := Options{History: os.Getenv("GOVLE_HISTORY"), Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	if err := serve(context.Background(), file, opts, func(s engine.Sink) (Executor, error) { return newFake(s), nil }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// fakeSpec is a kernelspec that starts this test binary.
func fakeSpec(t testing.TB, mode string) *kernelspec.Spec {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &kernelspec.Spec{
		Name: "fake", Argv: []string{exe, "kernel", "--connection-file", "{connection_file}"}, DisplayName: "Fake",
		Language: "go", InterruptMode: mode, Env: map[string]string{"GOVLE_FAKE_KERNEL": "1"},
	}
}

// pidOf finds the process that has the connection file's folder in its arguments.
func pidOf(t *testing.T, dir string) int {
	t.Helper()
	out, err := exec.Command("pgrep", "-f", dir).Output()
	if err != nil {
		t.Skipf("pgrep: %v", err)
	}
	var pid int
	fmt.Sscan(string(out), &pid)
	return pid
}

// TestProcess starts a kernel process over both transports, interrupts it both
// ways, and shuts it down; nothing may be left.
func TestProcess(t *testing.T) {
	for _, ipc := range []bool{false, true} {
		for _, mode := range []string{"message", "signal"} {
			t.Run(fmt.Sprint("ipc ", ipc, " ", mode), func(t *testing.T) {
				tmp := shortTemp(t)
				t.Setenv("TMPDIR", tmp)
				var stderr bytes.Buffer
				c, err := client.Start(t.Context(), fakeSpec(t, mode), client.Options{IPC: ipc, Stderr: &stderr})
				if err != nil {
					t.Fatal(err)
				}
				if c.Info.LanguageInfo.Name != "go" || c.Info.Implementation != "govle" {
					t.Errorf("info %+v", c.Info)
				}
				if got := run(t, c, "print hi", client.ExecuteOptions{}); got.text["stdout"] != "hi\n" {
					t.Errorf("stdout %q", got.text["stdout"])
				}
				done := make(chan transcript, 1)
				started := make(chan struct{}, 1)
				go func() {
					var tr transcript
					tr.reply, err = c.Execute(context.Background(), "print go\nblock", client.ExecuteOptions{}, func(m *wire.Message) {
						if m.Header.MsgType == "stream" {
							started <- struct{}{}
						}
					})
					done <- tr
				}()
				<-started
				if err := c.Interrupt(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := <-done; err != nil || got.reply.EName != "Interrupted" {
					t.Errorf("interrupted cell: %+v, %v", got.reply, err)
				}
				pid := pidOf(t, tmp)
				if err := c.Shutdown(t.Context()); err != nil {
					t.Errorf("shutdown: %v", err)
				}
				if processExists(pid) {
					t.Errorf("process %d is still there", pid)
				}
				if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
				if stderr.Len() > 0 {
					t.Errorf("the kernel wrote to stderr: %s", &stderr)
				}
				if _, err := c.Execute(t.Context(), "print x", client.ExecuteOptions{}, nil); err == nil {
					t.Error("a cell ran after the shutdown")
				}
			})
		}
	}
}

// shortTemp returns a folder whose name is short enough for Unix sockets in it.
func shortTemp(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "g")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestProcessLost checks that a client hears of a kernel that dies.
func TestProcessLost(t *testing.T) {
	tmp := shortTemp(t)
	t.Setenv("TMPDIR", tmp)
	c, err := client.Start(t.Context(), fakeSpec(t, "message"), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Kill()
	pid := pidOf(t, tmp)
	time.AfterFunc(50*time.Millisecond, func() { syscall.Kill(pid, syscall.SIGKILL) })
	if _, err := c.Execute(t.Context(), "block", client.ExecuteOptions{}, nil); err == nil || c.Err() == nil {
		t.Errorf("Execute %v, Err %v; want both to tell of the loss", err, c.Err())
	}
}

// TestOrphan checks that a kernel ends when the process that started it does, and
// removes its connection file.
func TestOrphan(t *testing.T) {
	dir := shortTemp(t)
	file := filepath.Join(dir, "c.json")
	conn := wire.Connection{Transport: "ipc", IP: filepath.Join(dir, "s"), Key: "k", ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5}
	if err := conn.Write(file); err != nil {
		t.Fatal(err)
	}
	parent := exec.Command("sleep", "60")
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "kernel", "--connection-file", file)
	cmd.Env = append(os.Environ(), "GOVLE_FAKE_KERNEL=1", fmt.Sprint("JPY_PARENT_PID=", parent.Process.Pid))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	c, err := client.Connect(ctx, &conn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Kill()
	parent.Process.Kill()
	parent.Wait()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the kernel ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		cmd.Process.Kill()
		t.Fatal("the kernel goes on without its parent")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// writeFakeSpec installs fakeSpec as "fake" and returns the value of JUPYTER_PATH.
func writeFakeSpec(t testing.TB) string {
	t.Helper()
	data := t.TempDir()
	dir := filepath.Join(data, "kernels", "fake")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	spec, err := json.Marshal(fakeSpec(t, "message"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel.json"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	return data
}
