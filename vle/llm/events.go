package llm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// events tidies a stream of server-sent events for the OpenAI client, which
// takes every blank line for an event and fails on one without data: servers
// send comments to keep a connection open, and llama.cpp tells errors in a field
// of its own.
type events struct {
	r    *bufio.Reader
	left []byte // what was read and not yet handed out
	data bool   // an event with data is open
	err  error
	// redact takes the key out of what the server says.
	redact func(string) string
}

func newEvents(r io.Reader, redact func(string) string) *events {
	return &events{r: bufio.NewReader(r), redact: redact}
}

var (
	dataField  = []byte("data:")
	errorField = []byte("error:")
)

func (e *events) Read(p []byte) (int, error) {
	for len(e.left) == 0 {
		if e.err != nil {
			return 0, e.err
		}
		var line []byte
		line, e.err = e.r.ReadBytes('\n')
		e.line(bytes.TrimRight(line, "\r\n"), len(line) > 0)
	}
	n := copy(p, e.left)
	e.left = e.left[n:]
	return n, nil
}

// line hands a line on, if it is wanted.
func (e *events) line(line []byte, there bool) {
	switch {
	case !there:
	case len(line) == 0 && e.data:
		e.left, e.data = []byte("\n"), false
	case bytes.HasPrefix(line, errorField):
		e.fail(line[len(errorField):])
	case bytes.HasPrefix(line, dataField):
		var event struct {
			Error json.RawMessage `json:"error"`
		}
		if json.Unmarshal(line[len(dataField):], &event) == nil && event.Error != nil && string(event.Error) != "null" {
			e.fail(event.Error)
			return
		}
		e.left, e.data = append(line, '\n'), true
	}
}

// fail ends the stream with an error that the server sends.
func (e *events) fail(body []byte) {
	r := &refusal{status: http.StatusInternalServerError, message: string(bytes.TrimSpace(body))}
	var told struct {
		Code    json.RawMessage `json:"code"` // a status, or a word
		Message string          `json:"message"`
	}
	if json.Unmarshal(body, &told) == nil {
		if told.Message != "" {
			r.message = told.Message
		}
		if code, err := strconv.Atoi(string(told.Code)); err == nil && code >= 400 && code < 600 {
			r.status = code
		}
	}
	r.message = e.redact(brief(r.message))
	e.err = r
}
