package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"govle/vle/checkpoint/internal/dtype"
)

// Entry announces a tensor that is to be written.
type Entry struct {
	Name  string
	DType dtype.DType
	Shape []int
}

// Write writes the header for entries, in the order given, and then lets each
// tensor be written by data(i, w), which must write exactly the bytes that the
// entry announces. The header is padded with blanks so that the data begins at
// a multiple of 8.
func Write(w io.Writer, entries []Entry, metadata map[string]string, data func(i int, w io.Writer) error) error {
	header, sizes, err := encodeHeader(entries, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for i, e := range entries {
		c := &counter{w: w}
		if err := data(i, c); err != nil {
			return fmt.Errorf("tensor %q: %w", e.Name, err)
		}
		if c.n != sizes[i] {
			return fmt.Errorf("tensor %q: wrote %d bytes, its shape needs %d", e.Name, c.n, sizes[i])
		}
	}
	return nil
}

type counter struct {
	w io.Writer
	n uint64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += uint64(n)
	return n, err
}

func encodeHeader(entries []Entry, metadata map[string]string) (header []byte, sizes []uint64, err error) {
	b := make([]byte, 8, 8+128*(len(entries)+1))
	b = append(b, '{')
	if len(metadata) > 0 {
		m, err := json.Marshal(metadata) // sorts its keys
		if err != nil {
			return nil, nil, err
		}
		b = append(append(b, `"__metadata__":`...), m...)
	}
	seen := map[string]bool{"__metadata__": true}
	var at uint64
	for _, e := range entries {
		if seen[e.Name] {
			return nil, nil, fmt.Errorf("tensor name %q is given twice or is reserved", e.Name)
		}
		seen[e.Name] = true
		n, ok := ByteSize(e.DType, e.Shape)
		if !ok || e.DType.Size() == 0 {
			return nil, nil, fmt.Errorf("tensor %q: no such tensor as %s of shape %v", e.Name, e.DType, e.Shape)
		}
		name, err := json.Marshal(e.Name)
		if err != nil {
			return nil, nil, err
		}
		shape := e.Shape
		if shape == nil {
			shape = []int{}
		}
		v, err := json.Marshal(struct {
			DType   dtype.DType `json:"dtype"`
			Shape   []int       `json:"shape"`
			Offsets [2]uint64   `json:"data_offsets"`
		}{e.DType, shape, [2]uint64{at, at + n}})
		if err != nil {
			return nil, nil, err
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, name...), ':'), v...)
		sizes = append(sizes, n)
		at += n
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	if len(b)-8 > MaxHeader {
		return nil, nil, fmt.Errorf("header of %d bytes exceeds the format's limit of %d", len(b)-8, MaxHeader)
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-8))
	return b, sizes, nil
}
