package hub

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

var weights = strings.Repeat("weights of a model. ", 50_000) // 1 MB

func model() map[string]string {
	return map[string]string{
		"config.json":             `{"model_type":"vle"}`,
		"spm.model":               "pieces",
		"model.safetensors":       weights,
		"pytorch_model.bin":       "the same again",
		"training_args.bin":       "not needed",
		"README.md":               "not needed",
		"onnx/model.onnx":         "not needed",
		"1_Pooling/config.json":   "{}",
		"tokenizer_config.json":   "{}",
		"special_tokens_map.json": "{}",
	}
}

// alone keeps a test away from the user's own cache and token.
func alone(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "HF_ENDPOINT"} {
		t.Setenv(name, "")
	}
	t.Setenv("HF_HOME", home)
	return home
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPullIntoTheSharedCache(t *testing.T) {
	for _, bare := range []bool{false, true} {
		home := alone(t)
		h := newTestHub(t, model(), "model.safetensors", "spm.model")
		h.bare = bare
		t.Setenv("HF_ENDPOINT", h.URL)
		var last Progress
		snap, err := Pull(t.Context(), "owner/model", Options{Progress: func(p Progress) { last = p }})
		if err != nil {
			t.Fatal(err)
		}
		root := filepath.Join(home, "hub", "models--owner--model")
		if want := filepath.Join(root, "snapshots", testCommit); snap.Dir != want || snap.Commit != testCommit {
			t.Errorf("snapshot %+v, want it in %s", snap, want)
		}
		want := []string{"1_Pooling/config.json", "config.json", "model.safetensors", "special_tokens_map.json", "spm.model", "tokenizer_config.json"}
		if !reflect.DeepEqual(snap.Files, want) {
			t.Errorf("files %v, want %v", snap.Files, want)
		}
		for _, name := range snap.Files {
			if got := read(t, filepath.Join(snap.Dir, name)); got != h.files[name] {
				t.Errorf("%s holds %.30q", name, got)
			}
			if target, err := os.Readlink(filepath.Join(snap.Dir, name)); err != nil || filepath.IsAbs(target) {
				t.Errorf("%s is no relative link: %q, %v", name, target, err)
			}
		}
		if got := read(t, filepath.Join(root, "refs", "main")); got != testCommit {
			t.Errorf("refs/main is %q", got)
		}
		if got := read(t, filepath.Join(root, "blobs", sha256Of(weights))); got != weights {
			t.Error("the weights are not stored under their checksum")
		}
		const shared = 4 // three files hold the same two bytes, which travel once
		if last.Done != last.Total || last.Fetched != last.Total-shared || last.Total < int64(len(weights)) {
			t.Errorf("progress ends at %+v", last)
		}

		before := len(h.requests)
		if _, err := Pull(t.Context(), "owner/model", Options{}); err != nil {
			t.Fatal(err)
		}
		for _, r := range h.requests[before:] {
			if strings.HasPrefix(r, "GET /owner") || strings.HasPrefix(r, "GET /store") {
				t.Errorf("the second pull fetched again: %s", r)
			}
		}
	}
}

