package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/openai/openai-go"
	"github.com/openai/openai-go/option"
	"github.com/openai/openai-go/packages/respjson"
)

// Config says which server to ask, and how.
type Config struct {
	// BaseURL is the server's address. Empty means OPENAI_BASE_URL. An address
	// without a path gets /v1. Usual ones:
	//
	//	http://localhost:8080/v1    llama.cpp (llama-server)
	//	http://localhost:11434/v1   Ollama
	//	http://localhost:8000/v1    vLLM
	//	https://api.openai.com/v1   OpenAI
	BaseURL string
	// Model is the model's name on the server. Empty takes the only one that the
	// server has.
	Model string
	// APIKey is empty for OPENAI_API_KEY; local servers usually want none.
	APIKey Secret
	// Timeout is how long the server may say nothing: up to the whole answer in
	// Ask, up to each next piece in Stream. 0 means two minutes; negative, for
	// ever.
	Timeout time.Duration
	// Retries is how often a request is repeated that a busy or failing server
	// turned away or whose connection broke before anything came. 0 means 2;
	// negative, never.
	Retries int

	// MaxTokens bounds the answer; 0 leaves it to the server.
	MaxTokens int
	// Temperature and Seed are the server's where they are nil. Temperature 0
	// asks for the likeliest answer.
	Temperature *float64
	Seed        *int64

	// HTTPClient makes the requests; nil means one of our own.
	HTTPClient *http.Client
}

// Client asks a chat server. It may be used by many goroutines at once.
type Client struct {
	where   string // the server's address, for messages
	cfg     Config // without the key
	key     Secret
	timeout time.Duration
	retries int
	chat    openai.ChatCompletionService
	listing openai.ModelService

	mu    sync.Mutex
	model string // the name in use, once it is known
}

// New checks a configuration and returns its client. It sends nothing.
func New(cfg Config) (*Client, error) {
	base := cfg.BaseURL
	if base == "" {
		base = os.Getenv("OPENAI_BASE_URL")
	}
	if base == "" {
		return nil, errors.New("llm: no server to ask: set Config.BaseURL or OPENAI_BASE_URL, for example to http://localhost:8080/v1 (llama.cpp), http://localhost:11434/v1 (Ollama), http://localhost:8000/v1 (vLLM) or https://api.openai.com/v1")
	}
	// An address may hold a password or a key, so no message shows it.
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("llm: BaseURL is no http or https address; it looks like http://localhost:8080/v1")
	}
	if u.User != nil || u.RawQuery != "" {
		return nil, errors.New("llm: BaseURL holds a password or parameters; give the key in OPENAI_API_KEY or Config.APIKey")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1"
	}
	if cfg.MaxTokens < 0 {
		return nil, fmt.Errorf("llm: MaxTokens is %d", cfg.MaxTokens)
	}
	c := &Client{where: u.String(), cfg: cfg, key: cfg.APIKey, timeout: cfg.Timeout, retries: cfg.Retries, model: cfg.Model}
	if c.key.IsZero() {
		c.key = KeyFromEnv("OPENAI_API_KEY")
	}
	if strings.ContainsAny(c.key.value(), "\r\n") {
		return nil, errors.New("llm: the key holds a line break; check OPENAI_API_KEY")
	}
	c.cfg.APIKey = Secret{}
	if c.timeout == 0 {
		c.timeout = 2 * time.Minute
	}
	if c.retries == 0 {
		c.retries = 2
	}
	hc := cfg.HTTPClient
	if hc == nil {
		hc = &http.Client{Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout: 15 * time.Second,
			ForceAttemptHTTP2:   true,
			IdleConnTimeout:     time.Minute,
		}}
	}
	// The client's own retries sleep without regard to the context.
	opts := []option.RequestOption{
		option.WithBaseURL(c.where), option.WithHTTPClient(hc), option.WithMaxRetries(0), option.WithMiddleware(c.screen),
	}
	if !c.key.IsZero() {
		opts = append(opts, option.WithAPIKey(c.key.value()))
	}
	c.chat = openai.NewChatCompletionService(opts...)
	c.listing = openai.NewModelService(opts...)
	return c, nil
}

// String names the model and the server.
func (c *Client) String() string {
	if m := c.modelName(); m != "" {
		return fmt.Sprintf("%s at %s", m, c.where)
	}
	return "the model at " + c.where
}

// redact takes the key out of a text that came from elsewhere.
func (c *Client) redact(s string) string {
	if c.key.IsZero() {
		return s
	}
	return strings.ReplaceAll(s, c.key.value(), hidden)
}

func (c *Client) modelName() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.model
}

// Models lists the names of the server's models.
func (c *Client) Models(ctx context.Context) ([]string, error) {
	var names []string
	err := c.try(ctx, func(ctx context.Context, _ func()) (bool, error) {
		var err error
		names, err = c.models(ctx)
		return false, err
	})
	return names, err
}

