// Package safetensors reads and writes the safetensors container: eight bytes
// of header length, a JSON header, and one buffer that the tensors fill
// without holes. Nothing in a header is believed before it is checked.
//
// Format: https://github.com/huggingface/safetensors#format
package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"unicode/utf8"

	"govle/vle/checkpoint/internal/dtype"
)

// MaxHeader is the format's own limit on the header, in bytes.
const MaxHeader = 100_000_000

// maxRank bounds a shape's length; no tensor library goes beyond 64.
const maxRank = 64

// Tensor is one entry of the header with its bytes, row-major and
// little-endian, a part of the parsed file and not a copy.
type Tensor struct {
	Name  string
	DType dtype.DType
	Shape []int
	Data  []byte
}

// File is a parsed header. The tensors stand in the order of their data.
type File struct {
	Tensors  []Tensor
	Metadata map[string]string
}

// Is tells whether data begins as a safetensors file does.
func Is(data []byte) bool {
	return len(data) > 8 && data[8] == '{' && binary.LittleEndian.Uint64(data) <= MaxHeader
}

// Parse checks the whole header of data and returns views of its tensors. The
// error says which rule of the format is broken, by which tensor.
func Parse(data []byte) (*File, error) {
	if len(data) < 8 {
		return nil, fmt.Errorf("file of %d bytes is too short to hold a safetensors header length (truncated download?)", len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	if n > MaxHeader {
		return nil, fmt.Errorf("header length %d exceeds the format's limit of %d bytes: not a safetensors file, or a damaged one", n, MaxHeader)
	}
	if n > uint64(len(data)-8) {
		return nil, fmt.Errorf("header of %d bytes does not fit a file of %d bytes (truncated download?)", n, len(data))
	}
	header, buffer := data[8:8+n], data[8+n:]
	if len(header) == 0 || header[0] != '{' {
		return nil, errors.New("header does not begin with '{'")
	}
	if !utf8.Valid(header) {
		return nil, errors.New("header is not valid UTF-8")
	}
	f := &File{}
	spans, err := f.header(header)
	if err != nil {
		return nil, err
	}
	return f, f.layOut(spans, buffer)
}

// span is where a tensor says that its bytes are.
type span struct{ begin, end uint64 }

// header reads the JSON; the tensors' data follows in layOut.
func (f *File) header(header []byte) ([]span, error) {
	d := json.NewDecoder(bytes.NewReader(header))
	d.UseNumber()
	if err := delim(d, '{'); err != nil {
		return nil, err
	}
	var spans []span
	seen := map[string]bool{}
	for d.More() {
		name, err := key(d, seen)
		if err != nil {
			return nil, err
		}
		if name == "__metadata__" {
			if f.Metadata, err = metadata(d); err != nil {
				return nil, fmt.Errorf("__metadata__: %w", err)
			}
			continue
		}
		t, s, err := entry(d)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		t.Name = name
		f.Tensors = append(f.Tensors, t)
		spans = append(spans, s)
	}
	if err := delim(d, '}'); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("header has something after its closing brace")
	}
	return spans, nil
}

// layOut sorts the tensors by their place and checks that they fill the buffer
// from its first byte to its last, each once.
func (f *File) layOut(spans []span, buffer []byte) error {
	order := make([]int, len(spans))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool {
		x, y := spans[order[a]], spans[order[b]]
		return x.begin < y.begin || x.begin == y.begin && x.end < y.end
	})
	sorted := make([]Tensor, 0, len(order))
	var at uint64
	for _, i := range order {
		t, s := f.Tensors[i], spans[i]
		switch {
		case s.begin < at:
			return fmt.Errorf("tensor %q: bytes [%d, %d) overlap those of another tensor, which end at %d", t.Name, s.begin, s.end, at)
		case s.begin > at:
			return fmt.Errorf("tensor %q: bytes [%d, %d) leave a hole after byte %d", t.Name, s.begin, s.end, at)
		case s.end > uint64(len(buffer)):
			return fmt.Errorf("tensor %q: bytes [%d, %d) reach beyond the %d bytes of data (truncated download?)", t.Name, s.begin, s.end, len(buffer))
		}
		t.Data = buffer[s.begin:s.end:s.end]
		sorted = append(sorted, t)
		at = s.end
	}
	if at != uint64(len(buffer)) {
		return fmt.Errorf("the tensors end at byte %d but the file holds %d bytes of data", at, len(buffer))
	}
	f.Tensors = sorted
	return nil
}

