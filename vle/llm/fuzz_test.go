package llm

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// roundTrip is a transport in a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// FuzzAnswer lets a server send anything: there is an answer with words in it, or
// one of the documented errors, and never a panic.
func FuzzAnswer(f *testing.F) {
	for _, s := range []struct {
		status int
		media  string
		body   string
	}{
		{200, "application/json", `{"model":"m","choices":[{"finish_reason":"stop","message":{"content":"A dog."}}],"usage":{"prompt_tokens":1}}`},
		{200, "application/json", "null"},
		{200, "application/json", `{"choices":[null]}`},
		{200, "application/json", `{"choices":[{"message":null}]}`},
		{200, "text/event-stream", "data: {\"choices\":[{\"delta\":{\"content\":\"A\"}}]}\n\ndata: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"},
		{200, "text/event-stream", "data: null\n\ndata: {\"choices\":[null]}\n\n"},
		{200, "text/event-stream", ": comment\n\nevent: thread.x\ndata: {}\n\n"},
		{401, "application/json", `{"error":{"message":"no key","code":null}}`},
		{404, "application/json", `{"error":null,"detail":[]}`},
		{500, "text/plain", "oh\nno"},
		{302, "", ""},
	} {
		f.Add(s.status, s.media, s.body)
	}
	f.Fuzz(func(t *testing.T, status int, media, body string) {
		if status < 200 || status > 599 {
			return
		}
		c, err := New(Config{
			BaseURL: "http://server.invalid/v1", Model: "m", Retries: -1, APIKey: Key(testKey), Timeout: 5 * time.Second,
			HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: status, Request: r, Header: http.Header{"Content-Type": {media}},
					Body: io.NopCloser(strings.NewReader(body)),
				}, nil
			})},
		})
		if err != nil {
			t.Fatal(err)
		}
		check := func(a *Answer, err error) {
			if err == nil && (a == nil || a.Text == "") {
				t.Errorf("no error and no words: %+v", a)
			}
			if err == nil {
				return
			}
			for _, known := range []error{ErrNoServer, ErrUnauthorized, ErrNotFound, ErrBusy, ErrRefused, ErrServer, ErrCutOff, ErrBadAnswer} {
				if errors.Is(err, known) {
					return
				}
			}
			t.Errorf("an error of no kind: %v", err)
		}
		check(c.Ask(context.Background(), question))
		check(c.Stream(context.Background(), question, func(string) error { return nil }))
	})
}
