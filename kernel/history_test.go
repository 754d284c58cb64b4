package kernel

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"govle/kernel/client"
	"govle/kernel/wire"
)

// historyReply asks for history and returns it as JSON.
func historyReply(t *testing.T, c *client.Client, query map[string]any) string {
	t.Helper()
	return encoded(t, ask(t, c, wire.Shell, "history_request", query)["history"])
}

// TestHistoryOfSessions checks the three access types over sessions that share a
// file, one of which still runs.
func TestHistoryOfSessions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "history.jsonl")
	session := func(cells ...string) *client.Client {
		tk := &testKernel{historyFile: file}
		tk.startFake(t)
		c := tk.connect(t)
		for _, cell := range cells {
			run(t, c, cell, client.ExecuteOptions{})
		}
		run(t, c, "print silent", client.ExecuteOptions{Silent: true})
		run(t, c, "print unstored", client.ExecuteOptions{NoHistory: true})
		tk.history.file.flush()
		return c
	}
	first := session("print one", "value 2", "error <&>\n\"é\"")
	session("print one", "print two")
	third := session("print three")
	idle := session()
	type object = map[string]any
	for _, tt := range []struct {
		name  string
		c     *client.Client
		query object
		want  string
	}{
		{"tail", third, object{"hist_access_type": "tail", "n": 3}, `[[2,1,"print one"],[2,2,"print two"],[3,1,"print three"]]`},
		{"tail of everything", third, object{"hist_access_type": "tail", "n": 99}, `[[1,1,"print one"],[1,2,"value 2"],[1,3,"error \u003c\u0026\u003e\n\"é\""],[2,1,"print one"],[2,2,"print two"],[3,1,"print three"]]`},
		{"own session last", first, object{"hist_access_type": "tail", "n": 2, "output": true}, `[[1,2,["value 2","2"]],[1,3,["error \u003c\u0026\u003e\n\"é\"",null]]]`},
		{"outputs of the past are not kept", third, object{"hist_access_type": "range", "session": 1, "start": 2, "stop": 3, "output": true}, `[[1,2,["value 2",null]]]`},
		{"range of this", third, object{"hist_access_type": "range", "session": 0, "start": 1}, `[[3,1,"print three"]]`},
		{"range by number", third, object{"hist_access_type": "range", "session": 2, "start": 1, "stop": 2}, `[[2,1,"print one"]]`},
		{"range before this", third, object{"hist_access_type": "range", "session": -1, "start": 0}, `[[2,1,"print one"],[2,2,"print two"]]`},
		{"lines from the end", third, object{"hist_access_type": "range", "session": -2, "start": -2, "stop": -1}, `[[1,2,"value 2"]]`},
		{"before the first", third, object{"hist_access_type": "range", "session": -9, "start": 0}, `[]`},
		{"search", third, object{"hist_access_type": "search", "pattern": "print *e*"}, `[[1,1,"print one"],[2,1,"print one"],[3,1,"print three"]]`},
		{"search unique", third, object{"hist_access_type": "search", "pattern": "print *", "unique": true}, `[[2,1,"print one"],[2,2,"print two"],[3,1,"print three"]]`},
		{"search n", third, object{"hist_access_type": "search", "pattern": "print *", "n": 1}, `[[3,1,"print three"]]`},
		{"before the first cell", idle, object{"hist_access_type": "range", "session": -1, "start": 1}, `[[3,1,"print three"]]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := historyReply(t, tt.c, tt.query); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	for path, want := range map[string]fs.FileMode{file: 0o600, filepath.Dir(file): 0o700 | fs.ModeDir} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s has mode %v (%v), want %v", path, info.Mode(), err, want)
		}
	}
}

// TestHistoryOff checks that nothing is written when there is no file.
func TestHistoryOff(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	run(t, c, "print one", client.ExecuteOptions{})
	if got := historyReply(t, c, map[string]any{"hist_access_type": "tail", "n": 9}); got != `[[1,1,"print one"]]` {
		t.Errorf("history %s", got)
	}
	if tk.history.file != nil {
		t.Error("there is a file")
	}
}

// TestHistoryUnwritable checks that a file that cannot be had fails no cell and is
// told of once.
func TestHistoryUnwritable(t *testing.T) {
	tk := &testKernel{historyFile: t.TempDir()} // a folder
	tk.startFake(t)
	c := tk.connect(t)
	for range 3 {
		run(t, c, "print one", client.ExecuteOptions{})
		tk.history.file.flush()
	}
	if got := historyReply(t, c, map[string]any{"hist_access_type": "tail", "n": 1}); got != `[[1,3,"print one"]]` {
		t.Errorf("history %s", got)
	}
	if n := strings.Count(tk.logs.String(), "is not kept"); n != 1 {
		t.Errorf("told %d times: %s", n, tk.logs)
	}
}

// TestHistoryShared has many sessions write at once, with and without the file
// being cut: each has its own number, nothing is damaged or, without a cut, lost.
func TestHistoryShared(t *testing.T) {
	const sessions, cells = 8, 60
	for _, limit := range []int64{maxHistoryFile, 4096} {
		t.Run(fmt.Sprint("limit ", limit), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "h")
			numbers := make([]int, sessions)
			var all sync.WaitGroup
			for i := range sessions {
				all.Go(func() {
					f := newHistoryFile(path, slog.New(slog.DiscardHandler))
					f.limit = limit
					for line := range cells {
						f.add(historyEntry{line: line + 1, input: fmt.Sprintf("session %d\nline %d", i, line+1)})
						if line%10 == 0 {
							f.flush()
						}
					}
					f.flush()
					numbers[i] = f.session
				})
			}
			all.Wait()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			entries, last := parseHistory(data)
			lines := strings.Count(string(data), "\n")
			if limit == maxHistoryFile && len(entries) != sessions*cells {
				t.Errorf("%d entries of %d", len(entries), sessions*cells)
			}
			if limit == 4096 && (int64(len(data)) > limit || lines != len(entries)+1) {
				t.Errorf("%d bytes, %d lines, %d entries", len(data), lines, len(entries))
			}
			of := map[string]bool{}
			for _, e := range entries {
				own, _, _ := strings.Cut(e.input, "\n")
				of[fmt.Sprint(e.session, own)] = true
				if !strings.HasSuffix(e.input, fmt.Sprintf("\nline %d", e.line)) {
					t.Errorf("entry %+v", e)
				}
			}
			if len(of) > sessions {
				t.Errorf("sessions share numbers: %v", of)
			}
			seen := map[int]bool{}
			for _, n := range numbers {
				if n < 1 || n > last || seen[n] {
					t.Errorf("session numbers %v, the newest %d", numbers, last)
				}
				seen[n] = true
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestHistoryDamaged checks files that somebody else wrote or that broke off.
func TestHistoryDamaged(t *testing.T) {
	for name, tt := range map[string]struct {
		before  string
		session int // of the next one
		entries int // from before
	}{
		"empty":            {"", 1, 0},
		"broken off":       {"{\"session\":4,\"line\":1,\"input\":\"a\"}\n{\"session\":4,\"li", 5, 1},
		"binary":           {"\x00\xff\n\x01", 1, 0},
		"other JSON":       {"[1]\n{}\n\"x\"\n{\"session\":-3,\"line\":1,\"input\":\"a\"}\n", 1, 0},
		"a huge number":    {"{\"session\":9223372036854775807,\"line\":1,\"input\":\"a\"}\n", 1, 0},
		"a head and lines": {"{\"session\":9,\"line\":0,\"input\":\"\"}\n{\"session\":2,\"line\":7,\"input\":\"a\"}\n", 10, 1},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "h")
			if err := os.WriteFile(path, []byte(tt.before), 0o600); err != nil {
				t.Fatal(err)
			}
			f := newHistoryFile(path, slog.New(slog.DiscardHandler))
			f.add(historyEntry{line: 1, input: "new"})
			entries, session := f.read()
			if session != tt.session || len(entries) != tt.entries+1 || entries[tt.entries].input != "new" {
				t.Errorf("session %d with %+v", session, entries)
			}
		})
	}
}

// FuzzParseHistory must not panic, and what it reads has numbers in their bounds.
func FuzzParseHistory(f *testing.F) {
	f.Add([]byte("{\"session\":1,\"line\":1,\"input\":\"x := 1\"}\n{\"session\":1,"))
	f.Add([]byte("{\"session\":3,\"line\":0,\"input\":\"\"}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, last := parseHistory(data)
		for _, e := range entries {
			if e.session < 1 || e.session > last || e.line < 1 {
				t.Errorf("entry %+v with newest session %d", e, last)
			}
		}
		if half := newestHalf(append(data, '\n'), 64); len(half) == 0 {
			t.Error("nothing is left of the newest half")
		}
	})
}
