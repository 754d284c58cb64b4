package hub

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPythonSharesTheCache lets huggingface_hub find what was pulled, asking
// nobody, and pull into the same cache what is then found here.
func TestPythonSharesTheCache(t *testing.T) {
	python := os.Getenv("GOVLE_PYTHON")
	if python == "" {
		python = "python3"
	}
	if exec.Command(python, "-c", "import huggingface_hub").Run() != nil {
		t.Skipf("%s has no package huggingface_hub; set GOVLE_PYTHON to one that has", python)
	}
	run := func(program string, args ...string) []byte {
		t.Helper()
		cmd := exec.Command(python, append([]string{"-c", program}, args...)...)
		cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { // which Python takes for empty paths
			return strings.HasPrefix(v, "HF_") && strings.HasSuffix(v, "=") || strings.HasPrefix(v, "HUGGING") && strings.HasSuffix(v, "=")
		})
		cmd.Env = append(cmd.Env, "HF_HUB_DISABLE_TELEMETRY=1", "HF_HUB_DISABLE_PROGRESS_BARS=1")
		var log strings.Builder
		cmd.Stderr = &log
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, log.String())
		}
		return out
	}

	alone(t)
	h := newTestHub(t, model(), "model.safetensors")
	t.Setenv("HF_ENDPOINT", "http://127.0.0.1:1") // Python has nobody to ask
	snap, err := Pull(t.Context(), "owner/model", Options{Endpoint: h.URL})
	if err != nil {
		t.Fatal(err)
	}
	var found struct {
		Dir, Weights, Config string
		Repos                []struct {
			ID, Type string
			Files    int
			Refs     []string
		}
		Warnings []string
	}
	if err := json.Unmarshal(run(`
import json, huggingface_hub as hub
dir = hub.snapshot_download("owner/model", local_files_only=True)
scan = hub.scan_cache_dir()
print(json.dumps({
    "dir": dir,
    "weights": hub.hf_hub_download("owner/model", "model.safetensors", local_files_only=True),
    "config": hub.try_to_load_from_cache("owner/model", "config.json"),
    "repos": [{"id": r.repo_id, "type": r.repo_type, "files": r.nb_files, "refs": sorted(r.refs)} for r in scan.repos],
    "warnings": [str(w) for w in scan.warnings],
}))`), &found); err != nil {
		t.Fatal(err)
	}
	if found.Dir != snap.Dir || found.Weights != filepath.Join(snap.Dir, "model.safetensors") || found.Config != filepath.Join(snap.Dir, "config.json") {
		t.Errorf("Python finds %+v, want it in %s", found, snap.Dir)
	}
	if len(found.Warnings) > 0 || len(found.Repos) != 1 || found.Repos[0].ID != "owner/model" || found.Repos[0].Type != "model" ||
		found.Repos[0].Files == 0 || !reflect.DeepEqual(found.Repos[0].Refs, []string{"main"}) {
		t.Errorf("Python sees %+v", found)
	}

	// The other way round: from a cache that Python filled nothing is fetched.
	alone(t)
	h = newTestHub(t, model(), "model.safetensors")
	t.Setenv("HF_ENDPOINT", h.URL)
	dir := strings.TrimSpace(string(run(`
import huggingface_hub as hub
print(hub.snapshot_download("owner/model", allow_patterns=["*.json", "*.model", "*.safetensors"]))`)))
	before := len(h.requests)
	snap, err = Pull(t.Context(), "owner/model", Options{})
	if err != nil || snap.Dir != dir {
		t.Fatalf("%+v, %v; Python's is in %s", snap, err, dir)
	}
	for _, r := range h.requests[before:] {
		if strings.HasPrefix(r, "GET /owner") || strings.HasPrefix(r, "GET /store") {
			t.Errorf("fetched again: %s", r)
		}
	}
	offline, err := Pull(t.Context(), "owner/model", Options{Offline: true})
	if err != nil || offline.Dir != dir || !slices.Contains(offline.Files, "model.safetensors") {
		t.Errorf("offline: %+v, %v", offline, err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		header   string
		from, to time.Duration
	}{
		{"", 0, 0}, {"0", 0, 0}, {"7", 7 * time.Second, 7 * time.Second}, {"-1", 0, 0}, {"soon", 0, 0},
		{"99999999999", 2 * time.Minute, 2 * time.Minute}, {"3600", 2 * time.Minute, 2 * time.Minute},
		{now.Add(30 * time.Second).UTC().Format(http.TimeFormat), 20 * time.Second, 30 * time.Second},
		{now.Add(-time.Hour).UTC().Format(http.TimeFormat), 0, 0},
		{now.Add(time.Hour).UTC().Format(http.TimeFormat), 2 * time.Minute, 2 * time.Minute},
	} {
		got := retryAfter(&http.Response{Header: http.Header{"Retry-After": {c.header}}})
		if got < c.from || got > c.to {
			t.Errorf("Retry-After: %s gives %v, want %v to %v", c.header, got, c.from, c.to)
		}
	}

	// The pause is made.
	alone(t)
	h := newTestHub(t, map[string]string{"config.json": "{}"})
	h.faults = append(h.faults, func(w http.ResponseWriter, _ string, _ int) bool {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "slow down", http.StatusTooManyRequests)
		return true
	})
	start := time.Now()
	if _, err := Pull(t.Context(), "owner/model", Options{Endpoint: h.URL}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < time.Second {
		t.Errorf("asked again after %v", took)
	}
}
