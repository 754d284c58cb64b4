package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// puller is one call of Pull.
type puller struct {
	*settings
	repo     string
	opts     Options
	progress Progress
}

// remoteFile is a file of the repository as the hub lists it.
type remoteFile struct {
	Name string
	// Size is -1 and Sum empty when the hub does not say.
	Size int64
	Sum  checksum
}

func (p *puller) pull(ctx context.Context) (*Snapshot, error) {
	if p.offline {
		return p.cached(ErrOffline)
	}
	commit, all, err := p.list(ctx)
	if err != nil {
		var away *unreachable
		if errors.As(err, &away) && p.opts.Dir == "" && ctx.Err() == nil {
			return p.cached(err)
		}
		return nil, err
	}
	files := wanted(all, p.opts.Files)
	if len(files) == 0 {
		return nil, fmt.Errorf("none of its %d files is wanted (%v)", len(all), p.opts.Files)
	}
	snap := &Snapshot{Commit: commit}
	for _, f := range files {
		snap.Files = append(snap.Files, f.Name)
		p.progress.Total += max(f.Size, 0)
	}
	place := p.inCache(commit)
	snap.Dir = p.snapshotDir(commit)
	if p.opts.Dir != "" {
		place = inFolder(p.opts.Dir)
		snap.Dir = p.opts.Dir
	}
	for _, f := range files {
		if err := p.file(ctx, commit, f, place); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if p.opts.Dir == "" {
		if err := p.writeRef(commit); err != nil {
			return nil, err
		}
	}
	return snap, nil
}

// maxListing bounds the hub's description of a repository.
const maxListing = 32 << 20

// list asks the hub for the revision's commit and files.
func (p *puller) list(ctx context.Context) (commit string, files []remoteFile, err error) {
	address := fmt.Sprintf("%s/api/models/%s/revision/%s?blobs=true", p.endpoint, p.repo, url.PathEscape(p.opts.Revision))
	resp, err := p.request(ctx, address, 0)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxListing+1))
	if err != nil {
		return "", nil, &unreachable{err}
	}
	if len(data) > maxListing {
		return "", nil, fmt.Errorf("the list of files is longer than %d bytes", maxListing)
	}
	var info struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name   string `json:"rfilename"`
			Size   *int64 `json:"size"`
			BlobID string `json:"blobId"`
			LFS    *struct {
				SHA256 string `json:"sha256"`
				Size   int64  `json:"size"`
			} `json:"lfs"`
		} `json:"siblings"`
	}
	if err := json.Unmarshal(data, &info); err != nil {
		return "", nil, fmt.Errorf("the hub's answer is not the JSON of a model: %w", err)
	}
	if !isHex(info.SHA, 40) {
		return "", nil, fmt.Errorf("the hub names %q as the commit", info.SHA)
	}
	for _, s := range info.Siblings {
		if !localName(s.Name) {
			return "", nil, fmt.Errorf("the hub lists a file named %q, which would leave the folder", s.Name)
		}
		f := remoteFile{Name: s.Name, Size: -1}
		if s.Size != nil && *s.Size >= 0 {
			f.Size = *s.Size
		}
		switch {
		case s.LFS != nil && isHex(s.LFS.SHA256, 64):
			f.Sum = checksum(strings.ToLower(s.LFS.SHA256))
			f.Size = max(s.LFS.Size, 0)
		case isHex(s.BlobID, 40):
			f.Sum = checksum(strings.ToLower(s.BlobID))
		}
		files = append(files, f)
	}
	sort.Slice(files, func(i, j int) bool { return files[i].Name < files[j].Name })
	return info.SHA, files, nil
}

// place says where a file's bytes go and how it gets its name.
type place interface {
	// paths returns the finished file, the partial one and the lock.
	paths(f remoteFile) (done, partial, lock string)
	// publish makes the finished bytes visible under the file's name.
	publish(f remoteFile) error
}

// file brings one file, unless it is there.
func (p *puller) file(ctx context.Context, commit string, f remoteFile, at place) error {
	p.progress.File, p.progress.FileDone, p.progress.FileSize = f.Name, 0, f.Size
	address := fmt.Sprintf("%s/%s/resolve/%s/%s", p.endpoint, p.repo, commit, escapePath(f.Name))
	if f.Sum == "" {
		// The listing said nothing; the file's own headers do.
		if err := p.describe(ctx, address, &f); err != nil {
			return err
		}
	}
	done, partial, lockFile := at.paths(f)
	for _, dir := range []string{filepath.Dir(done), filepath.Dir(partial), filepath.Dir(lockFile)} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	lock := flock.New(lockFile)
	if ok, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil || !ok {
		return fmt.Errorf("waiting for another download of the same file (%s): %w", lockFile, err)
	}
	defer lock.Unlock()

	ready, err := f.matches(done, p.opts.Dir != "")
	if err != nil {
		return err
	}
	if !ready {
		if err := p.fetch(ctx, address, &f, partial); err != nil {
			return err
		}
		if err := os.Rename(partial, done); err != nil {
			return err
		}
	} else {
		p.advance(max(f.Size, 0), 0)
	}
	return at.publish(f)
}

// matches reports whether file is there already. In the cache a blob's name is
// its checksum, so its presence and size are enough; elsewhere the bytes are
// read.
func (f remoteFile) matches(file string, read bool) (bool, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case info.IsDir():
		return false, fmt.Errorf("%s is a folder", file)
	case f.Size >= 0 && info.Size() != f.Size:
		return false, nil
	case !read:
		return true, nil
	}
	return f.Sum.verify(file) == nil, nil
}

func (p *puller) advance(done, fetched int64) {
	p.progress.FileDone += done
	p.progress.Done += done
	p.progress.Fetched += fetched
	if p.opts.Progress != nil {
		p.opts.Progress(p.progress)
	}
}

func escapePath(name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}
