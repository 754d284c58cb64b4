package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// batteryCell is a cell of the battery: a part of its error's text, what it
// prints, what it shows ("<none>": nothing).
type batteryCell struct {
	Src       string   `json:"src"`
	Value     *string  `json:"value"`
	Stdout    *string  `json:"stdout"`
	Error     *string  `json:"error"`
	Interrupt *float64 `json:"interrupt_after_s"`
}

type batteryTest struct {
	Name  string        `json:"name"`
	Cells []batteryCell `json:"cells"`
}

func readBattery(t *testing.T, path string) (tests []batteryTest) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("no battery to run: %v", err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if strings.TrimSpace(sc.Text()) == "" {
			continue
		}
		var bt batteryTest
		if err := json.Unmarshal(sc.Bytes(), &bt); err != nil {
			t.Fatalf("%s: %v in %s", path, err, sc.Text())
		}
		tests = append(tests, bt)
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return tests
}

func runBattery(t *testing.T, tests []batteryTest) {
	e, sink := own(t)
	for _, bt := range tests {
		t.Run(bt.Name, func(t *testing.T) {
			for i, c := range bt.Cells {
				id := cellID()
				start := time.Now()
				if c.Interrupt != nil {
					timer := time.AfterFunc(time.Duration(*c.Interrupt*float64(time.Second)), e.Interrupt)
					defer timer.Stop()
				}
				r := e.Execute(context.Background(), Cell{ID: id, Count: cellCount(), Source: c.Src})
				if testing.Verbose() {
					t.Logf("cell %d: %v", i, time.Since(start).Round(time.Millisecond))
				}
				if c.Error == nil && r.Err != nil {
					t.Fatalf("cell %d: %v\n%s", i, r.Err, strings.Join(r.Err.Traceback, "\n"))
				}
				if c.Error != nil && *c.Error != "?" {
					if r.Err == nil {
						t.Fatalf("cell %d: no error, want %q", i, *c.Error)
					}
					text := r.Err.Name + "\n" + r.Err.Value + "\n" + strings.Join(r.Err.Traceback, "\n")
					if *c.Error != "*" && !strings.Contains(text, *c.Error) {
						t.Fatalf("cell %d: error %q lacks %q", i, text, *c.Error)
					}
				}
				if c.Value != nil {
					got := "<none>"
					if r.Value != nil {
						got, _ = r.Value["text/plain"].(string)
					}
					if got != *c.Value {
						t.Fatalf("cell %d: value %q, want %q", i, got, *c.Value)
					}
				}
				if c.Stdout != nil && sink.text(id, "stdout") != *c.Stdout {
					t.Fatalf("cell %d: stdout %q, want %q", i, sink.text(id, "stdout"), *c.Stdout)
				}
			}
		})
	}
}

// TestBattery runs the cells that every kernel of this project is held to.
func TestBattery(t *testing.T) {
	runBattery(t, readBattery(t, filepath.Join("..", "..", "..", "shared", "kernel", "battery.jsonl")))
}
