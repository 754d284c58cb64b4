package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What can be wrong with a server. Errors of a [Client] wrap one of these, or
// the context's error, or context.DeadlineExceeded when Config.Timeout passed.
var (
	// ErrNoServer means that nothing answers at the address.
	ErrNoServer = errors.New("no chat server")
	// ErrUnauthorized means that the server wants another key.
	ErrUnauthorized = errors.New("the server refuses the key")
	// ErrNotFound means that the server lacks the model or the path.
	ErrNotFound = errors.New("not on the server")
	// ErrBusy means that the server turns requests away for now.
	ErrBusy = errors.New("the server is busy")
	// ErrRefused means that the server takes this request for wrong.
	ErrRefused = errors.New("the server refuses the request")
	// ErrServer means that the server failed.
	ErrServer = errors.New("the server failed")
	// ErrCutOff means that the connection broke before the answer was complete.
	ErrCutOff = errors.New("the answer was cut off")
	// ErrBadAnswer means that what came back is no chat answer.
	ErrBadAnswer = errors.New("not an answer of a chat server")
)

// errSilent is the cause with which a request is cancelled when the server says
// nothing for too long.
var errSilent = errors.New("silent for too long")

// refusal is an answer with a status of 400 or more.
type refusal struct {
	status  int
	message string
	// wait is what the server asks to wait, 0 when it does not.
	wait time.Duration
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.message) }

// again reports whether the same request may go well later.
func (r *refusal) again() bool {
	return r.status == http.StatusTooManyRequests || r.status == http.StatusRequestTimeout || r.status >= 500
}

// wrongType is an answer that is neither JSON nor an event stream.
type wrongType struct{ contentType string }

func (w *wrongType) Error() string { return "answered with " + w.contentType }

// eventStream is the content type of an answer that comes piece by piece.
const eventStream = "text/event-stream"

// Bounds of what is read from a server.
const (
	maxErrorBody = 64 << 10
	maxAnswer    = 32 << 20
)

// screen is a middleware of the OpenAI client that turns refusals into errors of
// our own, which hold neither the request nor the key, and bounds what is read.
func (c *Client) screen(req *http.Request, next func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	resp, err := next(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, err
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		return nil, &refusal{resp.StatusCode, c.redact(serverMessage(body, media)), retryAfter(resp.Header)}
	}
	wantsStream := req.Header.Get("Accept") == eventStream
	isJSON := media == "application/json" || strings.HasSuffix(media, "+json")
	if resp.StatusCode >= 300 || wantsStream && media != eventStream || !wantsStream && !isJSON {
		resp.Body.Close()
		if media == "" {
			media = "no content type"
		}
		return nil, &wrongType{media}
	}
	var body io.Reader = &boundedReader{resp.Body, maxAnswer}
	if wantsStream {
		body = newEvents(body, c.redact)
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	return resp, nil
}

// boundedReader fails, unlike io.LimitReader, where there is more.
type boundedReader struct {
	r    io.Reader
	left int
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the answer has more than %d MB", maxAnswer>>20)
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// serverMessage finds what the body of a refusal says: {"error": {"message"}},
// as OpenAI has it, {"error": "…"}, {"message": "…"} or {"detail": "…"}.
func serverMessage(body []byte, media string) string {
	var m struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	text := ""
	if json.Unmarshal(body, &m) == nil {
		var inner struct {
			Message string `json:"message"`
		}
		switch {
		case json.Unmarshal(m.Error, &text) == nil && text != "":
		case json.Unmarshal(m.Error, &inner) == nil && inner.Message != "":
			text = inner.Message
		case m.Message != "":
			text = m.Message
		case json.Unmarshal(m.Detail, &text) == nil:
		}
	} else if media == "text/plain" {
		text = string(body)
	}
	return brief(text)
}

// brief is a text on one line that is not long.
func brief(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + "…"
	}
	return text
}

// maxWait bounds what a server can ask to wait before the next try.
const maxWait = time.Minute

func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(v, 64); err == nil && s > 0 {
		return min(time.Duration(min(s, 1e6)*float64(time.Second)), maxWait)
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(time.Until(t), 0), maxWait)
	}
	return 0
}

