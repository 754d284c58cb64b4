package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vbauerster/mpb/v8"

	"govle/vle/hub"
)

func TestByteCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1 kB", 1234: "1.23 kB", 123456: "123 kB", 999999: "1 MB", 1513000000: "1.51 GB"} {
		if got := byteCount(n); got != want {
			t.Errorf("byteCount(%d) is %q, wanted %q", n, got, want)
		}
	}
}

// hubServer speaks enough of a hub's API for one model; before, if not nil, may
// send a file in its place.
func hubServer(t *testing.T, files map[string]string, before func(w http.ResponseWriter, r *http.Request) (done bool)) string {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, ok := strings.CutPrefix(r.URL.Path, "/owner/model/resolve/"+commit+"/"); ok && files[name] != "" {
			w.Header().Set("ETag", `"`+gitHash(files[name])+`"`)
			w.Header().Set("X-Repo-Commit", commit)
			if before != nil && before(w, r) {
				return
			}
			http.ServeContent(w, r, name, time.Time{}, strings.NewReader(files[name]))
			return
		}
		if !strings.HasPrefix(r.URL.Path, "/api/models/owner/model/revision/") {
			http.Error(w, `{"error":"Repository not found"}`, http.StatusNotFound)
			return
		}
		var siblings []map[string]any
		for name, body := range files {
			siblings = append(siblings, map[string]any{"rfilename": name, "size": len(body), "blobId": gitHash(body)})
		}
		json.NewEncoder(w).Encode(map[string]any{"sha": commit, "siblings": siblings})
	}))
	t.Cleanup(s.Close)
	t.Setenv("HF_ENDPOINT", s.URL)
	t.Setenv("HF_HOME", t.TempDir())
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE"} {
		t.Setenv(name, "")
	}
	return commit
}

func TestPull(t *testing.T) {
	files := map[string]string{"config.json": `{"model_type":"vle"}`, "model.safetensors": strings.Repeat("weights ", 1<<18), "README.md": "not wanted"}
	commit := hubServer(t, files, nil)
	status, stdout, stderr := govle(t, "pull", "owner/model")
	dir := strings.TrimSuffix(stdout, "\n")
	if status != 0 || !strings.HasSuffix(dir, commit) || !strings.Contains(stderr, "model.safetensors  2.1 MB") {
		t.Fatalf("status %d, printed %q\n%s", status, stdout, stderr)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "model.safetensors")); err != nil || string(data) != files["model.safetensors"] {
		t.Errorf("the weights: %v", err)
	}
	own := filepath.Join(t.TempDir(), "m")
	status, stdout, stderr = govle(t, "pull", "owner/model", "--dir", own, "--files", "*.json", "--json")
	var got struct {
		Repo, Commit, Dir string
		Files             []string
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || status != 0 || got.Dir != own || got.Commit != commit || len(got.Files) != 1 {
		t.Errorf("status %d, %v, %+v\n%s", status, err, got, stderr)
	}
	if status, stdout, stderr = govle(t, "pull", "owner/model", "-q"); status != 0 || stderr != "" || stdout != dir+"\n" {
		t.Errorf("a second time: status %d, %q\n%s", status, stdout, stderr)
	}
	if status, _, stderr = govle(t, "pull", "owner/other"); status != 1 || !strings.Contains(stderr, "owner/other") || !strings.Contains(stderr, "no such model") {
		t.Errorf("no such model: status %d, %s", status, stderr)
	}
}

// TestPullStops cancels a download half way, as Ctrl-C does, and goes on.
func TestPullStops(t *testing.T) {
	body := strings.Repeat("weights ", 1<<18)
	ctx, cancel := context.WithCancel(context.Background())
	resumed := ""
	hubServer(t, map[string]string{"model.safetensors": body}, func(w http.ResponseWriter, r *http.Request) bool {
		resumed = r.Header.Get("Range")
		broken := ctx.Err() == nil && r.Method == http.MethodGet
		if broken {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			io.WriteString(w, body[:len(body)/2])
			w.(http.Flusher).Flush()
			time.AfterFunc(300*time.Millisecond, cancel)
			<-r.Context().Done()
		}
		return broken
	})
	old := os.Stderr
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = w
	status := execute(ctx, []string{"pull", "owner/model", "-q"})
	os.Stderr = old
	w.Close()
	stderr, _ := io.ReadAll(r)
	if status != 1 || !strings.Contains(string(stderr), "what has arrived is kept") {
		t.Fatalf("status %d, %s", status, stderr)
	}
	dir := strings.TrimSpace(well(t, "pull", "owner/model", "-q"))
	data, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	if err != nil || string(data) != body {
		t.Errorf("after going on: %d bytes, %v", len(data), err)
	}
	if resumed != fmt.Sprintf("bytes=%d-", len(body)/2) {
		t.Errorf("it went on with range %q", resumed)
	}
}

func gitHash(s string) string {
	h := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(s), s))
	return hex.EncodeToString(h[:])
}

// TestPullBar draws the terminal's bar with a total that grows, to a good end
// and to a bad one.
func TestPullBar(t *testing.T) {
	for _, well := range []bool{true, false} {
		var out bytes.Buffer
		p := &pullProgress{w: &out, terminal: true, start: time.Now().Add(-10 * time.Second)}
		p.bars = mpb.New(mpb.WithOutput(&out), mpb.WithWidth(60), mpb.WithAutoRefresh())
		for i := int64(1); i <= 4; i++ {
			p.update(hub.Progress{File: fmt.Sprintf("file%d", i), FileDone: 1e6, FileSize: 1e6, Done: i * 1e6, Total: i * 1e6, Fetched: i * 1e6})
		}
		ended := make(chan struct{})
		go func() { p.finish(well); close(ended) }()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("the bar does not end")
		}
		if s := out.String(); !strings.Contains(s, "4.0 MB / 4.0 MB") || !strings.Contains(s, "file4, 400 kB/s") {
			t.Errorf("drawn: %q", s)
		}
	}
}
