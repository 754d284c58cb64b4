// Package hub fetches model folders from a Hugging Face-compatible hub into the
// cache that Python's huggingface_hub uses, or into a folder of its own.
//
// For most uses:
//
//	snap, err := hub.Pull(ctx, "hfl/vle-base-for-vqa", hub.Options{})
//	// snap.Dir now holds config.json, the weights and the tokenizer's files
//
// A download that was cut off goes on where it stopped, every file is checked
// against the hub's checksum before it gets its name, and two programs that
// want the same file wait for each other. The environment variables
// HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE and HF_HUB_OFFLINE mean what they
// mean to Python.
package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

// Options says what to fetch and where to. The zero value fetches what a VLE
// needs, at the main revision, into the shared cache.
type Options struct {
	// Revision is a branch, a tag or a commit; empty means "main".
	Revision string
	// Dir is a folder to write the files to instead of the cache.
	Dir string
	// Files are patterns as of path.Match, each tried on a file's whole name and
	// on its last element. Empty means configuration, tokenizer and weights: of
	// the weights only safetensors where there are both formats.
	Files []string

	// Endpoint, Token and Cache override the environment. An empty Token means
	// the environment's or the one that `huggingface-cli login` stored.
	Endpoint, Token, Cache string
	// Offline uses what the cache holds and asks nobody.
	Offline bool

	// Progress, if not nil, is called often and from one goroutine at a time.
	Progress func(Progress)
	// Client makes the requests; nil means one with sensible timeouts.
	Client *http.Client
	// Retries is how often a request is repeated after a broken connection, a
	// 429 or a 5xx answer. 0 means 5; negative means never.
	Retries int
}

// Progress is where a pull stands. Byte counts cover all of its files and
// include what an earlier attempt had already fetched.
type Progress struct {
	File        string // the file being fetched
	FileDone    int64
	FileSize    int64 // -1 when the hub did not say
	Done, Total int64
	// Fetched counts the bytes that this pull transferred; a rate is made of it.
	Fetched int64
}

// Snapshot is a fetched model folder.
type Snapshot struct {
	// Dir is the folder with the files.
	Dir string
	// Commit is the revision's full commit hash.
	Commit string
	// Files are the names within Dir.
	Files []string
}

// The reasons for which a hub refuses. Errors of Pull wrap them.
var (
	ErrUnauthorized = errors.New("the hub asks for a token: set HF_TOKEN, and accept the model's terms on its page if it has any")
	ErrNotFound     = errors.New("no such model, revision or file on the hub (a private one looks the same without a token)")
	ErrOffline      = errors.New("not in the cache, and HF_HUB_OFFLINE forbids asking the hub")
	ErrChecksum     = errors.New("the bytes do not match the hub's checksum")
)

// Pull fetches the files of a model, such as "hfl/vle-base-for-vqa", and returns
// where they are. Files that are there already are not fetched again. When the
// hub cannot be reached and the cache holds the revision, the cached files are
// returned. Cancelling ctx stops the download and keeps what has arrived.
func Pull(ctx context.Context, repo string, opts Options) (*Snapshot, error) {
	if err := checkRepo(repo); err != nil {
		return nil, err
	}
	if opts.Revision == "" {
		opts.Revision = "main"
	}
	if strings.ContainsAny(opts.Revision, "?#\\") || !localName(opts.Revision) {
		return nil, fmt.Errorf("hub: %q is not a revision", opts.Revision)
	}
	s, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	p := &puller{settings: s, repo: repo, opts: opts}
	snap, err := p.pull(ctx)
	if err != nil {
		return nil, fmt.Errorf("hub: pulling %s at %s from %s: %w", repo, opts.Revision, s.endpoint, err)
	}
	return snap, nil
}

// checkRepo reports what is not a model's name on a hub: one or two parts of
// letters, digits, '-', '_' and '.'.
func checkRepo(repo string) error {
	parts := strings.Split(repo, "/")
	ok := len(parts) <= 2
	for _, part := range parts {
		ok = ok && part != "" && part != "." && part != ".." && !strings.Contains(part, "--") &&
			strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
	}
	if !ok {
		return fmt.Errorf("hub: %q is not a model's name; it looks like owner/name, for example hfl/vle-base-for-vqa", repo)
	}
	return nil
}

// localName reports whether a slash-separated name from the hub stays inside
// the folder that it is joined to.
func localName(name string) bool {
	return name != "" && !path.IsAbs(name) && path.Clean(name) == name &&
		name != "." && name != ".." && !strings.HasPrefix(name, "../") && !strings.ContainsAny(name, "\\\x00:")
}

// wanted picks the files to fetch from all of a repository's.
func wanted(all []remoteFile, patterns []string) []remoteFile {
	match := func(f remoteFile, patterns ...string) bool {
		for _, p := range patterns {
			whole, _ := path.Match(p, f.Name)
			last, _ := path.Match(p, path.Base(f.Name))
			if whole || last {
				return true
			}
		}
		return false
	}
	safetensors := false
	for _, f := range all {
		safetensors = safetensors || match(f, "model.safetensors", "model-*-of-*.safetensors")
	}
	var out []remoteFile
	for _, f := range all {
		switch {
		case len(patterns) > 0:
			if match(f, patterns...) {
				out = append(out, f)
			}
		case match(f, "*.safetensors", "*.json", "*.txt", "*.model"):
			out = append(out, f)
		case match(f, "pytorch_model*.bin") && !safetensors:
			out = append(out, f)
		}
	}
	return out
}

// retryWait is the first pause before a request is repeated; it doubles. It is
// a variable so that tests need not wait.
var retryWait = time.Second
