package client

import (
	"context"
	"encoding/json"
	"fmt"

	"govle/kernel/wire"
)

// ExecuteOptions are the choices of one execute_request. The zero value runs the
// cell as a notebook does, without stdin.
type ExecuteOptions struct {
	// Silent asks for no output and no history.
	Silent bool
	// NoHistory keeps the cell out of the history and its number unchanged.
	NoHistory bool
	// ContinueOnError lets requests that are queued behind this one run although
	// it failed.
	ContinueOnError bool
	// UserExpressions are evaluated after the cell, by name.
	UserExpressions map[string]string
	// Stdin answers the cell's questions; nil forbids them, so that reading
	// stdin is an error in the cell.
	Stdin func(prompt string, password bool) (string, error)
}

// Reply is the content of an execute_reply.
type Reply struct {
	// Status is "ok", "error" or "aborted".
	Status         string `json:"status"`
	ExecutionCount int    `json:"execution_count"`
	// EName, EValue and Traceback describe the error when Status is "error".
	EName           string                     `json:"ename"`
	EValue          string                     `json:"evalue"`
	Traceback       []string                   `json:"traceback"`
	UserExpressions map[string]json.RawMessage `json:"user_expressions"`
	Payload         []map[string]any           `json:"payload"`
}

// Execute runs code and returns when the kernel is done with it: its reply has
// come and its status is idle. Everything that it publishes meanwhile is passed
// to handle in order, status messages included; nil is allowed. What comes after
// that goes to the function set by HandleLate. A failing cell is not an error of
// Execute: see Reply.Status. When ctx ends first, Execute returns its error and
// the cell goes on: call Interrupt to stop it.
func (c *Client) Execute(ctx context.Context, code string, opts ExecuteOptions, handle func(*wire.Message)) (*Reply, error) {
	content := map[string]any{
		"code": code, "silent": opts.Silent, "store_history": !opts.NoHistory && !opts.Silent,
		"user_expressions": opts.UserExpressions, "allow_stdin": opts.Stdin != nil,
		"stop_on_error": !opts.ContinueOnError,
	}
	if opts.UserExpressions == nil {
		content["user_expressions"] = struct{}{}
	}
	m, p, err := c.begin("execute_request", content)
	if err != nil {
		return nil, err
	}
	defer c.end(m, p)
	if err := c.send(wire.Shell, m); err != nil {
		return nil, err
	}
	var reply *Reply
	for idle := false; reply == nil || !idle; {
		select {
		case r := <-p.messages:
			switch r.Header.MsgType {
			case "execute_reply":
				reply = new(Reply)
				if err := r.Unmarshal(reply); err != nil {
					return nil, err
				}
				continue
			case "input_request":
				go c.answer(r, opts.Stdin)
				continue
			case "status":
				var status struct {
					ExecutionState string `json:"execution_state"`
				}
				if err := r.Unmarshal(&status); err != nil {
					return nil, err
				}
				idle = idle || status.ExecutionState == "idle"
			}
			if handle != nil {
				handle(r)
			}
		case <-c.gone:
			return nil, c.Err()
		case <-ctx.Done():
			return nil, fmt.Errorf("running a cell: %w", ctx.Err())
		}
	}
	return reply, nil
}

// answer answers an input_request. When the callback fails the cell is
// interrupted: the protocol has no way to refuse an input.
func (c *Client) answer(request *wire.Message, stdin func(string, bool) (string, error)) {
	var ask struct {
		Prompt   string `json:"prompt"`
		Password bool   `json:"password"`
	}
	err := request.Unmarshal(&ask)
	var value string
	if err == nil && stdin != nil {
		value, err = stdin(ask.Prompt, ask.Password)
	}
	if err != nil || stdin == nil {
		c.Interrupt(context.Background())
		return
	}
	content, err := json.Marshal(map[string]string{"value": value})
	if err != nil {
		return // a string always encodes
	}
	c.send(wire.Stdin, &wire.Message{
		Header: wire.NewHeader("input_reply", c.session, c.user), Parent: request.Header, Content: content,
	})
}
