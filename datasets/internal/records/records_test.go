package records

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestLines(t *testing.T) {
	l, err := OpenLines(file(t, "one\r\n\n  \nfour\n"+strings.Repeat("x", 300<<10)+"\nlast"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	want := []struct {
		text string
		line int
	}{{"one", 1}, {"four", 4}, {strings.Repeat("x", 300<<10), 5}, {"last", 6}}
	if l.Len() != len(want) {
		t.Fatalf("%d lines", l.Len())
	}
	var wg sync.WaitGroup
	for i, w := range want {
		wg.Go(func() {
			if r, err := l.Text(i); err != nil || r.Value != w.text || r.line != w.line {
				t.Errorf("line %d: %.20q at %d, %v", i, r.Value, r.line, err)
			}
		})
	}
	wg.Wait()
}

func TestLineTooLong(t *testing.T) {
	name := file(t, "short\n"+strings.Repeat("x", maxLine+1)+"\n")
	if _, err := OpenLines(name); err == nil || !strings.Contains(err.Error(), name+":2: the line is longer than 16 MiB") {
		t.Errorf("error %v", err)
	}
}

// TestListNamesTheLine puts entries on lines of their own and on shared ones.
func TestListNamesTheLine(t *testing.T) {
	name := file(t, "{\"more\": [1, {\"list\": 2}],\n\"list\": [\n1, 2,\n3\n,\n4], \"list\": 5}\n")
	var lines []string
	for rec, err := range List[int](name, "list") {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.TrimPrefix(rec.Errorf("%d", rec.Value).Error(), name+":"))
	}
	want := []string{"3: list[0]: 1", "3: list[1]: 2", "4: list[2]: 3", "6: list[3]: 4"}
	if strings.Join(lines, "; ") != strings.Join(want, "; ") {
		t.Errorf("%q, want %q", lines, want)
	}
	for range List[int](name, "list") {
		break // no error may follow
	}
}
