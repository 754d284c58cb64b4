package wire

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Connection is a connection file: where a kernel's five sockets are and the key
// that signs their messages.
type Connection struct {
	// Transport is "tcp" or "ipc".
	Transport string `json:"transport"`
	// IP is the address to bind or connect to; with ipc the path in front of
	// "-<port>".
	IP string `json:"ip"`
	// The ports; with ipc plain numbers that end the file names.
	ShellPort   int `json:"shell_port"`
	IOPubPort   int `json:"iopub_port"`
	StdinPort   int `json:"stdin_port"`
	ControlPort int `json:"control_port"`
	HBPort      int `json:"hb_port"`
	// SignatureScheme is "hmac-sha256".
	SignatureScheme string `json:"signature_scheme"`
	// Key signs messages; empty means unsigned.
	Key string `json:"key"`
	// KernelName is the kernelspec's name; informative only.
	KernelName string `json:"kernel_name,omitempty"`
}

// maxConnectionFile bounds what is read of a connection file; real ones have
// about 300 bytes.
const maxConnectionFile = 1 << 20

// ReadConnection reads and checks a connection file. Errors name the file.
func ReadConnection(path string) (*Connection, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading connection file: %w", err)
	}
	if info.Size() > maxConnectionFile {
		return nil, fmt.Errorf("connection file %s: %d bytes is no connection file", path, info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading connection file: %w", err)
	}
	c, err := ParseConnection(data)
	if err != nil {
		return nil, fmt.Errorf("connection file %s: %w", path, err)
	}
	return c, nil
}

// ParseConnection parses and checks the JSON of a connection file.
func ParseConnection(data []byte) (*Connection, error) {
	var file struct {
		Connection
		CurvePublicKey string `json:"curve_publickey"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	if file.CurvePublicKey != "" {
		return nil, fmt.Errorf("it asks for CurveZMQ encryption, which this kernel does not speak: start the kernel without curve keys")
	}
	c := file.Connection
	switch c.Transport {
	case "":
		c.Transport = "tcp"
	case "tcp", "ipc":
	default:
		return nil, fmt.Errorf("transport %q is not supported: use tcp or ipc", c.Transport)
	}
	if c.IP == "" {
		return nil, fmt.Errorf("it has no \"ip\"")
	}
	limit := 65535
	if c.Transport == "ipc" {
		limit = 1 << 31
	}
	for _, ch := range Channels {
		if port := c.port(ch); port < 1 || port > limit {
			return nil, fmt.Errorf("%s port %d is out of range", ch, port)
		}
	}
	return &c, nil
}

// Write writes the connection file so that only its owner may read it. A reader
// never sees a partial file.
func (c *Connection) Write(path string) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding connection file: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".connection-*") // mode 0600
	if err != nil {
		return fmt.Errorf("writing connection file: %w", err)
	}
	_, err = f.Write(append(data, '\n'))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("writing connection file: %w", err)
	}
	return nil
}

// CheckPermissions returns an error when others than the owner can read or write
// the connection file: whoever reads the key can run code in the kernel. Callers
// should warn and go on, for some file systems (NTFS, some network mounts) give
// every file such a mode.
func CheckPermissions(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("checking connection file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("connection file %s has mode %#o: others on this machine may be able to run code in this kernel; it should be 0600", path, mode)
	}
	return nil
}

// Channel names one of a kernel's sockets.
type Channel string

// The five channels.
const (
	Shell     Channel = "shell"
	IOPub     Channel = "iopub"
	Stdin     Channel = "stdin"
	Control   Channel = "control"
	Heartbeat Channel = "hb"
)

// Channels lists all five.
var Channels = []Channel{Shell, IOPub, Stdin, Control, Heartbeat}

// port returns the channel's port.
func (c *Connection) port(ch Channel) int {
	switch ch {
	case Shell:
		return c.ShellPort
	case IOPub:
		return c.IOPubPort
	case Stdin:
		return c.StdinPort
	case Control:
		return c.ControlPort
	default:
		return c.HBPort
	}
}

// Endpoint returns the ZeroMQ endpoint of a channel, "tcp://127.0.0.1:5555" or
// "ipc:///tmp/kernel-1".
func (c *Connection) Endpoint(ch Channel) string {
	port := strconv.Itoa(c.port(ch))
	if c.Transport == "ipc" {
		return "ipc://" + c.IP + "-" + port
	}
	return "tcp://" + hostPort(c.IP, port)
}

// hostPort joins host and port; an IPv6 address gets its brackets.
func hostPort(host, port string) string {
	for i := range len(host) {
		if host[i] == ':' && host[0] != '[' {
			return "[" + host + "]:" + port
		}
	}
	return host + ":" + port
}