func TestPullIntoAFolder(t *testing.T) {
	alone(t)
	h := newTestHub(t, model(), "model.safetensors")
	dir := t.TempDir()
	opts := Options{Endpoint: h.URL, Dir: dir, Files: []string{"config.json", "*.bin"}}
	snap, err := Pull(t.Context(), "owner/model", opts)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"1_Pooling/config.json", "config.json", "pytorch_model.bin", "training_args.bin"}; !reflect.DeepEqual(snap.Files, want) {
		t.Errorf("files %v, want %v", snap.Files, want)
	}
	// A changed file is noticed and fetched again; an untouched one is not.
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"model_type":"xyz"}`), 0o666); err != nil {
		t.Fatal(err)
	}
	before := len(h.requests)
	if _, err := Pull(t.Context(), "owner/model", opts); err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(dir, "config.json")); got != h.files["config.json"] {
		t.Errorf("config.json is still %q", got)
	}
	if n := len(h.requests) - before; n != 2 { // the listing and the one file
		t.Errorf("the second pull made %d requests: %v", n, h.requests[before:])
	}
}

func TestResumeAfterCuts(t *testing.T) {
	alone(t)
	h := newTestHub(t, map[string]string{"model.safetensors": weights}, "model.safetensors")
	h.faults = append(h.faults, pass, cutAfter(300_000), answer(503), cutAfter(100_000), answer(429))
	snap, err := Pull(t.Context(), "owner/model", Options{Endpoint: h.URL})
	if err != nil {
		t.Fatal(err)
	}
	if read(t, filepath.Join(snap.Dir, "model.safetensors")) != weights {
		t.Error("the resumed file differs")
	}
	if log := strings.Join(h.requests, "\n"); !strings.Contains(log, "bytes=300000-") || !strings.Contains(log, "bytes=400000-") {
		t.Errorf("the download did not go on where it was cut:\n%s", log)
	}
}

func TestAnInterruptedPullGoesOn(t *testing.T) {
	home := alone(t)
	h := newTestHub(t, map[string]string{"model.safetensors": weights}, "model.safetensors")
	ctx, cancel := context.WithCancel(t.Context())
	h.faults = append(h.faults, pass, func(w http.ResponseWriter, body string, _ int) bool {
		w.Header().Set("Content-Length", "1000000")
		w.Write([]byte(body[:500_000]))
		w.(http.Flusher).Flush()
		time.Sleep(200 * time.Millisecond)
		cancel()
		time.Sleep(100 * time.Millisecond)
		panic(http.ErrAbortHandler)
	})
	if _, err := Pull(ctx, "owner/model", Options{Endpoint: h.URL}); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "500000 bytes are kept") {
		t.Fatalf("error %v", err)
	}
	partial := filepath.Join(home, "hub", "models--owner--model", "blobs", sha256Of(weights)+".incomplete")
	if info, err := os.Stat(partial); err != nil || info.Size() != 500_000 {
		t.Fatalf("what had arrived is not kept: %v", err)
	}
	var first Progress
	if _, err := Pull(t.Context(), "owner/model", Options{Endpoint: h.URL, Progress: func(p Progress) {
		if first.File == "" {
			first = p
		}
	}}); err != nil {
		t.Fatal(err)
	}
	if first.Done != 500_000 || first.Fetched != 0 {
		t.Errorf("the second pull began at %+v", first)
	}
}

func TestWrongBytes(t *testing.T) {
	alone(t)
	h := newTestHub(t, map[string]string{"model.safetensors": weights}, "model.safetensors")
	garbled := func(w http.ResponseWriter, body string, offset int) bool {
		w.Write([]byte(strings.Repeat("x", len(body))))
		return true
	}
	h.faults = append(h.faults, pass, garbled)
	_, err := Pull(t.Context(), "owner/model", Options{Endpoint: h.URL})
	if !errors.Is(err, ErrChecksum) || !strings.Contains(err.Error(), "model.safetensors") {
		t.Fatalf("error %v", err)
	}
	// A stale partial file is noticed, dropped and fetched whole.
	s, _ := newSettings(Options{Endpoint: h.URL})
	p := &puller{settings: s, repo: "owner/model"}
	_, partial, _ := p.inCache(testCommit).paths(remoteFile{Sum: checksum(sha256Of(weights))})
	if err := os.WriteFile(partial, []byte("not the beginning"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Pull(t.Context(), "owner/model", Options{Endpoint: h.URL}); err != nil {
		t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		repo   string
		opts   Options
		change func(*testHub)
		is     error
		says   string
	}{
		"no token":        {repo: "owner/model", change: func(h *testHub) { h.token = "secret" }, is: ErrUnauthorized, says: "restricted"},
		"no such model":   {repo: "owner/other", is: ErrNotFound},
		"no such branch":  {repo: "owner/model", opts: Options{Revision: "dev"}, is: ErrNotFound},
		"forbidden":       {repo: "owner/model", change: func(h *testHub) { h.faults = append(h.faults, answer(403)) }, is: ErrUnauthorized},
		"always broken":   {repo: "owner/model", opts: Options{Retries: 2}, change: func(h *testHub) { h.faults = append(h.faults, answer(500), answer(502), answer(503)) }, says: "try again later"},
		"not JSON":        {repo: "owner/model", change: func(h *testHub) { h.faults = append(h.faults, answer(200)) }, says: "JSON"},
		"bad name":        {repo: "../../etc", says: "not a model's name"},
		"bad revision":    {repo: "owner/model", opts: Options{Revision: "../x"}, says: "not a revision"},
		"hostile listing": {repo: "owner/model", change: func(h *testHub) { h.files["../../evil.json"] = "{}" }, says: "leave the folder"},
		"bad endpoint":    {repo: "owner/model", opts: Options{Endpoint: "ftp://example"}, says: "HF_ENDPOINT"},
		"nothing wanted":  {repo: "owner/model", opts: Options{Files: []string{"*.gguf"}}, says: "none of its"},
		"offline":         {repo: "owner/model", opts: Options{Offline: true}, is: ErrOffline},
	} {
		t.Run(name, func(t *testing.T) {
			home := alone(t)
			h := newTestHub(t, model())
			if c.change != nil {
				c.change(h)
			}
			if c.opts.Endpoint == "" {
				c.opts.Endpoint = h.URL
			}
			_, err := Pull(t.Context(), c.repo, c.opts)
			if err == nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %v, want %v %q", err, c.is, c.says)
			}
			if _, err := os.Stat(filepath.Join(home, "..", "evil.json")); err == nil {
				t.Error("a file was written outside the cache")
			}
		})
	}
}

func TestTheTokenStaysWithTheHub(t *testing.T) {
	home := alone(t)
	h := newTestHub(t, model(), "model.safetensors")
	h.token = "hf_secret"
	if err := os.WriteFile(filepath.Join(home, "token"), []byte("hf_secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Pull(t.Context(), "owner/model", Options{Endpoint: h.URL}); err != nil {
		t.Fatal(err)
	}
	if h.leaked {
		t.Error("the token was sent to the store that the hub redirects to")
	}
	_, err := Pull(t.Context(), "owner/model", Options{Endpoint: h.URL, Token: "hf_wrong_one"})
	if err == nil || strings.Contains(err.Error(), "hf_wrong_one") {
		t.Errorf("error %v", err)
	}
}

func TestCacheServesWhenTheHubIsAway(t *testing.T) {
	alone(t)
	h := newTestHub(t, model(), "model.safetensors")
	fetched, err := Pull(t.Context(), "owner/model", Options{Endpoint: h.URL})
	if err != nil {
		t.Fatal(err)
	}
	h.Server.Close()
	for name, opts := range map[string]Options{
		"unreachable":    {Endpoint: h.URL, Retries: -1},
		"offline":        {Endpoint: h.URL, Offline: true},
		"offline commit": {Endpoint: h.URL, Offline: true, Revision: testCommit},
	} {
		snap, err := Pull(t.Context(), "owner/model", opts)
		if err != nil || !reflect.DeepEqual(snap, fetched) {
			t.Errorf("%s: %+v, %v; want %+v", name, snap, err, fetched)
		}
	}
}

func TestTwoPullsOfTheSameFile(t *testing.T) {
	alone(t)
	h := newTestHub(t, map[string]string{"model.safetensors": weights}, "model.safetensors")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := Pull(t.Context(), "owner/model", Options{Endpoint: h.URL}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	n := 0
	for _, r := range h.requests {
		if strings.HasPrefix(r, "GET /store/") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the weights were fetched %d times: %v", n, h.requests)
	}
}
