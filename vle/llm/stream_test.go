package llm

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestStream(t *testing.T) {
	s := newChatServer(t)
	var pieces []string
	a, err := s.client(t, nil).Stream(context.Background(), question, func(p string) error {
		pieces = append(pieces, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(pieces, "|") != "A |dog, |most |likely." || a.Text != s.answer || a.Finish != "stop" || !s.requests[0].Stream {
		t.Errorf("pieces %q, answer %+v", pieces, a)
	}
	stop := errors.New("enough")
	a, err = s.client(t, nil).Stream(context.Background(), question, func(string) error { return stop })
	if !errors.Is(err, stop) || a == nil || a.Text != "A" {
		t.Errorf("a stopped stream gives %+v, %v", a, err)
	}
}

// TestServersDiffer streams in the forms of several servers.
func TestServersDiffer(t *testing.T) {
	const end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
	piece := func(s string) string { return `data: {"choices":[{"index":0,"delta":{"content":"` + s + `"}}]}` }
	for name, body := range map[string]string{
		"comments that keep the connection": ": ping\n\n" + piece("A ") + "\n\n: ping\n\n:\n\n" + piece("dog.") + "\n\n" + end,
		"lines end as in DOS":               strings.ReplaceAll(piece("A ")+"\n\n"+piece("dog.")+"\n\n"+end, "\n", "\r\n"),
		"no space after data":               strings.ReplaceAll(piece("A ")+"\n\n"+piece("dog.")+"\n\n"+end, "data: ", "data:"),
		"role first, content null":          `data: {"choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}]}` + "\n\n" + piece("A dog.") + "\n\n" + end,
		"usage behind the end":              piece("A dog.") + "\n\n" + strings.Replace(end, "data: [DONE]", `data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}`+"\n\ndata: [DONE]", 1),
		"other fields":                      "id: 1\nretry: 10\nevent: message\n" + piece("A dog.") + "\n\n" + end,
		"no last blank line":                piece("A dog.") + "\n\n" + strings.TrimSuffix(end, "\n"),
	} {
		s := newChatServer(t)
		s.on(send(200, "text/event-stream; charset=utf-8", body))
		a, err := s.client(t, nil).Stream(context.Background(), question, func(string) error { return nil })
		if err != nil || a.Text != "A dog." || name == "usage behind the end" && (a.Tokens != 3 || a.PromptTokens != 9) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	for body, c := range map[string]struct {
		want error
		says string
	}{
		`error: {"code":500,"message":"context is full"}`:                             {ErrServer, "context is full"},
		`data: {"error":{"message":"it broke","code":null}}`:                          {ErrServer, "it broke"},
		`data: {"error":{"message":"key ` + testKey + `","code":"x"},"choices":null}`: {ErrServer, "key [hidden]"},
		`data: {"error":"overloaded"}`:                                                {ErrServer, "overloaded"},
		`data: {"error":{"message":"slow down","code":429}}`:                          {ErrBusy, "slow down"},
	} {
		s := newChatServer(t)
		s.on(send(200, "text/event-stream", piece("A")+"\n\n"+body+"\n\n"))
		a, err := s.client(t, nil).Stream(context.Background(), question, func(string) error { return nil })
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || a == nil || a.Text != "A" || s.count() != 1 {
			t.Errorf("%s: %+v, %v", body, a, err)
		}
		hasNoKey(t, err)
	}
}

func TestStreamBreaksOff(t *testing.T) {
	for name, end := range map[string]func(http.ResponseWriter){
		"dropped":        drop,
		"ended silently": func(http.ResponseWriter) {},
	} {
		s := newChatServer(t)
		s.on(func(_ int, w http.ResponseWriter, _ *http.Request, _ *request) bool {
			startStream(w)
			sendDelta(w, "A dog", "")
			end(w)
			return true
		})
		a, err := s.client(t, nil).Stream(context.Background(), question, func(string) error { return nil })
		if !errors.Is(err, ErrCutOff) || a == nil || a.Text != "A dog" || s.count() != 1 {
			t.Errorf("%s: %+v, %v after %d requests", name, a, err, s.count())
		}
	}
}

func TestThoughtsKeptApart(t *testing.T) {
	for _, field := range []string{"reasoning_content", "reasoning"} {
		s := newChatServer(t)
		s.on(send(200, "application/json", `{"choices":[{"finish_reason":"stop","message":{"content":"A dog.","`+field+`":"It barks."}}]}`))
		if a, err := s.client(t, nil).Ask(context.Background(), question); err != nil || a.Text != "A dog." || a.Reasoning != "It barks." {
			t.Errorf("%s: %+v, %v", field, a, err)
		}
		s.on(send(200, "text/event-stream", `data: {"choices":[{"delta":{"content":null,"`+field+`":"It "}}]}

data: {"choices":[{"delta":{"`+field+`":"barks."}}]}

data: {"choices":[{"delta":{"content":"A dog."},"finish_reason":"stop"}]}

`))
		got := ""
		a, err := s.client(t, nil).Stream(context.Background(), question, func(p string) error { got += p; return nil })
		if err != nil || a.Text != "A dog." || a.Reasoning != "It barks." || got != "A dog." {
			t.Errorf("%s: %+v, %q, %v", field, a, got, err)
		}
	}
}

func TestThinkingIsNoAnswer(t *testing.T) {
	s := newChatServer(t)
	s.answer = "<think>\nIt barks.\n</think>\n\nA dog."
	a, err := s.client(t, nil).Ask(context.Background(), question)
	if err != nil || a.Text != "A dog." || a.Reasoning != "It barks." {
		t.Errorf("%+v, %v", a, err)
	}
	s.on(func(_ int, w http.ResponseWriter, _ *http.Request, req *request) bool {
		writeJSON(w, 200, completion(req.Model, "<think>It ba", "length"))
		return true
	})
	if _, err = s.client(t, nil).Ask(context.Background(), question); !errors.Is(err, ErrCutOff) || !strings.Contains(err.Error(), "MaxTokens") {
		t.Errorf("an answer of thoughts gives %v", err)
	}
}
