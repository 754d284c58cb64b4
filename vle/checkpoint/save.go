package checkpoint

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"govle/vle/checkpoint/internal/dtype"
	"govle/vle/checkpoint/internal/safetensors"
)

// Parameter is one tensor to save: Data in row-major order, as many elements
// as Shape says.
type Parameter struct {
	Name  string
	Shape []int
	Data  []float32
}

// SaveOptions changes how Save writes. The zero value writes fp32 in one file,
// or in shards from 5 GB on.
type SaveOptions struct {
	// DType is F32 (also the meaning of ""), F16 or BF16; halves are rounded to
	// nearest even, and an fp16 value beyond 65504 is an error.
	DType DType
	// MaxShardBytes is the most tensor bytes in one file of a folder; 0 means
	// 5 GB. A tensor larger than that gets a file of its own.
	MaxShardBytes int64
	// Metadata goes into the header beside {"format": "pt"}, which
	// transformers asks for.
	Metadata map[string]string
}

// defaultShard is where transformers' save_pretrained begins a new file.
const defaultShard = 5_000_000_000

// Save writes tensors in the safetensors format. A path that ends in
// .safetensors becomes that one file; any other is a folder, made if need be,
// that gets model.safetensors, or shards with their model.safetensors.index.json
// as Hugging Face tools write them. Files appear whole or not at all: they are
// written beside their place, synced and renamed. Safetensors files of an earlier
// save that the new one replaces are removed at the end.
func Save(path string, tensors []Parameter, opts SaveOptions) error {
	if err := save(path, tensors, opts); err != nil {
		return fmt.Errorf("saving checkpoint to %s: %w", path, err)
	}
	return nil
}

func save(path string, tensors []Parameter, opts SaveOptions) error {
	switch opts.DType {
	case "":
		opts.DType = F32
	case F32, F16, BF16:
	default:
		return fmt.Errorf("cannot write %s; use F32, F16 or BF16", opts.DType)
	}
	tensors = append([]Parameter{}, tensors...)
	sort.SliceStable(tensors, func(i, j int) bool { return tensors[i].Name < tensors[j].Name })
	for i, t := range tensors {
		if i > 0 && t.Name == tensors[i-1].Name {
			return fmt.Errorf("tensor %q is given twice", t.Name)
		}
		if n, ok := safetensors.ByteSize(opts.DType, t.Shape); !ok || n != uint64(len(t.Data)*opts.DType.Size()) {
			return fmt.Errorf("tensor %q has %d elements, its shape %v says otherwise", t.Name, len(t.Data), t.Shape)
		}
	}
	if strings.HasSuffix(path, ".safetensors") {
		return writeFile(path, tensors, opts)
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	written, err := saveFolder(path, tensors, opts)
	if err != nil {
		return err
	}
	return removeStale(path, written)
}

// saveFolder writes one file, or shards and then their index, and says which.
func saveFolder(dir string, tensors []Parameter, opts SaveOptions) (written map[string]bool, err error) {
	shards := split(tensors, opts)
	written = map[string]bool{}
	if len(shards) == 1 {
		written["model.safetensors"] = true
		return written, writeFile(filepath.Join(dir, "model.safetensors"), shards[0], opts)
	}
	var index struct {
		Metadata struct {
			TotalSize int64 `json:"total_size"`
		} `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}
	index.WeightMap = make(map[string]string, len(tensors))
	for i, shard := range shards {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		if err := writeFile(filepath.Join(dir, name), shard, opts); err != nil {
			return nil, err
		}
		written[name] = true
		for _, t := range shard {
			index.WeightMap[t.Name] = name
			index.Metadata.TotalSize += int64(len(t.Data) * opts.DType.Size())
		}
	}
	text, err := json.MarshalIndent(index, "", "  ")
	if err != nil {
		return nil, err
	}
	const name = "model.safetensors.index.json"
	written[name] = true
	return written, atomically(filepath.Join(dir, name), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// split cuts the sorted tensors into runs that fit a shard; at least one run.
func split(tensors []Parameter, opts SaveOptions) [][]Parameter {
	limit := opts.MaxShardBytes
	if limit <= 0 {
		limit = defaultShard
	}
	var shards [][]Parameter
	begin, size := 0, int64(0)
	for i, t := range tensors {
		n := int64(len(t.Data) * opts.DType.Size())
		if i > begin && size+n > limit {
			shards = append(shards, tensors[begin:i])
			begin, size = i, 0
		}
		size += n
	}
	return append(shards, tensors[begin:])
}

var ownFile = regexp.MustCompile(`^model(-\d{5}-of-\d{5})?\.safetensors$|^model\.safetensors\.index\.json$`)

// removeStale removes what an earlier save left and the new index does not
// name: a model.safetensors beside newer shards would be opened in their place.
func removeStale(dir string, written map[string]bool) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if ownFile.MatchString(f.Name()) && !written[f.Name()] {
			err = errors.Join(err, os.Remove(filepath.Join(dir, f.Name())))
		}
	}
	return err
}

func writeFile(path string, tensors []Parameter, opts SaveOptions) error {
	metadata := map[string]string{"format": "pt"}
	maps.Copy(metadata, opts.Metadata)
	entries := make([]safetensors.Entry, len(tensors))
	for i, t := range tensors {
		entries[i] = safetensors.Entry{Name: t.Name, DType: opts.DType, Shape: t.Shape}
	}
	return atomically(path, func(w io.Writer) error {
		return safetensors.Write(w, entries, metadata, func(i int, w io.Writer) error {
			return writeElements(w, tensors[i].Data, opts.DType)
		})
	})
}

// writeElements writes x as type d, little-endian.
func writeElements(w io.Writer, x []float32, d DType) error {
	if d == F32 {
		_, err := w.Write(dtype.Bytes(x))
		return err
	}
	buf := make([]byte, 0, 1<<16)
	for i, v := range x {
		var h uint16
		if d == BF16 {
			h = dtype.BF16FromFloat(v)
		} else if h = dtype.F16FromFloat(v); h&0x7fff == 0x7c00 && v-v == 0 {
			return fmt.Errorf("element %d is %g, too large for fp16: save as BF16 or F32", i, v)
		}
		if buf = binary.LittleEndian.AppendUint16(buf, h); len(buf) == cap(buf) {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	_, err := w.Write(buf)
	return err
}

// atomically lets write fill a new file and puts it in the place of path once
// it is whole and on the disk.
func atomically(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := errors.Join(write(w), w.Flush()); err != nil {
		return err
	}
	// CreateTemp makes files that only their owner can read; weights are as
	// public as their folder.
	if err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
