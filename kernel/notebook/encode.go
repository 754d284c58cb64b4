package notebook

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// encoded is JSON in its final form, already indented for where it stands.
type encoded []byte

// encoder writes JSON as Python's json.dumps(indent=1, sort_keys=True,
// ensure_ascii=False, separators=(",", ": ")), which is how Jupyter formats
// notebooks.
type encoder struct {
	bytes.Buffer
	err error
}

func (e *encoder) newline(depth int) {
	e.WriteByte('\n')
	for range depth {
		e.WriteByte(' ')
	}
}

// value writes v; depth is the indent of the line that v starts on.
func (e *encoder) value(v any, depth int) {
	switch v := v.(type) {
	case nil:
		e.WriteString("null")
	case encoded:
		e.Write(v)
	case bool:
		e.WriteString(strconv.FormatBool(v))
	case string:
		e.string(v)
	case []byte:
		e.string(base64.StdEncoding.EncodeToString(v))
	case json.Number:
		e.WriteString(v.String())
	case int:
		e.WriteString(strconv.Itoa(v))
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			e.WriteString(strconv.FormatFloat(v, 'f', 0, 64))
			return
		}
		e.marshalled(v, depth)
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		e.value(list, depth)
	case []any:
		if len(v) == 0 {
			e.WriteString("[]")
			return
		}
		e.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				e.WriteByte(',')
			}
			e.newline(depth + 1)
			e.value(item, depth+1)
		}
		e.newline(depth)
		e.WriteByte(']')
	case map[string]any:
		if len(v) == 0 {
			e.WriteString("{}")
			return
		}
		e.WriteByte('{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				e.WriteByte(',')
			}
			e.newline(depth + 1)
			e.string(key)
			e.WriteString(": ")
			e.value(v[key], depth+1)
		}
		e.newline(depth)
		e.WriteByte('}')
	default:
		e.marshalled(v, depth)
	}
}

// marshalled writes a Go value that is not one of the JSON types, such as a
// struct in somebody's metadata, by way of encoding/json.
func (e *encoder) marshalled(v any, depth int) {
	b, err := json.Marshal(v)
	if err != nil {
		e.err = fmt.Errorf("encoding a %T: %w", v, err)
		return
	}
	if b[0] != '{' && b[0] != '[' && b[0] != '"' {
		e.Write(b)
		return
	}
	generic, err := decodeJSON(b)
	if err != nil {
		e.err = err
		return
	}
	e.value(generic, depth)
}

const hexDigits = "0123456789abcdef"

// string writes s with the escapes that Python uses and no others: encoding/json
// would also escape U+2028 and, by default, <, > and &.
func (e *encoder) string(s string) {
	e.WriteByte('"')
	s = strings.ToValidUTF8(s, "\uFFFD")
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		e.WriteString(s[start:i])
		start = i + 1
		switch c {
		case '"', '\\':
			e.WriteByte('\\')
			e.WriteByte(c)
		case '\n':
			e.WriteString(`\n`)
		case '\r':
			e.WriteString(`\r`)
		case '\t':
			e.WriteString(`\t`)
		case '\b':
			e.WriteString(`\b`)
		case '\f':
			e.WriteString(`\f`)
		default:
			e.WriteString(`\u00`)
			e.WriteByte(hexDigits[c>>4])
			e.WriteByte(hexDigits[c&15])
		}
	}
	e.WriteString(s[start:])
	e.WriteByte('"')
}
