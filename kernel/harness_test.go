package kernel

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"

	"govle/kernel/client"
	"govle/kernel/engine"
	"govle/kernel/internal/zmtp"
	"govle/kernel/wire"
)

// testKernel is a server in this process with a fake executor.
type testKernel struct {
	*server
	fake *fake
	conn *wire.Connection
	logs *lockedBuffer

	historyFile string // Options.History
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startKernel starts a server on Unix sockets and ends it with the test.
func startKernel(t testing.TB) *testKernel {
	t.Helper()
	tk := new(testKernel)
	tk.startFake(t)
	return tk
}

// startFake starts the server with the fake executor.
func (tk *testKernel) startFake(t testing.TB) {
	t.Helper()
	tk.start(t, func(s engine.Sink) (Executor, error) {
		tk.fake = newFake(s)
		return tk.fake, nil
	})
}

// start starts the server with an executor.
func (tk *testKernel) start(t testing.TB, newExecutor func(engine.Sink) (Executor, error)) {
	t.Helper()
	dir, err := os.MkdirTemp("", "k") // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	tk.logs = new(lockedBuffer)
	tk.conn = &wire.Connection{
		Transport: "ipc", IP: filepath.Join(dir, "s"), Key: "secret", SignatureScheme: "hmac-sha256",
		ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5,
	}
	tk.server, err = start(tk.conn, Options{History: tk.historyFile, Log: slog.New(slog.NewTextHandler(tk.logs, nil))}, newExecutor)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		done := make(chan struct{})
		go func() { tk.close(); close(done) }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			buf := make([]byte, 1<<20)
			t.Errorf("the kernel did not close:\n%s", buf[:runtime.Stack(buf, true)])
		}
		if files, _ := os.ReadDir(dir); len(files) > 0 {
			t.Errorf("closing left %v behind", files)
		}
		os.RemoveAll(dir)
	})
}

// connect connects a client and ends it with the test.
func (tk *testKernel) connect(t testing.TB) *client.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := client.Connect(ctx, tk.conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill) // no process: it only disconnects
	return c
}

// listenIOPub subscribes to everything and returns what comes.
func (tk *testKernel) listenIOPub(t testing.TB) <-chan *wire.Message {
	t.Helper()
	codec, err := wire.NewCodec(tk.conn.SignatureScheme, tk.conn.Key)
	if err != nil {
		t.Fatal(err)
	}
	messages := make(chan *wire.Message, 10_000)
	c, err := zmtp.Dial(t.Context(), tk.conn.Endpoint(wire.IOPub), zmq4.Sub, nil, func(frames [][]byte) {
		m, err := codec.Decode(frames)
		if err != nil {
			t.Error(err)
			return
		}
		messages <- m
	}, func(error) { close(messages) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.Send([][]byte{{1}})
	select {
	case m := <-messages:
		if m.Header.MsgType != "iopub_welcome" {
			t.Errorf("the first message of a subscription is %s, want iopub_welcome", m.Header.MsgType)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("no iopub_welcome came")
	}
	return messages
}

// transcript is what a cell published, one line a message.
type transcript struct {
	lines []string
	text  map[string]string // by stream name
	reply *client.Reply
}

// run runs a cell and notes what it published.
func run(t testing.TB, c *client.Client, code string, opts client.ExecuteOptions) transcript {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tr, text := transcript{text: map[string]string{}}, map[string][]byte{}
	reply, err := c.Execute(ctx, code, opts, func(m *wire.Message) {
		var content struct {
			ExecutionState string         `json:"execution_state"`
			Name           string         `json:"name"`
			Text           string         `json:"text"`
			Code           string         `json:"code"`
			EName          string         `json:"ename"`
			Data           map[string]any `json:"data"`
		}
		if err := m.Unmarshal(&content); err != nil {
			t.Error(err)
		}
		if m.Header.MsgType == "stream" {
			text[content.Name] = append(text[content.Name], content.Text...)
		}
		plain, _ := content.Data["text/plain"].(string)
		line := strings.Join(strings.Fields(fmt.Sprintln(m.Header.MsgType, content.ExecutionState, content.Name, content.Text, content.Code, content.EName, plain)), " ")
		tr.lines = append(tr.lines, line)
	})
	if err != nil {
		t.Errorf("running %q: %v", code, err) // not Fatal: tests run cells in goroutines
		reply = new(client.Reply)
	}
	tr.reply = reply
	for name, b := range text {
		tr.text[name] = string(b)
	}
	return tr
}

// runAlong runs a cell that lasts until the end of the test, and interrupts it
// then.
func (tk *testKernel) runAlong(t *testing.T, c *client.Client, code string) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(t, c, code, client.ExecuteOptions{})
	}()
	eventually(t, "the cell runs", func() bool { return tk.cells.running() != nil })
	t.Cleanup(func() {
		tk.interrupt()
		<-done
	})
}

// ask sends a request and decodes the content of its reply.
func ask(t testing.TB, c *client.Client, ch wire.Channel, msgType string, content any) map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	m, err := c.Request(ctx, ch, msgType, content)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := m.Unmarshal(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

// encoded returns v as JSON, for comparisons.
func encoded(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
