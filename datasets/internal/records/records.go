// Package records streams the records of data-set files, JSON lists and JSON
// lines, and knows for each in which file, line and entry it stands.
package records

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
)

// Record is one entry of a file.
type Record[T any] struct {
	Value T
	file  string
	entry string // "questions[12]"; empty for a line of its own
	at    int64  // byte offset where it starts; used when line is 0
	line  int
}

// Errorf makes an error that names the file, the line and the entry.
func (r Record[T]) Errorf(format string, args ...any) error {
	line := r.line
	if line == 0 {
		line = lineAt(r.file, r.at)
	}
	err := fmt.Errorf(format, args...)
	if r.entry == "" {
		return fmt.Errorf("%s:%d: %w", r.file, line, err)
	}
	return fmt.Errorf("%s:%d: %s: %w", r.file, line, r.entry, err)
}

// lineAt is the line of the first thing at or after an offset, white space and
// commas passed over; only errors need it.
func lineAt(file string, offset int64) int {
	f, err := os.Open(file)
	if err != nil {
		return 0
	}
	defer f.Close()
	line, r := 1, bufio.NewReaderSize(f, 64<<10)
	for at := int64(0); ; at++ {
		c, err := r.ReadByte()
		if err != nil || at >= offset && bytes.IndexByte([]byte(" \t\r\n,"), c) < 0 {
			return line
		}
		if c == '\n' {
			line++
		}
	}
}

// List streams a JSON list: the whole file when key is empty, else the list
// under that key of the object that the file holds. Other keys are passed over.
// It ends after the first error.
func List[T any](file, key string) iter.Seq2[Record[T], error] {
	return func(yield func(Record[T], error) bool) {
		f, err := os.Open(file)
		if err != nil {
			yield(Record[T]{}, err)
			return
		}
		defer f.Close()
		l := list[T]{dec: json.NewDecoder(bufio.NewReaderSize(f, 256<<10)), file: file, key: key, yield: yield}
		if err := l.read(); err != nil && !errors.Is(err, errStopped) {
			yield(Record[T]{}, err)
		}
	}
}

// errStopped says that the reader of the stream wants no more.
var errStopped = errors.New("stopped")

type list[T any] struct {
	dec       *json.Decoder
	file, key string
	yield     func(Record[T], error) bool
}

func (l *list[T]) read() error {
	if l.key == "" {
		if err := l.items(); err != nil {
			return err
		}
		return l.end()
	}
	if err := l.open('{', "an object"); err != nil {
		return err
	}
	found := false
	for l.dec.More() {
		name, err := l.dec.Token()
		if err != nil {
			return l.fail(err)
		}
		if name == l.key && !found {
			found = true
			err = l.items()
		} else {
			var skip json.RawMessage
			if err = l.dec.Decode(&skip); err != nil {
				err = l.fail(err)
			}
		}
		if err != nil {
			return err
		}
	}
	if _, err := l.dec.Token(); err != nil {
		return l.fail(err)
	}
	if !found {
		return fmt.Errorf("%s: no list %q at the top of the file; is it the right file?", l.file, l.key)
	}
	return l.end()
}

func (l *list[T]) items() error {
	if err := l.open('[', "a list"); err != nil {
		return err
	}
	for n := 0; l.dec.More(); n++ {
		rec := Record[T]{file: l.file, entry: fmt.Sprintf("%s[%d]", l.key, n), at: l.dec.InputOffset()}
		if l.key == "" {
			rec.entry = fmt.Sprintf("entry %d", n)
		}
		if err := l.dec.Decode(&rec.Value); err != nil {
			return rec.Errorf("%w", clarify(err))
		}
		if !l.yield(rec, nil) {
			return errStopped
		}
	}
	if _, err := l.dec.Token(); err != nil {
		return l.fail(err)
	}
	return nil
}

// open reads the delimiter that the file or the list must start with.
func (l *list[T]) open(d json.Delim, what string) error {
	t, err := l.dec.Token()
	if err != nil {
		return l.fail(err)
	}
	if t != d {
		where := "the file"
		if l.key != "" && d == '[' {
			where = fmt.Sprintf("%q", l.key)
		}
		return fmt.Errorf("%s:%d: %s is not %s", l.file, lineAt(l.file, l.dec.InputOffset()), where, what)
	}
	return nil
}

// end checks that nothing follows.
func (l *list[T]) end() error {
	if _, err := l.dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s:%d: something follows the end of the JSON", l.file, lineAt(l.file, l.dec.InputOffset()))
	}
	return nil
}

func (l *list[T]) fail(err error) error {
	return fmt.Errorf("%s:%d: %w", l.file, lineAt(l.file, l.dec.InputOffset()), clarify(err))
}

// clarify says what the end of a file in the middle of JSON means.
func clarify(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file ends in the middle of its JSON; was it cut short?")
	}
	return err
}
