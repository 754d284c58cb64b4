package parity

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sbinet/npyio/npy"
	"github.com/sbinet/npyio/npz"
)

// array is one recorded array: floats or whole numbers, row-major.
type array struct {
	shape  []int
	floats []float64 // from f4 and f8
	ints   []int64   // from i1 … i8, u1 … u4, bool
}

// float32s gives the numbers of either kind.
func (a array) float32s() []float32 {
	out := make([]float32, max(len(a.floats), len(a.ints)))
	for i := range a.floats {
		out[i] = float32(a.floats[i])
	}
	for i := range a.ints {
		out[i] = float32(a.ints[i])
	}
	return out
}

// asInts gives the whole numbers as Go ints.
func (a array) asInts() []int {
	out := make([]int, len(a.ints))
	for i, v := range a.ints {
		out[i] = int(v)
	}
	return out
}

// readNPZ reads all arrays of an .npz file.
func readNPZ(path string) (map[string]array, error) {
	f, err := npz.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close()
	out := map[string]array{}
	for _, key := range f.Keys() {
		r, err := f.Open(key)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %s: %w", path, key, err)
		}
		a, err := readArray(r)
		r.Close()
		if err != nil {
			return nil, fmt.Errorf("reading %s: %s: %w", path, key, err)
		}
		out[strings.TrimSuffix(key, ".npy")] = a
	}
	return out, nil
}

// readNPY reads an .npy file.
func readNPY(path string) (array, error) {
	f, err := os.Open(path)
	if err != nil {
		return array{}, err
	}
	defer f.Close()
	a, err := readArray(bufio.NewReader(f))
	if err != nil {
		return a, fmt.Errorf("reading %s: %w", path, err)
	}
	return a, nil
}

// readArray reads one array of any of the types that are recorded.
func readArray(r io.Reader) (array, error) {
	nr, err := npy.NewReader(r)
	if err != nil {
		return array{}, err
	}
	a := array{shape: nr.Header.Descr.Shape}
	if nr.Header.Descr.Fortran && len(a.shape) > 1 {
		return a, errors.New("column-major array; save it with numpy.ascontiguousarray")
	}
	switch t := nr.Header.Descr.Type; t {
	case "<f4":
		a.floats, err = readAs[float32, float64](nr)
	case "<f8":
		a.floats, err = readAs[float64, float64](nr)
	case "<i8":
		a.ints, err = readAs[int64, int64](nr)
	case "<i4":
		a.ints, err = readAs[int32, int64](nr)
	case "<i2":
		a.ints, err = readAs[int16, int64](nr)
	case "|i1":
		a.ints, err = readAs[int8, int64](nr)
	case "|u1":
		a.ints, err = readAs[uint8, int64](nr)
	case "<u2":
		a.ints, err = readAs[uint16, int64](nr)
	case "<u4":
		a.ints, err = readAs[uint32, int64](nr)
	case "|b1":
		var b []bool
		err = nr.Read(&b)
		for _, v := range b {
			a.ints = append(a.ints, map[bool]int64{true: 1}[v])
		}
	default:
		err = fmt.Errorf("array of type %q", t)
	}
	return a, err
}

type numeric interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~float32 | ~float64
}

func readAs[From, To numeric](r *npy.Reader) ([]To, error) {
	n := 1
	for _, d := range r.Header.Descr.Shape {
		n *= d
	}
	from := make([]From, n)
	if n > 0 {
		if err := r.Read(&from); err != nil {
			return nil, err
		}
	}
	out := make([]To, len(from))
	for i, v := range from {
		out[i] = To(v)
	}
	return out, nil
}

// readJSON decodes a whole file.
func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// readLines decodes a file of one JSON value a line.
func readLines[T any](path string) ([]T, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []T
	for i, line := range bytes.Split(b, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return nil, fmt.Errorf("reading %s: line %d: %w", path, i+1, err)
		}
		out = append(out, v)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("reading %s: no lines", path)
	}
	return out, nil
}

// oneOrList reads a value, or a list of them, as a list.
type oneOrList[T any] []T

// UnmarshalJSON takes both forms.
func (l *oneOrList[T]) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]T)(l))
	}
	*l = make([]T, 1)
	return json.Unmarshal(b, &(*l)[0])
}
