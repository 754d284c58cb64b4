package records

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxLine bounds a line, so that a file without line ends does not fill memory.
const maxLine = 16 << 20

// Lines is a file with a record a line, of which any can be read. Empty lines
// are passed over. Its methods are safe for several goroutines at once; Close
// ends them.
type Lines struct {
	f     *os.File
	spans []span
}

type span struct {
	at   int64
	size int32
	line int32
}

// OpenLines finds the lines of a file.
func OpenLines(file string) (*Lines, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	l := &Lines{f: f}
	r := bufio.NewReaderSize(f, 256<<10)
	var at int64
	for line := int32(1); ; line++ {
		size, blank, err := nextLine(r)
		if size > maxLine {
			f.Close()
			return nil, fmt.Errorf("%s:%d: the line is longer than %d MiB", file, line, maxLine>>20)
		}
		if !blank {
			l.spans = append(l.spans, span{at, int32(size), line})
		}
		at += int64(size)
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
	}
}

// nextLine passes a line and its end; a line too long is left in its midst.
func nextLine(r *bufio.Reader) (size int, blank bool, err error) {
	blank = true
	for size <= maxLine {
		part, err := r.ReadSlice('\n')
		size += len(part)
		blank = blank && len(bytes.TrimSpace(part)) == 0
		if !errors.Is(err, bufio.ErrBufferFull) {
			return size, blank, err
		}
	}
	return size, blank, nil
}

// Len returns the number of lines with something in them.
func (l *Lines) Len() int { return len(l.spans) }

// Close closes the file.
func (l *Lines) Close() error { return l.f.Close() }

// Text returns line i without its end, as a record whose Errorf names it.
func (l *Lines) Text(i int) (Record[string], error) {
	s := l.spans[i]
	rec := Record[string]{file: l.f.Name(), line: int(s.line)}
	data := make([]byte, s.size)
	if _, err := l.f.ReadAt(data, s.at); err != nil {
		return rec, rec.Errorf("%w", err)
	}
	rec.Value = string(bytes.TrimRight(data, "\r\n"))
	return rec, nil
}

// JSON decodes line i.
func JSON[T any](l *Lines, i int) (Record[T], error) {
	text, err := l.Text(i)
	var none T
	rec := At(text, none)
	if err != nil {
		return rec, err
	}
	if err := json.Unmarshal([]byte(text.Value), &rec.Value); err != nil {
		return rec, rec.Errorf("%w", err)
	}
	return rec, nil
}

// At is a record that stands where another stands.
func At[T, U any](r Record[U], value T) Record[T] {
	return Record[T]{Value: value, file: r.file, entry: r.entry, at: r.at, line: r.line}
}
