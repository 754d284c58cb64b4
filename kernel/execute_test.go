package kernel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"govle/kernel/client"
)

// TestExecute checks what each kind of cell publishes and in which order.
func TestExecute(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	for _, tt := range []struct {
		name, code string
		opts       client.ExecuteOptions
		status     string
		want       []string
	}{
		{"print", "print hello", client.ExecuteOptions{}, "ok",
			[]string{"status busy", "execute_input print hello", "stream stdout hello", "status idle"}},
		{"prints are gathered", "print a\nprint b", client.ExecuteOptions{}, "ok",
			[]string{"status busy", "execute_input print a print b", "stream stdout a b", "status idle"}},
		{"streams keep their order", "print a\nprinterr b\nprint c", client.ExecuteOptions{}, "ok",
			[]string{"status busy", "execute_input print a printerr b print c", "stream stdout a", "stream stderr b", "stream stdout c", "status idle"}},
		{"value", "value 42", client.ExecuteOptions{}, "ok",
			[]string{"status busy", "execute_input value 42", "execute_result 42", "status idle"}},
		{"error after output", "print a\nerror bad", client.ExecuteOptions{}, "error",
			[]string{"status busy", "execute_input print a error bad", "stream stdout a", "error Panic", "status idle"}},
		{"display, update, clear", "show one\nupdate two\nclear", client.ExecuteOptions{}, "ok",
			[]string{"status busy", "execute_input show one update two clear", "display_data one", "update_display_data two", "clear_output", "status idle"}},
		{"silent", "print a\nshow b\nvalue 1", client.ExecuteOptions{Silent: true}, "ok",
			[]string{"status busy", "status idle"}},
		{"silent error", "error x", client.ExecuteOptions{Silent: true}, "error",
			[]string{"status busy", "status idle"}},
		{"comm messages pass when silent", "open c1", client.ExecuteOptions{Silent: true}, "ok",
			[]string{"status busy", "comm_open", "status idle"}},
		{"empty", "", client.ExecuteOptions{}, "ok",
			[]string{"status busy", "execute_input", "status idle"}},
		{"broken UTF-8", `raw a\xffb`, client.ExecuteOptions{}, "ok",
			[]string{"status busy", `execute_input raw a\xffb`, "stream stdout a\uFFFDb", "status idle"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, c, tt.code, tt.opts)
			if got.reply.Status != tt.status {
				t.Errorf("status %q, want %q", got.reply.Status, tt.status)
			}
			if g, w := strings.Join(got.lines, "\n"), strings.Join(tt.want, "\n"); g != w {
				t.Errorf("published\n%s\nwant\n%s", g, w)
			}
		})
	}
}

// TestErrorReply checks that the reply carries what iopub carries.
func TestErrorReply(t *testing.T) {
	tk := startKernel(t)
	got := run(t, tk.connect(t), "error bad thing", client.ExecuteOptions{}).reply
	if got.EName != "Panic" || got.EValue != "bad thing" || len(got.Traceback) != 1 || !strings.Contains(got.Traceback[0], "\x1b[31m") {
		t.Errorf("reply %+v", got)
	}
}

// TestExecutionCount checks which cells are counted.
func TestExecutionCount(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	for i, tt := range []struct {
		opts client.ExecuteOptions
		want int
	}{
		{client.ExecuteOptions{}, 1},
		{client.ExecuteOptions{NoHistory: true}, 2},
		{client.ExecuteOptions{Silent: true}, 2},
		{client.ExecuteOptions{}, 2},
		{client.ExecuteOptions{}, 3},
	} {
		if got := run(t, c, "print x", tt.opts).reply.ExecutionCount; got != tt.want {
			t.Errorf("cell %d has count %d, want %d", i, got, tt.want)
		}
	}
}

