package llm

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// testKey is a key that must never be seen.
const testKey = "sk-very-secret-0123456789"

// request is what a chat server gets.
type request struct {
	Model       string
	Messages    []Message
	Stream      bool
	MaxTokens   int `json:"max_tokens"`
	Temperature *float64
	Seed        *int64

	auth string
}

// chatServer speaks OpenAI's chat protocol. A script, if there is one, answers
// the n-th chat request, from 0, in its place.
type chatServer struct {
	*httptest.Server
	models []string
	answer string
	script func(n int, w http.ResponseWriter, r *http.Request, req *request) (done bool)

	mu       sync.Mutex
	requests []request
}

func newChatServer(t *testing.T) *chatServer {
	s := &chatServer{models: []string{"tiny-chat"}, answer: "A dog, most likely."}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		data := []map[string]any{}
		for _, m := range s.models {
			data = append(data, map[string]any{"id": m, "object": "model", "created": 1, "owned_by": "test"})
		}
		writeJSON(w, 200, map[string]any{"object": "list", "data": data})
	})
	mux.HandleFunc("POST /v1/chat/completions", s.chat)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	old := retryWait
	retryWait = time.Millisecond
	t.Cleanup(func() { retryWait = old })
	t.Setenv("OPENAI_API_KEY", "")
	t.Setenv("OPENAI_BASE_URL", "")
	return s
}

func (s *chatServer) chat(w http.ResponseWriter, r *http.Request) {
	var req request
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &req); err != nil {
		writeJSON(w, 400, map[string]any{"error": map[string]any{"message": err.Error()}})
		return
	}
	req.auth = r.Header.Get("Authorization")
	s.mu.Lock()
	n := len(s.requests)
	s.requests = append(s.requests, req)
	script := s.script
	s.mu.Unlock()
	if script != nil && script(n, w, r, &req) {
		return
	}
	if !req.Stream {
		writeJSON(w, 200, completion(req.Model, s.answer, "stop"))
		return
	}
	startStream(w)
	for _, word := range strings.SplitAfter(s.answer, " ") {
		sendDelta(w, word, "")
	}
	sendDelta(w, "", "stop")
	io.WriteString(w, "data: [DONE]\n\n")
}

// on sets the script.
func (s *chatServer) on(script func(n int, w http.ResponseWriter, r *http.Request, req *request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// count is the number of chat requests so far.
func (s *chatServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func (s *chatServer) client(t *testing.T, change func(*Config)) *Client {
	cfg := Config{BaseURL: s.URL, Model: "tiny-chat", APIKey: Key(testKey), Timeout: 10 * time.Second}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func completion(model, text, finish string) map[string]any {
	return map[string]any{
		"id": "1", "object": "chat.completion", "created": 1, "model": model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": finish, "message": map[string]any{"role": "assistant", "content": text}}},
		"usage":   map[string]any{"prompt_tokens": 40, "completion_tokens": 6, "total_tokens": 46},
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func startStream(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(200)
}

func sendDelta(w http.ResponseWriter, text, finish string) {
	choice := map[string]any{"index": 0, "delta": map[string]any{"content": text}, "finish_reason": nil}
	if finish != "" {
		choice["finish_reason"] = finish
	}
	data, _ := json.Marshal(map[string]any{"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "tiny-chat", "choices": []any{choice}})
	fmt.Fprintf(w, "data: %s\n\n", data)
	w.(http.Flusher).Flush()
}

// drop closes the connection without a word more.
func drop(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}