// explain says what went wrong and what to do about it. parent is the caller's
// context, ctx the request's.
func (c *Client) explain(parent, ctx context.Context, err error) error {
	if parent.Err() != nil {
		return fmt.Errorf("llm: asking %s: %w", c.where, context.Cause(parent))
	}
	if errors.Is(context.Cause(ctx), errSilent) {
		return fmt.Errorf("llm: %s said nothing for %v: %w; raise Config.Timeout, or ask a smaller model", c.where, c.timeout, context.DeadlineExceeded)
	}
	var r *refusal
	if errors.As(err, &r) {
		return c.explainRefusal(parent, r)
	}
	var w *wrongType
	var dns *net.DNSError
	switch {
	case errors.As(err, &w):
		return fmt.Errorf("llm: %s %s: %w; is the address right? It usually ends in /v1", c.where, w, ErrBadAnswer)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("llm: nothing listens at %s: %w; is the server running? Start one with llama-server, ollama serve or vllm serve, or correct Config.BaseURL", c.where, ErrNoServer)
	case errors.As(err, &dns):
		return fmt.Errorf("llm: no host %q: %w; check Config.BaseURL", dns.Name, ErrNoServer)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("llm: %s closed the connection: %w; its log may say why", c.where, ErrCutOff)
	case isNet(err):
		return fmt.Errorf("llm: %s: %w: %s", c.where, ErrNoServer, c.redact(err.Error()))
	}
	return fmt.Errorf("llm: %s: %w: %s", c.where, ErrBadAnswer, c.redact(err.Error()))
}

func isNet(err error) bool {
	var op net.Error
	return errors.As(err, &op)
}

// explainRefusal says what a status means.
func (c *Client) explainRefusal(ctx context.Context, r *refusal) error {
	said := ""
	if r.message != "" {
		said = fmt.Sprintf(" (it says: %s)", r.message)
	}
	switch {
	case r.status == http.StatusUnauthorized || r.status == http.StatusForbidden:
		do := "set OPENAI_API_KEY or Config.APIKey to a key of this server"
		if !c.key.IsZero() {
			do = "check the key in OPENAI_API_KEY or Config.APIKey and that it may use this model"
		}
		return fmt.Errorf("llm: %s: %w%s; %s", c.where, ErrUnauthorized, said, do)
	case r.status == http.StatusNotFound:
		return fmt.Errorf("llm: %s: the model %q or the path is %w%s%s", c.where, c.modelName(), ErrNotFound, said, c.whatThereIs(ctx))
	case r.status == http.StatusTooManyRequests:
		return fmt.Errorf("llm: %s: %w%s; ask again later or less often", c.where, ErrBusy, said)
	case r.status == http.StatusServiceUnavailable:
		return fmt.Errorf("llm: %s: %w%s; it may still be loading its model", c.where, ErrBusy, said)
	case r.status >= 500:
		return fmt.Errorf("llm: %s: %w with %d%s; its log may say why", c.where, ErrServer, r.status, said)
	}
	return fmt.Errorf("llm: %s: %w with %d%s", c.where, ErrRefused, r.status, said)
}

// whatThereIs lists the server's models, for an error message.
func (c *Client) whatThereIs(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	models, err := c.models(ctx)
	switch {
	case err != nil:
		return "; is the address right? It usually ends in /v1"
	case len(models) == 0:
		return "; the server has no models: ollama pull one, or start it with one"
	}
	return "; the server has " + list(models)
}

func list(models []string) string {
	const most = 12
	if len(models) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(models[:most], ", "), len(models)-most)
	}
	return strings.Join(models, ", ")
}