// entry reads {"dtype":…,"shape":…,"data_offsets":…} and checks that the three agree.
func entry(d *json.Decoder) (t Tensor, s span, err error) {
	if err := delim(d, '{'); err != nil {
		return t, s, err
	}
	seen := map[string]bool{}
	for d.More() {
		k, err := key(d, seen)
		if err != nil {
			return t, s, err
		}
		switch k {
		case "dtype":
			name, err := text(d)
			if err != nil {
				return t, s, fmt.Errorf("dtype: %w", err)
			}
			if t.DType = dtype.DType(name); t.DType.Size() == 0 {
				return t, s, fmt.Errorf("dtype %q is not known", name)
			}
		case "shape":
			dims, err := numbers(d, maxRank)
			if err != nil {
				return t, s, fmt.Errorf("shape: %w", err)
			}
			t.Shape = make([]int, len(dims))
			for i, n := range dims {
				if n > math.MaxInt {
					return t, s, fmt.Errorf("shape: dimension %d is too large", n)
				}
				t.Shape[i] = int(n)
			}
		case "data_offsets":
			at, err := numbers(d, 2)
			if err != nil {
				return t, s, fmt.Errorf("data_offsets: %w", err)
			}
			if len(at) != 2 || at[0] > at[1] {
				return t, s, fmt.Errorf("data_offsets %v are not [begin, end] with begin ≤ end", at)
			}
			s = span{at[0], at[1]}
		default:
			return t, s, fmt.Errorf("unknown key %q", k)
		}
	}
	for _, k := range []string{"dtype", "shape", "data_offsets"} {
		if !seen[k] {
			return t, s, fmt.Errorf("%s is missing", k)
		}
	}
	want, ok := ByteSize(t.DType, t.Shape)
	if !ok {
		return t, s, fmt.Errorf("%s of shape %v overflows", t.DType, t.Shape)
	}
	if got := s.end - s.begin; got != want {
		return t, s, fmt.Errorf("%s of shape %v takes %d bytes, but data_offsets [%d, %d) hold %d", t.DType, t.Shape, want, s.begin, s.end, got)
	}
	return t, s, delim(d, '}')
}

// ByteSize is the number of bytes of a tensor; false if it does not fit an int64.
func ByteSize(d dtype.DType, shape []int) (uint64, bool) {
	n := uint64(d.Size())
	for _, dim := range shape {
		if dim < 0 {
			return 0, false
		}
		// A zero dimension empties the tensor but must not hide an overflow.
		if dim > 1 && n > math.MaxInt64/uint64(dim) {
			return 0, false
		}
		n *= max(1, uint64(dim))
	}
	for _, dim := range shape {
		if dim == 0 {
			return 0, true
		}
	}
	return n, true
}

func metadata(d *json.Decoder) (map[string]string, error) {
	if err := delim(d, '{'); err != nil {
		return nil, err
	}
	m, seen := map[string]string{}, map[string]bool{}
	for d.More() {
		k, err := key(d, seen)
		if err != nil {
			return nil, err
		}
		if m[k], err = text(d); err != nil {
			return nil, fmt.Errorf("%q: %w", k, err)
		}
	}
	return m, delim(d, '}')
}

func token(d *json.Decoder) (json.Token, error) {
	t, err := d.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("header is not valid JSON: %w", err)
	}
	return t, nil
}

func delim(d *json.Decoder, want json.Delim) error {
	t, err := token(d)
	if err == nil && t != want {
		err = fmt.Errorf("header has %v where %v must stand", t, want)
	}
	return err
}

func key(d *json.Decoder, seen map[string]bool) (string, error) {
	k, err := text(d)
	if err != nil {
		return "", err
	}
	if seen[k] {
		return "", fmt.Errorf("duplicate key %q", k)
	}
	seen[k] = true
	return k, nil
}

func text(d *json.Decoder) (string, error) {
	t, err := token(d)
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("header has %v where a string must stand", t)
	}
	return s, nil
}

// numbers reads an array of at most limit whole numbers from 0 on.
func numbers(d *json.Decoder, limit int) ([]uint64, error) {
	if err := delim(d, '['); err != nil {
		return nil, err
	}
	out := []uint64{}
	for d.More() {
		t, err := token(d)
		if err != nil {
			return nil, err
		}
		num, ok := t.(json.Number)
		if !ok {
			return nil, fmt.Errorf("header has %v where a whole number must stand", t)
		}
		n, err := strconv.ParseUint(num.String(), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s is not a whole number from 0 to 2^64-1", num)
		}
		if len(out) == limit {
			return nil, fmt.Errorf("more than %d numbers", limit)
		}
		out = append(out, n)
	}
	return out, delim(d, ']')
}
