package kernel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// maxHistoryFile is the size at which the file is cut to its newest half.
	maxHistoryFile = 2 << 20
	// maxHistoryInput is the length of the longest source that is kept.
	maxHistoryInput = 64 << 10
	// historyLockWait is how long to wait while another kernel writes.
	historyLockWait = 2 * time.Second
)

// historyFile keeps cells over sessions: one line of JSON for each, oldest first.
// Kernels that share it append under a lock on the file; one that cuts it puts a
// new file in its place. Writing goes on beside the cells.
type historyFile struct {
	path  string
	limit int64 // maxHistoryFile, less in tests
	log   *slog.Logger

	mu      sync.Mutex
	session int // number of this session; 0 until its first cell is written
	waiting []historyEntry
	writing bool
	idle    *sync.Cond // writing became false
	warned  bool
}

// historyLine is an entry as the file has it.
type historyLine struct {
	Session int    `json:"session"`
	Line    int    `json:"line"`
	Input   string `json:"input"`
}

func newHistoryFile(path string, log *slog.Logger) *historyFile {
	f := &historyFile{path: path, limit: maxHistoryFile, log: log}
	f.idle = sync.NewCond(&f.mu)
	return f
}

// add appends an entry of this session, soon.
func (f *historyFile) add(e historyEntry) {
	if len(e.input) > maxHistoryInput {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, e)
	if !f.writing {
		f.writing = true
		go f.write()
	}
}

// write writes until nothing waits. A file that cannot be written is told of once;
// it fails no cell.
func (f *historyFile) write() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.waiting) > 0 {
		batch, session := f.waiting, f.session
		f.waiting = nil
		f.mu.Unlock()
		session, err := f.append(batch, session)
		f.mu.Lock()
		f.session = session
		if err != nil && !f.warned {
			f.warned = true
			f.log.Warn("the history of this session is not kept", "file", f.path, "error", err)
		}
	}
	f.writing = false
	f.idle.Broadcast()
}

// flush waits until what was added is written.
func (f *historyFile) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.writing {
		f.idle.Wait()
	}
}

// append writes entries. A session without a number gets the next one that the
// file has not seen.
func (f *historyFile) append(batch []historyEntry, session int) (int, error) {
	file, err := openLocked(f.path)
	if err != nil {
		return session, err
	}
	defer file.Close() // which unlocks it
	info, err := file.Stat()
	if err != nil {
		return session, err
	}
	if session == 0 {
		data, err := io.ReadAll(io.LimitReader(file, 2*maxHistoryFile))
		if err != nil {
			return 0, err
		}
		_, last := parseHistory(data)
		session = last + 1
	}
	var b bytes.Buffer
	end := []byte{'\n'}
	if info.Size() > 0 {
		if _, err := file.ReadAt(end, info.Size()-1); err != nil {
			return session, err
		}
	}
	if end[0] != '\n' {
		b.WriteByte('\n') // a kernel was killed as it wrote
	}
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	for _, e := range batch {
		if err := lines.Encode(historyLine{session, e.line, e.input}); err != nil {
			return session, err
		}
	}
	if _, err := file.Write(b.Bytes()); err != nil || info.Size()+int64(b.Len()) <= f.limit {
		return session, err
	}
	return session, f.cut(file)
}

// cut puts the newest half of the file, which is locked, in its place. A first line
// without a source keeps the newest session's number, which lines that go may be
// the only ones to have.
func (f *historyFile) cut(file *os.File) error {
	data, err := io.ReadAll(io.NewSectionReader(file, 0, 2*maxHistoryFile))
	if err != nil {
		return err
	}
	_, last := parseHistory(data)
	head, err := json.Marshal(historyLine{Session: last})
	if err != nil {
		return err
	}
	return f.replace(append(append(head, '\n'), newestHalf(data, int(f.limit/2))...))
}

// newestHalf returns the last whole lines of data, at most size bytes and at least
// the last line.
func newestHalf(data []byte, size int) []byte {
	from := max(0, len(data)-size)
	last := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1
	if i := bytes.IndexByte(data[from:], '\n'); i >= 0 && from+i+1 < last {
		return data[from+i+1:]
	}
	return data[last:]
}

// replace puts a file with other content in the place of the one that is locked.
func (f *historyFile) replace(data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(f.path), ".govle-history-") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), f.path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

// openLocked opens the file for appending, made if need be, and locks it.
func openLocked(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(historyLockWait); ; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("another process keeps %s locked", path)
		}
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is no file; name another one", path)
		}
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, err
		}
		if tryLock(file) {
			// Another kernel may have put a new file in its place meanwhile.
			mine, err := file.Stat()
			now, errNow := os.Stat(path)
			if err == nil && errNow == nil && os.SameFile(mine, now) {
				return file, nil
			}
		}
		file.Close()
	}
}

// read returns all entries of the file, this session's included, and the number
// of this session; one that has stored nothing gets the number that would come.
func (f *historyFile) read() (entries []historyEntry, session int) {
	f.flush()
	f.mu.Lock()
	session = f.session
	f.mu.Unlock()
	if file, err := os.Open(f.path); err == nil {
		defer file.Close()
		// What another kernel is writing now is at most an unfinished last line.
		if data, err := io.ReadAll(io.LimitReader(file, 2*maxHistoryFile)); err == nil {
			var last int
			if entries, last = parseHistory(data); session == 0 {
				return entries, last + 1
			}
		}
	}
	return entries, max(session, 1)
}

// parseHistory reads the lines of a history file, and the newest session's number.
// A damaged line is passed over: it is no reason to lose the others.
func parseHistory(data []byte) (entries []historyEntry, last int) {
	for line := range bytes.Lines(data) {
		var l historyLine
		if json.Unmarshal(line, &l) != nil || l.Session <= 0 || l.Session >= maxSession || l.Line < 0 {
			continue
		}
		last = max(last, l.Session)
		if l.Line > 0 {
			entries = append(entries, historyEntry{session: l.Session, line: l.Line, input: l.Input})
		}
	}
	return entries, last
}

// maxSession is beyond any session number that this program writes.
const maxSession = 1 << 31
