package llm

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

var question = Prompt{{System, "Be brief."}, {User, "What is it?"}}

func TestAsk(t *testing.T) {
	s := newChatServer(t)
	c := s.client(t, func(c *Config) { c.MaxTokens = 64; c.Temperature = new(0.0); c.Seed = new(int64(7)) })
	a, err := c.Ask(context.Background(), question)
	if err != nil {
		t.Fatal(err)
	}
	if a.Text != s.answer || a.Model != "tiny-chat" || a.Finish != "stop" || a.PromptTokens != 40 || a.Tokens != 6 || a.Elapsed <= 0 {
		t.Errorf("answer %+v", a)
	}
	r := s.requests[0]
	if fmt.Sprint(r.Messages) != fmt.Sprint([]Message(question)) || r.Stream || r.MaxTokens != 64 || r.Seed == nil || *r.Seed != 7 || r.Temperature == nil || *r.Temperature != 0 {
		t.Errorf("sent %+v", r)
	}
	if r.auth != "Bearer "+testKey {
		t.Errorf("the key was sent as %q", r.auth)
	}
}

func TestNoKeyAndOnlyModel(t *testing.T) {
	s := newChatServer(t)
	c, err := New(Config{BaseURL: s.URL + "/v1/"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ask(context.Background(), question); err != nil {
		t.Fatal(err)
	}
	if r := s.requests[0]; r.Model != "tiny-chat" || r.auth != "" || r.Temperature != nil {
		t.Errorf("sent %+v", r)
	}
	if got := c.String(); got != "tiny-chat at "+s.URL+"/v1/" {
		t.Errorf("the client is %q", got)
	}
	s.models = []string{"b", "a"}
	c, _ = New(Config{BaseURL: s.URL})
	if _, err := c.Ask(context.Background(), question); err == nil || !strings.Contains(err.Error(), "set Config.Model to one of a, b") {
		t.Errorf("two models give %v", err)
	}
	s.models = nil
	if _, err := c.Ask(context.Background(), question); !errors.Is(err, ErrNotFound) {
		t.Errorf("no models give %v", err)
	}
}

// refuse answers with a status and OpenAI's form of an error.
func refuse(status int, message string) func(int, http.ResponseWriter, *http.Request, *request) bool {
	return func(_ int, w http.ResponseWriter, _ *http.Request, _ *request) bool {
		writeJSON(w, status, map[string]any{"error": map[string]any{"message": message, "type": "x", "code": nil, "param": nil}})
		return true
	}
}

func send(status int, media, body string) func(int, http.ResponseWriter, *http.Request, *request) bool {
	return func(_ int, w http.ResponseWriter, _ *http.Request, _ *request) bool {
		w.Header().Set("Content-Type", media)
		w.WriteHeader(status)
		io.WriteString(w, body)
		return true
	}
}

// TestFailures tries what servers do wrong, with Ask and with Stream.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name   string
		script func(int, http.ResponseWriter, *http.Request, *request) bool
		want   error
		says   string
		tries  int
	}{
		{"wrong key", refuse(401, "Incorrect API key provided: "+testKey), ErrUnauthorized, "check the key in OPENAI_API_KEY", 1},
		{"forbidden", refuse(403, "not yours"), ErrUnauthorized, "not yours", 1},
		{"no such model", refuse(404, "model 'tiny-chat' not found"), ErrNotFound, "the server has tiny-chat", 1},
		{"bare 404", send(404, "text/html", "<h1>nothing</h1>"), ErrNotFound, "tiny-chat", 1},
		{"rate limit", refuse(429, "slow down"), ErrBusy, "slow down", 3},
		{"broken server", refuse(500, "out of memory"), ErrServer, "out of memory", 3},
		{"bad gateway", send(502, "text/plain", "bad\n  gateway "+testKey), ErrServer, "bad gateway [hidden]", 3},
		{"loading", refuse(503, "Loading model"), ErrBusy, "still be loading", 3},
		{"error as a string", send(400, "application/json", `{"error":"context too long"}`), ErrRefused, "context too long", 1},
		{"error as a detail", send(422, "application/json", `{"detail":"no such field"}`), ErrRefused, "no such field", 1},
		{"a page", send(200, "text/html", "<html>"), ErrBadAnswer, "usually ends in /v1", 1},
		{"dropped", func(_ int, w http.ResponseWriter, _ *http.Request, _ *request) bool { drop(w); return true }, ErrCutOff, "closed the connection", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newChatServer(t)
			s.on(c.script)
			client := s.client(t, nil)
			for i, ask := range []func() (*Answer, error){
				func() (*Answer, error) { return client.Ask(context.Background(), question) },
				func() (*Answer, error) {
					return client.Stream(context.Background(), question, func(string) error { return nil })
				},
			} {
				a, err := ask()
				if a != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("gives %+v, %v", a, err)
				}
				if got := s.count(); got != c.tries*(i+1) {
					t.Errorf("%d requests, wanted %d", got, c.tries*(i+1))
				}
				hasNoKey(t, err)
			}
		})
	}
}

