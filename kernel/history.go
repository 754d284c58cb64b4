package kernel

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// maxHistory bounds the remembered cells of this session.
const maxHistory = 100_000

// tailLength is how much a request for the tail gets that does not say.
const tailLength = 10

// history is what this session ran and, when there is a file, what earlier ones
// did.
type history struct {
	file *historyFile // nil: this session only

	mu      sync.Mutex
	entries []historyEntry
}

// historyEntry is one cell that was stored.
type historyEntry struct {
	session int // 0 for this session's
	line    int // its number
	input   string
	output  *string // text of its result; nil when it had none, or is of another session
}

func (h *history) add(line int, input string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.entries) >= maxHistory {
		h.entries = append(h.entries[:0], h.entries[len(h.entries)/2:]...)
	}
	e := historyEntry{line: line, input: input}
	h.entries = append(h.entries, e)
	if h.file != nil {
		h.file.add(e)
	}
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

// all returns every entry, oldest first and this session's last, and the number of
// this session.
func (h *history) all() (entries []historyEntry, session int) {
	session = 1
	if h.file != nil {
		entries, session = h.file.read()
		entries = slices.DeleteFunc(entries, func(e historyEntry) bool { return e.session == session })
		slices.SortStableFunc(entries, func(a, b historyEntry) int {
			return cmp.Or(cmp.Compare(a.session, b.session), cmp.Compare(a.line, b.line))
		})
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.entries {
		e.session = session
		entries = append(entries, e)
	}
	return entries, session
}

// historyQuery is the content of a history_request. That the raw source is asked
// for makes no difference: there is no other.
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
	entries, session := k.history.all()
	found, ok := q.find(entries, session)
	if !ok {
		return failure("BadRequest", "hist_access_type %q is not range, tail or search", q.AccessType)
	}
	list := make([][]any, len(found))
	for i, e := range found {
		list[i] = []any{e.session, e.line, e.input}
		if q.Output {
			list[i][2] = []any{e.input, e.output}
		}
	}
	return map[string]any{"status": "ok", "history": list}
}

// find returns those of the entries that the query asks for, oldest first. session
// is the running one. ok is false when the access type is unknown.
func (q historyQuery) find(entries []historyEntry, session int) (found []historyEntry, ok bool) {
	switch q.AccessType {
	case "tail":
		return lastOf(entries, cmp.Or(q.N, tailLength)), true
	case "range":
		return q.inRange(entries, session), true
	case "search":
		pattern := globPattern(q.Pattern)
		seen := map[string]bool{}
		for _, e := range slices.Backward(entries) {
			if pattern.MatchString(e.input) && !(q.Unique && seen[e.input]) {
				seen[e.input] = true
				found = append(found, e)
			}
		}
		slices.Reverse(found)
		if q.N > 0 {
			found = lastOf(found, q.N)
		}
		return found, true
	}
	return nil, false
}

// inRange returns the entries of one session: 0 is the running one and a negative
// number counts back from it. Lines are from Start to before Stop; negative ones
// count back from the end of the session.
func (q historyQuery) inRange(entries []historyEntry, session int) (found []historyEntry) {
	wanted := q.Session
	if wanted <= 0 {
		wanted += session
	}
	end := 0 // the line after the last
	for _, e := range entries {
		if e.session == wanted {
			found = append(found, e)
			end = max(end, e.line+1)
		}
	}
	start, stop := q.Start, end
	if start < 0 {
		start += end
	}
	if q.Stop != nil {
		if stop = *q.Stop; stop < 0 {
			stop += end
		}
	}
	return slices.DeleteFunc(found, func(e historyEntry) bool { return e.line < start || e.line >= stop })
}

// lastOf returns the last n entries.
func lastOf(entries []historyEntry, n int) []historyEntry {
	return entries[max(0, len(entries)-max(n, 0)):]
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
