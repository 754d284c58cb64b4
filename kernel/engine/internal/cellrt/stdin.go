package cellrt

import (
	"fmt"
	"io"
	"sync"

	"govle/kernel/display"
)

// Stdin stands for os.Stdin where a cell passes it on as a reader: each line is
// asked from the user when it is wanted.
var Stdin io.Reader = &lines{}

// lines reads lines from the front end.
type lines struct {
	mu   sync.Mutex
	rest string
}

// Read asks for a line when the last one is used up. A front end that cannot
// ask gives an error, not the end of the input.
func (l *lines) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	if l.rest == "" {
		s, err := display.Input("")
		if err != nil {
			return 0, err
		}
		l.rest = s + "\n"
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// Scan stands for fmt.Scan.
func Scan(a ...any) (int, error) { return fmt.Fscan(Stdin, a...) }

// Scanln stands for fmt.Scanln.
func Scanln(a ...any) (int, error) { return fmt.Fscanln(Stdin, a...) }

// Scanf stands for fmt.Scanf.
func Scanf(format string, a ...any) (int, error) { return fmt.Fscanf(Stdin, format, a...) }
