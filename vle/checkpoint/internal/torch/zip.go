package torch

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"sort"
	"strings"
	"sync"

	"govle/vle/checkpoint/internal/pickle"
)

// Limits on an archive.
const (
	maxDirectory = 16 << 20 // bytes read to list the entries
	maxEntries   = 1 << 18
	// torch.save never compresses. An archive that was packed again is read,
	// but not one whose entries claim to grow beyond what weights can: rounded
	// random numbers shrink by a fifth, all-zero tensors are small.
	maxInflation = 64
	inflateFloor = 1 << 20
)

// archive is a zip file whose stored entries are slices of the file.
type archive struct {
	data    []byte
	entries map[string]*zip.File
}

// meteredReader bounds what listing the entries may read: the directory's own
// count of its entries is not to be trusted.
type meteredReader struct {
	r    *bytes.Reader
	left int64
}

var errDirectory = fmt.Errorf("zip directory of more than %d bytes", maxDirectory)

func (m *meteredReader) ReadAt(p []byte, off int64) (int, error) {
	if m.left -= int64(len(p)); m.left < 0 {
		return 0, errDirectory
	}
	return m.r.ReadAt(p, off)
}

func openArchive(data []byte) (*archive, error) {
	m := &meteredReader{bytes.NewReader(data), maxDirectory}
	r, err := zip.NewReader(m, int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names never become paths here
		return nil, fmt.Errorf("reading the zip directory: %w (truncated file?)", err)
	}
	if len(r.File) > maxEntries {
		return nil, fmt.Errorf("zip archive of %d entries, more than %d", len(r.File), maxEntries)
	}
	m.left = 1 << 62 // the entries themselves are bounded one by one
	a := &archive{data: data, entries: make(map[string]*zip.File, len(r.File))}
	type extent struct {
		name       string
		begin, end uint64
	}
	extents := make([]extent, 0, len(r.File))
	for _, f := range r.File {
		if a.entries[f.Name] != nil {
			return nil, fmt.Errorf("zip archive with two entries named %.60q", f.Name)
		}
		a.entries[f.Name] = f
		begin, err := f.DataOffset()
		if err != nil {
			return nil, fmt.Errorf("zip entry %.60q: %w", f.Name, err)
		}
		if begin < 0 || uint64(begin) > uint64(len(data)) || f.CompressedSize64 > uint64(len(data))-uint64(begin) {
			return nil, fmt.Errorf("zip entry %.60q of %d bytes at %d reaches beyond the file of %d bytes", f.Name, f.CompressedSize64, begin, len(data))
		}
		extents = append(extents, extent{f.Name, uint64(begin), uint64(begin) + f.CompressedSize64})
	}
	sort.Slice(extents, func(i, j int) bool { return extents[i].begin < extents[j].begin })
	for i := 1; i < len(extents); i++ {
		if extents[i].begin < extents[i-1].end {
			return nil, fmt.Errorf("zip entries %.60q and %.60q overlap", extents[i-1].name, extents[i].name)
		}
	}
	return a, nil
}

// check refuses an entry that cannot be what it says.
func check(f *zip.File) error {
	switch {
	case f.Flags&1 != 0:
		return errors.New("is encrypted")
	case f.Method == zip.Store:
		if f.CompressedSize64 != f.UncompressedSize64 {
			return fmt.Errorf("is stored, yet has the sizes %d and %d", f.CompressedSize64, f.UncompressedSize64)
		}
	case f.Method != zip.Deflate:
		return fmt.Errorf("is compressed by method %d; only stored and deflated entries are read", f.Method)
	case f.UncompressedSize64 > inflateFloor && f.UncompressedSize64/maxInflation > f.CompressedSize64:
		return fmt.Errorf("claims to grow from %d to %d bytes when inflated: refused as a decompression bomb", f.CompressedSize64, f.UncompressedSize64)
	}
	return nil
}

// read gives an entry's bytes: a slice of the file where it is stored, else an
// inflated copy whose size and checksum have been verified.
func (a *archive) read(f *zip.File) ([]byte, error) {
	if err := check(f); err != nil {
		return nil, err
	}
	if f.Method == zip.Store {
		begin, err := f.DataOffset()
		if err != nil {
			return nil, err
		}
		end := uint64(begin) + f.CompressedSize64
		return a.data[begin:end:end], nil
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	// Grow with what really comes, not with what the entry claims.
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(r, int64(f.UncompressedSize64)+1))
	if err != nil {
		return nil, err
	}
	if uint64(n) != f.UncompressedSize64 {
		return nil, fmt.Errorf("inflates to %d bytes or more, not to the %d that it claims", n, f.UncompressedSize64)
	}
	return buf.Bytes(), nil
}

func loadZip(data []byte, inert []string) ([]Tensor, error) {
	a, err := openArchive(data)
	if err != nil {
		return nil, err
	}
	pkl, err := a.findPickle()
	if err != nil {
		return nil, err
	}
	prefix := strings.TrimSuffix(pkl.Name, "data.pkl")
	if f := a.entries[prefix+"byteorder"]; f != nil {
		if b, err := a.read(f); err != nil || string(b) != "little" {
			return nil, fmt.Errorf("byte order %.10q: only little-endian files are read", b)
		}
	}
	if pkl.UncompressedSize64 > pickle.MaxBytes {
		return nil, fmt.Errorf("zip entry %.60q of %d bytes, more than %d", pkl.Name, pkl.UncompressedSize64, pickle.MaxBytes)
	}
	text, err := a.read(pkl)
	if err != nil {
		return nil, fmt.Errorf("zip entry %.60q %w", pkl.Name, err)
	}
	storages := map[string]*Storage{}
	d := pickle.NewDecoder(text, newResolver(inert, func(key string, bytes uint64) (*Storage, error) {
		if s := storages[key]; s != nil {
			return s, nil
		}
		s, err := a.storage(prefix+"data/"+key, key, bytes)
		storages[key] = s
		return s, err
	}))
	root, err := d.Decode()
	if err != nil {
		return nil, fmt.Errorf("zip entry %.60q: %w", pkl.Name, err)
	}
	return stateDict(root)
}

// findPickle finds the one NAME/data.pkl of the archive.
func (a *archive) findPickle() (*zip.File, error) {
	var pkl *zip.File
	for name, f := range a.entries {
		base, depth := path.Base(name), strings.Count(name, "/")
		if depth > 1 {
			continue
		}
		switch base {
		case "constants.pkl":
			return nil, errors.New("this is a TorchScript program, not a state dict: save model.state_dict() with torch.save")
		case "data.pkl":
			if pkl != nil {
				return nil, errors.New("zip archive with more than one data.pkl")
			}
			pkl = f
		}
	}
	if pkl == nil {
		return nil, errors.New("zip archive without a data.pkl: torch.save did not write it")
	}
	return pkl, nil
}

// storage checks that an entry can hold what the pickle says, and defers its
// inflation, if there is any, to the first use.
func (a *archive) storage(name, key string, bytes uint64) (*Storage, error) {
	f := a.entries[name]
	if f == nil {
		return nil, fmt.Errorf("storage %.40q: zip entry %.60q is missing", key, name)
	}
	if err := check(f); err != nil {
		return nil, fmt.Errorf("storage %.40q: zip entry %.60q %w", key, name, err)
	}
	if f.UncompressedSize64 != bytes {
		return nil, fmt.Errorf("storage %.40q: zip entry %.60q has %d bytes, the pickle says %d", key, name, f.UncompressedSize64, bytes)
	}
	return &Storage{key: key, bytes: bytes, data: sync.OnceValues(func() ([]byte, error) { return a.read(f) })}, nil
}