// TestUserExpressions checks values, errors and that nothing is shown.
func TestUserExpressions(t *testing.T) {
	tk := startKernel(t)
	got := run(t, tk.connect(t), "print x", client.ExecuteOptions{UserExpressions: map[string]string{
		"v": "value 7", "e": "error no", "n": "print quiet",
	}})
	want := map[string]string{
		"v": `"status":"ok"`, "e": `"ename":"Panic"`, "n": `"ename":"NoValue"`,
	}
	for name, part := range want {
		if !strings.Contains(string(got.reply.UserExpressions[name]), part) {
			t.Errorf("expression %s is %s, want %s", name, got.reply.UserExpressions[name], part)
		}
	}
	if got.text["stdout"] != "x\n" {
		t.Errorf("stdout %q, want only the cell's own", got.text["stdout"])
	}
	if got := run(t, tk.connect(t), "error x", client.ExecuteOptions{UserExpressions: map[string]string{"v": "value 1"}}).reply.UserExpressions; len(got) != 0 {
		t.Errorf("expressions %v were evaluated after an error", got)
	}
}

// TestStopOnError checks that what is queued behind a failed cell is aborted, only
// if that is asked for, and only what was queued.
func TestStopOnError(t *testing.T) {
	for _, tt := range []struct {
		name string
		on   bool
		want string
	}{{"stop", true, "aborted"}, {"go on", false, "ok"}} {
		t.Run(tt.name, func(t *testing.T) {
			tk := startKernel(t)
			c := tk.connect(t)
			replies := make(chan string, 2)
			go func() {
				replies <- run(t, c, "sleep 50ms\nerror x", client.ExecuteOptions{ContinueOnError: !tt.on}).reply.Status
			}()
			eventually(t, "the first cell runs", func() bool { return len(tk.fake.sources()) == 1 })
			second := make(chan transcript, 1)
			go func() { second <- run(t, c, "print second", client.ExecuteOptions{}) }()
			if got := <-replies; got != "error" {
				t.Errorf("the failing cell's status is %q", got)
			}
			got := <-second
			if got.reply.Status != tt.want {
				t.Errorf("the queued cell's status is %q, want %q", got.reply.Status, tt.want)
			}
			if tt.on && strings.Join(got.lines, ", ") != "status busy, status idle" {
				t.Errorf("the aborted cell published %q", got.lines)
			}
			if got := run(t, c, "print third", client.ExecuteOptions{}).reply.Status; got != "ok" {
				t.Errorf("a later cell's status is %q, want ok", got)
			}
		})
	}
}

// TestLateOutput checks that output of a goroutine belongs to its cell, also when
// another cell ran since.
func TestLateOutput(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	late := make(chan string, 1)
	watch := tk.listenIOPub(t)
	run(t, c, "later 100ms", client.ExecuteOptions{})
	run(t, c, "print other", client.ExecuteOptions{})
	go func() {
		first := ""
		for m := range watch {
			switch {
			case m.Header.MsgType == "execute_input" && first == "":
				first = m.Parent.MsgID
			case m.Header.MsgType == "stream" && strings.Contains(string(m.Content), "late"):
				if m.Parent.MsgID == first {
					late <- "its own cell"
				} else {
					late <- "another cell"
				}
				return
			}
		}
	}()
	select {
	case got := <-late:
		if got != "its own cell" {
			t.Errorf("late output came under %s", got)
		}
	case <-time.After(5 * time.Second):
		t.Error("late output never came")
	}
}

// TestPager checks the help forms of a cell.
func TestPager(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	for _, code := range []string{"?print", "print?", "??print", " print ? "} {
		got := run(t, c, code, client.ExecuteOptions{}).reply
		if len(got.Payload) != 1 || got.Payload[0]["source"] != "page" {
			t.Errorf("%q has payload %v, want one page", code, got.Payload)
			continue
		}
		if source := strings.Contains(fmt.Sprint(got.Payload[0]["data"]), "detail 1"); source != strings.Contains(code, "??") {
			t.Errorf("%q has payload %v", code, got.Payload)
		}
	}
	if got := run(t, c, "print a ? b", client.ExecuteOptions{}); got.text["stdout"] != "a ? b\n" {
		t.Errorf("a cell with a question mark inside printed %q", got.text["stdout"])
	}
}
