package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The cache is laid out as huggingface_hub does it:
//
//	models--owner--name/refs/main                  the commit of a branch
//	models--owner--name/blobs/SUM                  the bytes, by checksum
//	models--owner--name/snapshots/COMMIT/FILE      a link to ../../blobs/SUM
//	.locks/models--owner--name/SUM.lock

func (p *puller) repoDir() string {
	return filepath.Join(p.cache, "models--"+strings.ReplaceAll(p.repo, "/", "--"))
}

func (p *puller) snapshotDir(commit string) string {
	return filepath.Join(p.repoDir(), "snapshots", commit)
}

func (p *puller) refFile() string {
	return filepath.Join(p.repoDir(), "refs", filepath.FromSlash(p.opts.Revision))
}

// writeRef remembers which commit the revision is.
func (p *puller) writeRef(commit string) error {
	if p.opts.Revision == commit {
		return nil
	}
	file := p.refFile()
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(commit), 0o666)
}

// cached returns the revision's files from the cache, or why when it has none.
func (p *puller) cached(why error) (*Snapshot, error) {
	if p.opts.Dir != "" {
		return nil, why
	}
	commit := p.opts.Revision
	if data, err := os.ReadFile(p.refFile()); err == nil {
		commit = strings.TrimSpace(string(data))
	}
	if !isHex(commit, 40) {
		return nil, why
	}
	dir := p.snapshotDir(commit)
	snap := &Snapshot{Dir: dir, Commit: commit}
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if _, err := os.Stat(file); err != nil { // a link whose blob is gone
			return err
		}
		name, err := filepath.Rel(dir, file)
		snap.Files = append(snap.Files, filepath.ToSlash(name))
		return err
	})
	if err != nil || len(snap.Files) == 0 {
		return nil, why
	}
	return snap, nil
}

// cachePlace puts files into the shared cache.
type cachePlace struct {
	repo, snapshot, locks string
}

func (p *puller) inCache(commit string) place {
	repo := p.repoDir()
	return cachePlace{
		repo:     repo,
		snapshot: p.snapshotDir(commit),
		locks:    filepath.Join(p.cache, ".locks", filepath.Base(repo)),
	}
}

func (c cachePlace) paths(f remoteFile) (done, partial, lock string) {
	blob := filepath.Join(c.repo, "blobs", string(f.Sum))
	return blob, blob + ".incomplete", filepath.Join(c.locks, string(f.Sum)+".lock")
}

func (c cachePlace) publish(f remoteFile) error {
	link := filepath.Join(c.snapshot, filepath.FromSlash(f.Name))
	if err := os.MkdirAll(filepath.Dir(link), 0o777); err != nil {
		return err
	}
	blob := filepath.Join(c.repo, "blobs", string(f.Sum))
	target, err := filepath.Rel(filepath.Dir(link), blob)
	if err != nil {
		return err
	}
	if old, err := os.Readlink(link); err == nil && old == target {
		return nil
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(target, link); err != nil {
		// A file system without links gets the bytes themselves, as in Python.
		if err := os.Rename(blob, link); err != nil {
			return fmt.Errorf("neither a link nor a file at %s: %w", link, err)
		}
	}
	return nil
}

// folderPlace puts files straight into a folder of the user's.
type folderPlace struct{ dir string }

func inFolder(dir string) place { return folderPlace{dir} }

func (d folderPlace) paths(f remoteFile) (done, partial, lock string) {
	work := filepath.Join(d.dir, ".cache", "huggingface", "download", filepath.FromSlash(f.Name))
	return filepath.Join(d.dir, filepath.FromSlash(f.Name)), work + "." + string(f.Sum) + ".incomplete", work + ".lock"
}

func (d folderPlace) publish(remoteFile) error { return nil }
