package wire

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodFile = `{"shell_port": 1001, "iopub_port": 1002, "stdin_port": 1003, "control_port": 1004, "hb_port": 1005,
	"ip": "127.0.0.1", "key": "k", "transport": "tcp", "signature_scheme": "hmac-sha256", "kernel_name": "govle", "more": [1]}`

// TestConnection checks endpoints, and that what is written is read.
func TestConnection(t *testing.T) {
	c, err := ParseConnection([]byte(goodFile))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kernel.json")
	if err := c.Write(path); err != nil {
		t.Fatal(err)
	}
	again, err := ReadConnection(path)
	if err != nil || *again != *c {
		t.Errorf("read %+v, %v; want %+v", again, err, c)
	}
	if err := CheckPermissions(path); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := CheckPermissions(path); err == nil || !strings.Contains(err.Error(), "0644") {
		t.Errorf("a file that all can read: %v", err)
	}
	for _, tt := range []struct{ transport, ip, want string }{
		{"tcp", "127.0.0.1", "tcp://127.0.0.1:1002"},
		{"tcp", "::1", "tcp://[::1]:1002"},
		{"tcp", "*", "tcp://*:1002"},
		{"ipc", "/tmp/k", "ipc:///tmp/k-1002"},
	} {
		c.Transport, c.IP = tt.transport, tt.ip
		if got := c.Endpoint(IOPub); got != tt.want {
			t.Errorf("endpoint %s, want %s", got, tt.want)
		}
	}
}

// TestBadConnection checks that the error says what is wrong with a file.
func TestBadConnection(t *testing.T) {
	for _, tt := range []struct{ from, to, want string }{
		{goodFile, "", "JSON"},
		{"1003", `"x"`, "stdin_port"},
		{"1003", "0", "stdin port 0"},
		{"1001", "70000", "shell port 70000"},
		{`"tcp"`, `"udp"`, "udp"},
		{`"127.0.0.1"`, `""`, `no "ip"`},
		{`"more": [1]`, `"curve_publickey": "x"`, "CurveZMQ"},
	} {
		path := filepath.Join(t.TempDir(), "bad.json")
		if err := os.WriteFile(path, []byte(strings.Replace(goodFile, tt.from, tt.to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadConnection(path)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s instead of %.30s: %v, want it to name the file and %q", tt.to, tt.from, err, tt.want)
		}
	}
	if _, err := ReadConnection(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a file that does not exist was read")
	}
}

// FuzzParseConnection must not panic, and what it accepts has five endpoints.
func FuzzParseConnection(f *testing.F) {
	f.Add([]byte(goodFile))
	f.Add([]byte(`{"transport":"ipc","ip":"x","shell_port":1,"iopub_port":1e3}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConnection(data)
		if err != nil {
			return
		}
		for _, ch := range Channels {
			if e := c.Endpoint(ch); !strings.Contains(e, "://") {
				t.Errorf("endpoint %q", e)
			}
		}
	})
}
