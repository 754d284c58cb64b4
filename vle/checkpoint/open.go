package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// Options changes how a checkpoint is opened. The zero value is the usual way.
type Options struct {
	// Inert names Python classes, as "module.Class", whose objects may stand
	// beside the weights in a PyTorch or Lightning file, such as the
	// hyperparameter class of a training script. They are skipped: a
	// placeholder stands in their place and nothing of theirs is executed.
	Inert []string
}

// The files that a model's folder may hold its weights in, in the order in
// which they are looked for: Hugging Face's own.
var weightFiles = []string{
	"model.safetensors",
	"model.safetensors.index.json",
	"pytorch_model.bin",
	"pytorch_model.bin.index.json",
}

// maxIndex bounds an index.json; those of the largest public models have 1 MB.
const maxIndex = 64 << 20

// Open opens a model's folder in Hugging Face layout (model.safetensors or
// pytorch_model.bin, whole or sharded), an index.json, or one file: safetensors,
// or anything torch.save wrote whose top or "state_dict" is a state dict, which
// includes PyTorch-Lightning's .ckpt; its "model." prefix is dropped.
func Open(path string) (*Store, error) { return OpenWith(path, Options{}) }

// OpenWith is Open with options.
func OpenWith(path string, opts Options) (*Store, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening checkpoint: there is no file or folder %s: name a model's folder with one of %s, or a weight file: %w",
			path, strings.Join(weightFiles, ", "), fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("opening checkpoint: %w", err)
	}
	dir, file := filepath.Dir(path), filepath.Base(path)
	if info.IsDir() {
		dir, file = path, ""
	}
	return open(path, file, opts, source{
		label: func(name string) string { return filepath.Join(dir, name) },
		exists: func(name string) bool {
			info, err := os.Stat(filepath.Join(dir, name))
			return err == nil && !info.IsDir()
		},
		read: func(name string) ([]byte, func() error, error) { return mapFile(filepath.Join(dir, name)) },
	})
}

// OpenFS opens the weights in the folder dir of a file system, such as one that
// is embedded into the program. They are read into memory.
func OpenFS(fsys fs.FS, dir string) (*Store, error) {
	return open(dir, "", Options{}, source{
		label: func(name string) string { return path.Join(dir, name) },
		exists: func(name string) bool {
			_, err := fs.Stat(fsys, path.Join(dir, name))
			return err == nil
		},
		read: func(name string) ([]byte, func() error, error) {
			b, err := fs.ReadFile(fsys, path.Join(dir, name))
			return b, nil, err
		},
	})
}

// OpenBytes opens the content of one weight file, such as one that is embedded
// into the program; name stands for it in errors. The Store keeps data and
// gives views of it.
func OpenBytes(data []byte, name string) (*Store, error) {
	entries, format, metadata, err := decode(data, name, Options{})
	if err != nil {
		return nil, fmt.Errorf("opening checkpoint: %w", err)
	}
	s := &Store{path: name, format: format, files: []string{name}, metadata: metadata}
	return s, s.add(entries)
}

// source is where the files of one folder come from.
type source struct {
	label  func(name string) string // how errors name the file
	exists func(name string) bool
	read   func(name string) (data []byte, close func() error, err error)
}

// open opens one file of the source, or with file "" what the folder holds.
func open(name, file string, opts Options, src source) (s *Store, err error) {
	if file == "" {
		for _, f := range weightFiles {
			if src.exists(f) {
				file = f
				break
			}
		}
		if file == "" {
			return nil, fmt.Errorf("opening checkpoint: folder %s holds none of %s: download the model's weights into it, or name the weight file itself: %w",
				name, strings.Join(weightFiles, ", "), fs.ErrNotExist)
		}
	}
	s = &Store{path: name}
	defer func() {
		if err != nil {
			s.Close()
			s, err = nil, fmt.Errorf("opening checkpoint: %w", err)
		}
	}()
	if !strings.HasSuffix(file, ".index.json") {
		return s, s.load(file, opts, src)
	}
	index, err := readIndex(file, src)
	if err != nil {
		return s, fmt.Errorf("%s: %w", src.label(file), err)
	}
	for _, shard := range index.shards() {
		if !src.exists(shard) {
			return s, fmt.Errorf("%s: the shard %s that it names is not in the folder: download it too", src.label(file), shard)
		}
		if err := s.load(shard, opts, src); err != nil {
			return s, err
		}
	}
	return s, index.check(s, src)
}

// load adds the tensors of one weight file.
func (s *Store) load(file string, opts Options, src source) error {
	data, closer, err := src.read(file)
	if err != nil {
		return err
	}
	if closer != nil {
		s.closers = append(s.closers, closer)
	}
	label := src.label(file)
	entries, format, metadata, err := decode(data, label, opts)
	if err != nil {
		return err
	}
	if closer != nil {
		for _, e := range entries {
			e.mapped = data
		}
	}
	s.format, s.files = format, append(s.files, label)
	if s.metadata == nil {
		s.metadata = metadata
	}
	return s.add(entries)
}

// shardIndex is what model.safetensors.index.json holds.
type shardIndex struct {
	WeightMap map[string]string `json:"weight_map"`
}

func readIndex(file string, src source) (*shardIndex, error) {
	data, closer, err := src.read(file)
	if err != nil {
		return nil, err
	}
	if closer != nil {
		defer closer()
	}
	if len(data) > maxIndex {
		return nil, fmt.Errorf("index of %d bytes, more than %d", len(data), maxIndex)
	}
	x := &shardIndex{}
	if err := json.Unmarshal(data, x); err != nil {
		return nil, fmt.Errorf("index is not valid JSON: %w", err)
	}
	if len(x.WeightMap) == 0 {
		return nil, errors.New(`index has no "weight_map"`)
	}
	for name, shard := range x.WeightMap {
		if shard == "" || shard == "." || shard == ".." || strings.ContainsAny(shard, `/\`) || strings.HasSuffix(shard, ".json") {
			return nil, fmt.Errorf("index places tensor %q in %q, which is not the name of a weight file beside it", name, shard)
		}
	}
	return x, nil
}

func (x *shardIndex) shards() []string {
	var files []string
	seen := map[string]bool{}
	for _, f := range x.WeightMap {
		if !seen[f] {
			seen[f] = true
			files = append(files, f)
		}
	}
	sort.Strings(files)
	return files
}

// check verifies that each tensor is in the shard where the index places it.
func (x *shardIndex) check(s *Store, src source) error {
	names := make([]string, 0, len(x.WeightMap))
	for name := range x.WeightMap {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		want := src.label(x.WeightMap[name])
		switch e := s.tensors[name]; {
		case e == nil:
			return fmt.Errorf("%s: tensor %q is missing, though the index places it there (incomplete download?)", want, name)
		case e.File != want:
			return fmt.Errorf("tensor %q is in %s, but the index places it in %s", name, e.File, want)
		}
	}
	return nil
}