func TestGarbage(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "no JSON": "%%%", "other JSON": `{"x":1}`, "no choices": `{"choices":[]}`, "cut": `{"choices":[{"message":{"content":"A d`,
		"null": "null", "wrong types": `{"choices":"many"}`, "empty text": `{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}`,
	} {
		s := newChatServer(t)
		s.on(send(200, "application/json", body))
		a, err := s.client(t, nil).Ask(context.Background(), question)
		if err == nil || !errors.Is(err, ErrBadAnswer) && !errors.Is(err, ErrCutOff) {
			t.Errorf("%s: gives %+v, %v", name, a, err)
		}
	}
	for name, body := range map[string]string{
		"empty": "", "no events": "hello\n\n", "no JSON": "data: %%%\n\n", "only done": "data: [DONE]\n\n", "error": `data: {"error":{"message":"it broke"}}` + "\n\n",
	} {
		s := newChatServer(t)
		s.on(send(200, "text/event-stream", body))
		a, err := s.client(t, nil).Stream(context.Background(), question, func(string) error { return nil })
		if a != nil || !errors.Is(err, ErrBadAnswer) && !errors.Is(err, ErrCutOff) && !errors.Is(err, ErrServer) {
			t.Errorf("stream, %s: gives %+v, %v", name, a, err)
		}
		if name == "error" && !strings.Contains(err.Error(), "it broke") {
			t.Errorf("the server's error is not told: %v", err)
		}
	}
	s := newChatServer(t)
	s.on(func(_ int, w http.ResponseWriter, _ *http.Request, _ *request) bool {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"choices":[{"message":{"content":"`)
		chunk := strings.Repeat("a", 1<<20)
		for {
			if _, err := io.WriteString(w, chunk); err != nil {
				return true
			}
		}
	})
	if _, err := s.client(t, nil).Ask(context.Background(), question); !errors.Is(err, ErrBadAnswer) || !strings.Contains(err.Error(), "32 MB") {
		t.Errorf("an endless answer gives %v", err)
	}
}

func TestRetryGoesWell(t *testing.T) {
	s := newChatServer(t)
	s.on(func(n int, w http.ResponseWriter, r *http.Request, req *request) bool {
		if n == 0 {
			w.Header().Set("Retry-After", "0.01")
			return refuse(429, "wait")(n, w, r, req)
		}
		if n == 1 {
			drop(w)
		}
		return n < 2
	})
	if a, err := s.client(t, nil).Ask(context.Background(), question); err != nil || a.Text != s.answer {
		t.Errorf("%v, %v", a, err)
	}
	s.requests = nil
	s.on(refuse(429, "wait"))
	if _, err := s.client(t, func(c *Config) { c.Retries = -1 }).Ask(context.Background(), question); !errors.Is(err, ErrBusy) || s.count() != 1 {
		t.Errorf("%v after %d requests, wanted 1", err, s.count())
	}
}

func TestTimeoutAndCancel(t *testing.T) {
	s := newChatServer(t)
	hang := func(_ int, w http.ResponseWriter, r *http.Request, req *request) bool {
		if req.Stream {
			startStream(w)
			for range 4 { // longer than the timeout, never silent for as long
				sendDelta(w, "word ", "")
				time.Sleep(60 * time.Millisecond)
			}
		}
		<-r.Context().Done()
		return true
	}
	s.on(hang)
	slow := s.client(t, func(c *Config) { c.Timeout = 150 * time.Millisecond })
	if _, err := slow.Ask(context.Background(), question); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "Config.Timeout") {
		t.Errorf("a silent server gives %v", err)
	}
	a, err := slow.Stream(context.Background(), question, func(string) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) || a == nil || a.Text != "word word word word" {
		t.Errorf("a stream that stops gives %+v, %v", a, err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	if _, err := s.client(t, nil).Ask(ctx, question); !errors.Is(err, context.Canceled) || time.Since(start) > 3*time.Second {
		t.Errorf("cancelling gives %v after %v", err, time.Since(start))
	}
	// A cancelled wait between two tries ends at once as well.
	s.on(func(n int, w http.ResponseWriter, r *http.Request, req *request) bool {
		w.Header().Set("Retry-After", "30")
		return refuse(429, "wait")(n, w, r, req)
	})
	ctx, cancel = context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start = time.Now()
	if _, err := s.client(t, nil).Ask(ctx, question); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 3*time.Second {
		t.Errorf("the caller's deadline gives %v after %v", err, time.Since(start))
	}
}

func TestNobodyThere(t *testing.T) {
	newChatServer(t) // for its environment
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	l.Close()
	c, err := New(Config{BaseURL: address, Model: "m", APIKey: Key(testKey)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Ask(context.Background(), question)
	if !errors.Is(err, ErrNoServer) || !strings.Contains(err.Error(), address+"/v1") || !strings.Contains(err.Error(), "is the server running?") {
		t.Errorf("a refused connection gives %v", err)
	}
	c, _ = New(Config{BaseURL: "http://no-such-host.invalid/v1", Model: "m"})
	if _, err = c.Ask(context.Background(), question); !errors.Is(err, ErrNoServer) || !strings.Contains(err.Error(), "no-such-host.invalid") {
		t.Errorf("an unknown host gives %v", err)
	}
}

func TestConfig(t *testing.T) {
	newChatServer(t)
	for _, c := range []struct{ url, want string }{
		{"", "OPENAI_BASE_URL"},
		{"localhost:8080", "http or https"},
		{"ftp://x/v1", "http or https"},
		{"http://user:" + testKey + "@host/v1", "password or parameters"},
		{"http://host/v1?key=" + testKey, "password or parameters"},
		{"http://%zz" + testKey, "no http or https address"},
	} {
		_, err := New(Config{BaseURL: c.url})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s gives %v", c.url, err)
			continue
		}
		hasNoKey(t, err)
	}
	if _, err := New(Config{BaseURL: "http://h", APIKey: Key("a\nb")}); err == nil || !strings.Contains(err.Error(), "line break") {
		t.Errorf("a key of two lines gives %v", err)
	}
	t.Setenv("OPENAI_BASE_URL", "http://from-env:1")
	t.Setenv("OPENAI_API_KEY", testKey)
	c, err := New(Config{})
	if err != nil || c.where != "http://from-env:1/v1" || c.key.value() != testKey {
		t.Errorf("the environment gives %v, %v", c, err)
	}
	if _, err := c.Ask(context.Background(), nil); err == nil {
		t.Error("an empty prompt is sent")
	}
	if _, err := c.Ask(context.Background(), Prompt{{"robot", "x"}}); err == nil || !strings.Contains(err.Error(), "robot") {
		t.Errorf("an unknown role gives %v", err)
	}
}

// hasNoKey checks that no way of printing or encoding v shows the key.
func hasNoKey(t *testing.T, v any) {
	t.Helper()
	forms := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		forms[verb] = fmt.Sprintf(verb, v)
	}
	if data, err := json.Marshal(v); err == nil {
		forms["JSON"] = string(data)
	}
	var b bytes.Buffer
	if gob.NewEncoder(&b).Encode(v) == nil {
		forms["gob"] = b.String()
	}
	if err, ok := v.(error); ok {
		for e := err; e != nil; e = errors.Unwrap(e) {
			forms["unwrapped"] += fmt.Sprintf("%v %+v %#v", e, e, e)
		}
	}
	if m, ok := v.(interface{ MIMEBundle() map[string]any }); ok {
		forms["MIME bundle"] = fmt.Sprint(m.MIMEBundle())
	}
	for how, s := range forms {
		if strings.Contains(s, testKey) || strings.Contains(s, fmt.Sprintf("%x", testKey)) {
			t.Errorf("%s of %T shows the key: %s", how, v, s)
		}
	}
}

func TestKeyIsNeverShown(t *testing.T) {
	s := newChatServer(t)
	c := s.client(t, nil)
	a, err := c.Ask(context.Background(), question)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{BaseURL: s.URL, APIKey: Key(testKey)}
	type private struct{ cfg Config }
	p := &Pipeline{Client: c, Caption: Caption("x")}
	for _, v := range []any{c, *a, a, cfg, &cfg, private{cfg}, &private{cfg}, cfg.APIKey, []Secret{cfg.APIKey}, map[string]any{"key": &cfg.APIKey}, p, *p, question} {
		hasNoKey(t, v)
	}
	if got := fmt.Sprintf("%v %#v", cfg.APIKey, Key("")); got != "[hidden] " {
		t.Errorf("secrets print as %q", got)
	}
}
