package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// errCancelled is the answer to Ctrl-C at a prompt.
var errCancelled = errors.New("cancelled")

// lineReader reads lines from a terminal, with editing and history, or from
// anything else plainly. The terminal is in raw mode only while a line is read,
// so that Ctrl-C is a signal while a piece runs.
type lineReader struct {
	terminal bool
	// complete lists what could stand at a position of a line.
	complete func(line string, pos int) (words []string, start int)

	in    *os.File
	out   *os.File
	plain *bufio.Reader
	edit  *term.Terminal
	last  byte // the last byte that was typed
}

func newLineReader(in, out *os.File) *lineReader {
	r := &lineReader{in: in, out: out}
	r.terminal = term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd()))
	if !r.terminal {
		r.plain = bufio.NewReader(in)
		return r
	}
	r.edit = term.NewTerminal(r, "")
	r.edit.AutoCompleteCallback = r.onKey
	return r
}

// Read and Write are what the editor reads keys from and draws on.
func (r *lineReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if n > 0 {
		r.last = p[n-1]
	}
	return n, err
}

func (r *lineReader) Write(p []byte) (int, error) { return r.out.Write(p) }

// read reads a line without its end. io.EOF comes with the last one.
func (r *lineReader) read(prompt string) (string, error) {
	if !r.terminal {
		line, err := r.plain.ReadString('\n')
		return strings.TrimSuffix(line, "\n"), err
	}
	return r.raw(func() (string, error) {
		r.edit.SetPrompt(prompt)
		return r.edit.ReadLine()
	})
}

// readPassword reads a line that is not shown.
func (r *lineReader) readPassword(prompt string) (string, error) {
	if !r.terminal {
		return r.read(prompt)
	}
	return r.raw(func() (string, error) { return r.edit.ReadPassword(prompt) })
}

// raw calls f with the terminal in raw mode.
func (r *lineReader) raw(f func() (string, error)) (string, error) {
	fd := int(r.in.Fd())
	state, err := term.MakeRaw(fd)
	if err != nil {
		return "", err
	}
	defer term.Restore(fd, state)
	if width, height, err := term.GetSize(int(r.out.Fd())); err == nil && width > 0 {
		r.edit.SetSize(width, height)
	}
	r.last = 0
	line, err := f()
	if err == io.EOF {
		fmt.Fprint(r.out, "\r\n")
		if r.last == 3 { // the editor does not tell Ctrl-C from Ctrl-D
			return "", errCancelled
		}
	}
	if err == term.ErrPasteIndicator {
		err = nil
	}
	return line, err
}

// onKey completes the word before the cursor when Tab is typed: as far as all
// candidates agree, which are listed when that is no further.
func (r *lineReader) onKey(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' || r.complete == nil {
		return "", 0, false
	}
	if strings.TrimSpace(line[:pos]) == "" {
		return line[:pos] + "\t" + line[pos:], pos + 1, true
	}
	words, start := r.complete(line, pos)
	if len(words) == 0 || start > pos {
		return line, pos, true
	}
	common := words[0]
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, common) {
			common = common[:len(common)-1]
		}
	}
	if len(common) > pos-start || len(words) == 1 {
		return line[:start] + common + line[pos:], start + len(common), true
	}
	shown := words[:min(len(words), 60)]
	fmt.Fprintln(r.edit, strings.Join(shown, "  "))
	if more := len(words) - len(shown); more > 0 {
		fmt.Fprintf(r.edit, "… and %d more\n", more)
	}
	return line, pos, true
}
