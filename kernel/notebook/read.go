package notebook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// MaxSize is the size in bytes beyond which a file is refused. Notebooks with
// many pictures reach tens of megabytes.
const MaxSize = 1 << 30

// FormatError says why a file is not a notebook that this package can read.
type FormatError struct {
	// File is the path, empty when the notebook came from a reader.
	File string
	// Cell counts from 1; it is 0 when the fault is not in a cell.
	Cell int
	// Reason is what is wrong and, where that helps, what to do.
	Reason string
}

func (e *FormatError) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ": ")
	}
	if e.Cell > 0 {
		fmt.Fprintf(&b, "cell %d: ", e.Cell)
	}
	return b.String() + e.Reason
}

// ReadFile reads the notebook at path. A file that is not a notebook gives a
// *FormatError that names the file, the cell and the reason.
func ReadFile(path string) (*Notebook, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	nb, err := Read(f)
	var bad *FormatError
	if errors.As(err, &bad) {
		bad.File = path
		return nil, bad
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return nb, nil
}

// Read reads a notebook of nbformat 4, or of nbformat 3, which is brought up to
// nbformat 4.5 as Jupyter does. The error is a *FormatError unless r failed.
func Read(r io.Reader) (*Notebook, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(b) > MaxSize {
		return nil, badf(0, "larger than %d bytes", MaxSize)
	}
	b = bytes.TrimPrefix(b, []byte("\uFEFF"))
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, badf(0, "the file is empty")
	}
	v, err := decodeJSON(b)
	if err != nil {
		return nil, badf(0, "%s", jsonReason(b, err))
	}
	top, ok := v.(map[string]any)
	if !ok {
		return nil, badf(0, "not a notebook: the file holds %s, not a JSON object", kindOf(v))
	}
	major, err := wholeNumber(top, "nbformat")
	if err != nil {
		return nil, badf(0, "not a notebook: %v", err)
	}
	switch {
	case major == 4:
		return readV4(top)
	case major == 3:
		return readV3(top)
	case major < 3:
		return nil, badf(0, "nbformat %d is too old; open and save it with Jupyter, or run jupyter nbconvert --to notebook on it", major)
	}
	return nil, badf(0, "nbformat %d is newer than this program knows (4); save it as nbformat 4", major)
}

func badf(cell int, format string, args ...any) *FormatError {
	return &FormatError{Cell: cell, Reason: fmt.Sprintf(format, args...)}
}

// decodeJSON decodes one JSON value, keeping the literals of numbers.
func decodeJSON(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, &trailingError{d.InputOffset()}
	}
	return v, nil
}

type trailingError struct{ offset int64 }

func (e *trailingError) Error() string { return "text after the end of the JSON value" }

// jsonReason says where JSON ends to be JSON, in lines.
func jsonReason(b []byte, err error) string {
	if i := bytes.Index(b, []byte("\n<<<<<<< ")); i >= 0 {
		return fmt.Sprintf("line %d: the file holds merge conflict marks; resolve the conflict first", lineOf(b, i+1))
	}
	var syntax *json.SyntaxError
	var trailing *trailingError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "not valid JSON: the file ends in the middle; it may be cut short"
	case errors.As(err, &syntax):
		return fmt.Sprintf("not valid JSON: line %d: %v", lineOf(b, int(syntax.Offset)), err)
	case errors.As(err, &trailing):
		return fmt.Sprintf("not valid JSON: line %d: %v", lineOf(b, int(trailing.offset)), err)
	}
	return fmt.Sprintf("not valid JSON: %v", err)
}

func lineOf(b []byte, offset int) int {
	return 1 + bytes.Count(b[:min(max(offset, 0), len(b))], []byte("\n"))
}

// kindOf names the kind of a JSON value for an error.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}

// wholeNumber reads a number that must be there and be a small whole one.
func wholeNumber(m map[string]any, key string) (int, error) {
	v, ok := m[key]
	if !ok {
		return 0, fmt.Errorf("%q is missing", key)
	}
	n, ok := v.(json.Number)
	if !ok {
		return 0, fmt.Errorf("%q is %s, not a number", key, kindOf(v))
	}
	i, err := n.Int64()
	if err != nil || i < 0 || i > 1<<31-1 {
		return 0, fmt.Errorf("%q is %s, not a whole number", key, n)
	}
	return int(i), nil
}

// multiline reads a string that may be stored as a list of lines. A missing one is
// empty.
func multiline(m map[string]any, key string) (string, error) {
	switch v := m[key].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case []any:
		if s, ok := joinLines(v); ok {
			return s, nil
		}
		return "", fmt.Errorf("%q is a list of other things than strings", key)
	default:
		return "", fmt.Errorf("%q is %s, not a string or a list of lines", key, kindOf(v))
	}
}

// object reads a JSON object that may be missing.
func object(m map[string]any, key string) (map[string]any, error) {
	switch v := m[key].(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return v, nil
	default:
		return nil, fmt.Errorf("%q is %s, not an object", key, kindOf(v))
	}
}

// list reads a list of objects that may be missing.
func list(m map[string]any, key string) ([]map[string]any, error) {
	items, ok := m[key].([]any)
	if !ok && m[key] != nil {
		return nil, fmt.Errorf("%q is %s, not a list", key, kindOf(m[key]))
	}
	out := make([]map[string]any, len(items))
	for i, item := range items {
		if out[i], ok = item.(map[string]any); !ok {
			return nil, fmt.Errorf("item %d of %q is %s, not an object", i+1, key, kindOf(item))
		}
	}
	return out, nil
}

func joinLines(v []any) (string, bool) {
	var b strings.Builder
	for _, line := range v {
		s, ok := line.(string)
		if !ok {
			return "", false
		}
		b.WriteString(s)
	}
	return b.String(), true
}

// rejoin makes one string of each list of lines in a MIME bundle, in place.
func rejoin(bundle map[string]any) {
	for mime, v := range bundle {
		if lines, ok := v.([]any); ok && !isJSONMIME(mime) {
			if s, ok := joinLines(lines); ok {
				bundle[mime] = s
			}
		}
	}
}

// take removes the known keys from a decoded object and returns the rest, or
// nil when nothing is left.
func take(m map[string]any, known ...string) map[string]any {
	for _, k := range known {
		delete(m, k)
	}
	if len(m) == 0 {
		return nil
	}
	return m
}

// count reads an execution count: 0 when it is null, missing or given as 0.
func count(m map[string]any) (int, error) {
	if m["execution_count"] == nil {
		return 0, nil
	}
	return wholeNumber(m, "execution_count")
}

// shorten cuts a value quoted in an error.
func shorten(s string) string {
	if utf8.RuneCountInString(s) > 40 {
		return string([]rune(s)[:39]) + "…"
	}
	return s
}
