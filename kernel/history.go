package kernel

import (
	"regexp"
	"strings"
	"sync"
)

// maxHistory bounds the remembered cells.
const maxHistory = 100_000

// history is what this session ran. Sessions of the past are not kept.
type history struct {
	session int // the number of this session; 1, as there is no other

	mu      sync.Mutex
	entries []historyEntry
}

// historyEntry is one cell that was stored.
type historyEntry struct {
	line   int // its number
	input  string
	output *string // text of its result; nil when it had none
}

func (h *history) add(line int, input string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.entries) >= maxHistory {
		h.entries = append(h.entries[:0], h.entries[len(h.entries)/2:]...)
	}
	h.entries = append(h.entries, historyEntry{line: line, input: input})
}

// result records the result of a cell.
func (h *history) result(line int, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := len(h.entries) - 1; i >= 0; i-- {
		if h.entries[i].line == line {
			h.entries[i].output = &text
			return
		}
	}
}

// historyQuery is the content of a history_request.
type historyQuery struct {
	Output     bool   `json:"output"`
	AccessType string `json:"hist_access_type"`
	Session    int    `json:"session"`
	Start      int    `json:"start"`
	Stop       *int   `json:"stop"`
	N          int    `json:"n"`
	Pattern    string `json:"pattern"`
	Unique     bool   `json:"unique"`
}

// historyRequest answers history_request.
func (k *server) historyRequest(r *request) any {
	var q historyQuery
	if err := r.Unmarshal(&q); err != nil {
		return failure("BadRequest", "%v", err)
	}
	found, ok := k.history.find(q)
	if !ok {
		return failure("BadRequest", "hist_access_type %q is not range, tail or search", q.AccessType)
	}
	list := make([][]any, len(found))
	for i, e := range found {
		list[i] = []any{k.history.session, e.line, e.input}
		if q.Output {
			list[i][2] = []any{e.input, e.output}
		}
	}
	return map[string]any{"status": "ok", "history": list}
}

// find returns the entries that a query asks for, oldest first; ok is false when
// its access type is unknown.
func (h *history) find(q historyQuery) (found []historyEntry, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch q.AccessType {
	case "tail":
		found = h.entries
	case "range":
		if q.Session != 0 && q.Session != h.session {
			return nil, true // a session of the past
		}
		for _, e := range h.entries {
			if e.line >= q.Start && (q.Stop == nil || e.line < *q.Stop) {
				found = append(found, e)
			}
		}
		return found, true
	case "search":
		pattern := globPattern(q.Pattern)
		last := map[string]int{} // where an input was found last
		for _, e := range h.entries {
			if !pattern.MatchString(e.input) {
				continue
			}
			if at, dup := last[e.input]; dup && q.Unique {
				found[at].line = -1
			}
			last[e.input] = len(found)
			found = append(found, e)
		}
		all := found
		found = nil
		for _, e := range all {
			if e.line >= 0 {
				found = append(found, e)
			}
		}
	default:
		return nil, false
	}
	if q.N > 0 && len(found) > q.N {
		found = found[len(found)-q.N:]
	}
	return append([]historyEntry(nil), found...), true
}

// globPattern returns the expression for a glob: * is any text, ? any character,
// [...] a set. An empty glob matches everything.
func globPattern(glob string) *regexp.Regexp {
	if glob == "" {
		glob = "*"
	}
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		case '[':
			end := strings.IndexByte(glob[i+1:], ']')
			if end < 1 {
				b.WriteString(`\[`)
				continue
			}
			set := strings.ReplaceAll(glob[i+1:i+1+end], `\`, `\\`)
			set = strings.ReplaceAll(set, "[", `\[`)
			if set[0] == '!' {
				set = "^" + set[1:]
			}
			b.WriteString("[" + set + "]")
			i += end + 1
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	b.WriteString(`\z`)
	re, err := regexp.Compile(b.String())
	if err != nil { // a set such as [z-a]: look for the text as it stands
		return regexp.MustCompile(regexp.QuoteMeta(glob))
	}
	return re
}