func (c *Client) models(ctx context.Context) ([]string, error) {
	page, err := c.listing.List(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	if page == nil {
		return nil, errors.New("it lists no models")
	}
	for _, m := range page.Data {
		names = append(names, m.ID)
	}
	sort.Strings(names)
	return names, nil
}

// choose makes sure that a model's name is known.
func (c *Client) choose(ctx context.Context) error {
	if c.modelName() != "" {
		return nil
	}
	names, err := c.Models(ctx)
	switch {
	case err != nil:
		return err
	case len(names) == 0:
		return fmt.Errorf("llm: %s has no models: %w; ollama pull one, or start the server with one", c.where, ErrNotFound)
	case len(names) > 1:
		return fmt.Errorf("llm: %s has several models: set Config.Model to one of %s", c.where, list(names))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.model = names[0]
	return nil
}

func (c *Client) params(p Prompt) openai.ChatCompletionNewParams {
	params := openai.ChatCompletionNewParams{Model: c.modelName()}
	for _, m := range p {
		switch m.Role {
		case System:
			params.Messages = append(params.Messages, openai.SystemMessage(m.Content))
		case Developer:
			params.Messages = append(params.Messages, openai.DeveloperMessage(m.Content))
		case Assistant:
			params.Messages = append(params.Messages, openai.AssistantMessage(m.Content))
		default:
			params.Messages = append(params.Messages, openai.UserMessage(m.Content))
		}
	}
	if c.cfg.MaxTokens > 0 {
		// The name that local servers know too.
		params.MaxTokens = openai.Int(int64(c.cfg.MaxTokens))
	}
	if c.cfg.Temperature != nil {
		params.Temperature = openai.Float(*c.cfg.Temperature)
	}
	if c.cfg.Seed != nil {
		params.Seed = openai.Int(*c.cfg.Seed)
	}
	return params
}

// Ask sends a prompt and waits for the whole answer.
func (c *Client) Ask(ctx context.Context, p Prompt) (*Answer, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := c.choose(ctx); err != nil {
		return nil, err
	}
	start := time.Now()
	a := &Answer{Prompt: p}
	err := c.try(ctx, func(ctx context.Context, _ func()) (bool, error) {
		got, err := c.chat.New(ctx, c.params(p))
		if err != nil {
			return false, err
		}
		if got == nil || len(got.Choices) == 0 {
			return false, errors.New("it has no choices")
		}
		first := got.Choices[0]
		text := first.Message.Content
		if text == "" {
			text = first.Message.Refusal
		}
		a.setText(text)
		if s := thoughts(first.Message.JSON.ExtraFields); s != "" {
			a.Reasoning = s
		}
		a.Model, a.Finish = got.Model, string(first.FinishReason)
		a.PromptTokens, a.Tokens = int(got.Usage.PromptTokens), int(got.Usage.CompletionTokens)
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	a.Elapsed = time.Since(start)
	return a, c.checkAnswer(a)
}

// Stream sends a prompt and calls piece with each piece of the answer as it
// comes, with what stands between <think> and </think>. An error of piece ends the answer and is
// returned. When the answer breaks off, what had come is returned with the
// error.
func (c *Client) Stream(ctx context.Context, p Prompt, piece func(text string) error) (*Answer, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := c.choose(ctx); err != nil {
		return nil, err
	}
	start := time.Now()
	a := &Answer{Prompt: p}
	var text, reasoning strings.Builder
	var stopped error
	err := c.try(ctx, func(ctx context.Context, alive func()) (bool, error) {
		stream := c.chat.NewStreaming(ctx, c.params(p), option.WithHeader("Accept", eventStream))
		defer stream.Close()
		for stream.Next() {
			alive()
			chunk := stream.Current()
			if chunk.Model != "" {
				a.Model = chunk.Model
			}
			if u := chunk.Usage; u.TotalTokens > 0 {
				a.PromptTokens, a.Tokens = int(u.PromptTokens), int(u.CompletionTokens)
			}
			if len(chunk.Choices) == 0 {
				continue
			}
			first := chunk.Choices[0]
			if first.FinishReason != "" {
				a.Finish = first.FinishReason
			}
			reasoning.WriteString(thoughts(first.Delta.JSON.ExtraFields))
			if s := first.Delta.Content + first.Delta.Refusal; s != "" {
				text.WriteString(s)
				if stopped = piece(s); stopped != nil {
					return true, stopped
				}
			}
		}
		err := stream.Err()
		if err == nil && a.Finish == "" {
			err = fmt.Errorf("no end came: %w", errEnd)
		}
		return text.Len()+reasoning.Len() > 0, err
	})
	a.setText(text.String())
	if reasoning.Len() > 0 {
		a.Reasoning = reasoning.String()
	}
	a.Elapsed = time.Since(start)
	switch {
	case stopped != nil:
		return a, stopped
	case err != nil && text.Len() == 0:
		return nil, err
	case err != nil:
		return a, err
	}
	return a, c.checkAnswer(a)
}

// thoughts are a model's where the server keeps them apart from the text:
// "reasoning_content" with llama.cpp and vLLM, "reasoning" with Ollama.
func thoughts(fields map[string]respjson.Field) string {
	for _, name := range []string{"reasoning_content", "reasoning"} {
		var s string
		if json.Unmarshal([]byte(fields[name].Raw()), &s) == nil && s != "" {
			return s
		}
	}
	return ""
}

// checkAnswer reports an answer without a word in it.
func (c *Client) checkAnswer(a *Answer) error {
	switch {
	case a.Text != "":
		return nil
	case a.Finish == "length":
		return fmt.Errorf("llm: %s reached the token limit before a word of the answer: %w; raise Config.MaxTokens", c, ErrCutOff)
	}
	return fmt.Errorf("llm: %s answered without a word: %w", c, ErrBadAnswer)
}
