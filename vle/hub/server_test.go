package hub

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const testCommit = "0123456789abcdef0123456789abcdef01234567"

// testHub speaks the hub's API for one model, owner/model, whose large files
// live on a second server that it redirects to. faults are consulted before
// each download.
type testHub struct {
	*httptest.Server
	store *httptest.Server
	files map[string]string
	lfs   map[string]bool
	token string
	bare  bool // the listing gives names only

	mu       sync.Mutex
	requests []string // "GET path range"
	leaked   bool     // the store was shown the token
	faults   []func(w http.ResponseWriter, body string, offset int) bool
}

func newTestHub(t *testing.T, files map[string]string, lfs ...string) *testHub {
	h := &testHub{files: files, lfs: map[string]bool{}}
	for _, name := range lfs {
		h.lfs[name] = true
	}
	h.store = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.leaked = h.leaked || r.Header.Get("Authorization") != ""
		h.mu.Unlock()
		h.send(w, r, strings.TrimPrefix(r.URL.Path, "/store/"))
	}))
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.Server.Close)
	t.Cleanup(h.store.Close)
	old := retryWait
	retryWait = time.Millisecond
	t.Cleanup(func() { retryWait = old })
	return h
}

func (h *testHub) serve(w http.ResponseWriter, r *http.Request) {
	if h.token != "" && r.Header.Get("Authorization") != "Bearer "+h.token {
		w.Header().Set("X-Error-Message", "Access to model owner/model is restricted")
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	if name, ok := strings.CutPrefix(r.URL.Path, "/owner/model/resolve/"+testCommit+"/"); ok {
		body, ok := h.files[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("X-Repo-Commit", testCommit)
		if h.lfs[name] {
			w.Header().Set("X-Linked-Etag", strconv.Quote(sha256Of(body)))
			w.Header().Set("X-Linked-Size", strconv.Itoa(len(body)))
			// Another name for the same machine, so that it is another host.
			http.Redirect(w, r, strings.Replace(h.store.URL, "127.0.0.1", "localhost", 1)+"/store/"+name, http.StatusFound)
			return
		}
		w.Header().Set("ETag", strconv.Quote(gitHash(body)))
		h.send(w, r, name)
		return
	}
	if r.URL.Path == "/api/models/owner/model/tree/"+testCommit { // which Python asks for
		var entries []map[string]any
		for name, body := range h.files {
			entry := map[string]any{"type": "file", "path": name, "size": len(body), "oid": gitHash(body)}
			if h.lfs[name] {
				entry["lfs"] = map[string]any{"oid": sha256Of(body), "size": len(body), "pointerSize": 130}
			}
			entries = append(entries, entry)
		}
		json.NewEncoder(w).Encode(entries)
		return
	}
	if r.URL.Path != "/api/models/owner/model/revision/main" && r.URL.Path != "/api/models/owner/model/revision/"+testCommit {
		http.Error(w, `{"error":"Repository not found"}`, http.StatusNotFound)
		return
	}
	h.note(r)
	if h.fault(w, "", 0) {
		return
	}
	type lfs struct {
		SHA256  string `json:"sha256"`
		Size    int    `json:"size"`
		Pointer int    `json:"pointerSize"`
	}
	type sibling struct {
		Name   string `json:"rfilename"`
		Size   *int   `json:"size,omitempty"`
		BlobID string `json:"blobId,omitempty"`
		LFS    *lfs   `json:"lfs,omitempty"`
	}
	var siblings []sibling
	for name, body := range h.files {
		size := len(body)
		s := sibling{Name: name}
		if !h.bare {
			s.Size, s.BlobID = &size, gitHash(body)
			if h.lfs[name] {
				s.LFS = &lfs{sha256Of(body), size, 130}
			}
		}
		siblings = append(siblings, s)
	}
	json.NewEncoder(w).Encode(map[string]any{"id": "owner/model", "sha": testCommit, "siblings": siblings})
}

// send answers with a file's bytes, from the asked offset on.
func (h *testHub) send(w http.ResponseWriter, r *http.Request, name string) {
	body := h.files[name]
	h.note(r)
	offset := 0
	if spec := r.Header.Get("Range"); spec != "" {
		offset, _ = strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(spec, "bytes="), "-"))
		if offset >= len(body) {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
	}
	if h.fault(w, body, offset) {
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)-offset))
	if offset > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", offset, len(body)-1, len(body)))
		w.WriteHeader(http.StatusPartialContent)
	}
	if r.Method != http.MethodHead {
		w.Write([]byte(body[offset:]))
	}
}

func (h *testHub) note(r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+r.Header.Get("Range")))
}

// fault lets the next planned fault, if any, answer instead.
func (h *testHub) fault(w http.ResponseWriter, body string, offset int) bool {
	h.mu.Lock()
	if len(h.faults) == 0 {
		h.mu.Unlock()
		return false
	}
	f := h.faults[0]
	h.faults = h.faults[1:]
	h.mu.Unlock()
	return f(w, body, offset)
}

// pass is the fault that is none, for requests that should go well first.
func pass(http.ResponseWriter, string, int) bool { return false }

func answer(code int) func(http.ResponseWriter, string, int) bool {
	return func(w http.ResponseWriter, _ string, _ int) bool {
		w.Header().Set("Retry-After", "0")
		http.Error(w, "fault", code)
		return true
	}
}

// cutAfter announces the rest of the body and closes after n bytes of it.
func cutAfter(n int) func(http.ResponseWriter, string, int) bool {
	return func(w http.ResponseWriter, body string, offset int) bool {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)-offset))
		if offset > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", offset, len(body)-1, len(body)))
			w.WriteHeader(http.StatusPartialContent)
		}
		w.Write([]byte(body[offset : offset+n]))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func sha256Of(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func gitHash(s string) string {
	h := sha1.Sum([]byte(fmt.Sprintf("blob %d\x00%s", len(s), s)))
	return hex.EncodeToString(h[:])
}
