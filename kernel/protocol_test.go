package kernel

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"govle/kernel/client"
	"govle/kernel/wire"
)

// TestRequests checks the replies of the request kinds that run no cell, on the
// channels where they belong. want are parts of the reply's JSON.
func TestRequests(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	run(t, c, "print one", client.ExecuteOptions{})
	run(t, c, "value 2", client.ExecuteOptions{})
	run(t, c, "print one", client.ExecuteOptions{})
	run(t, c, "open c1", client.ExecuteOptions{Silent: true})
	type object = map[string]any
	for _, tt := range []struct {
		ch      wire.Channel
		kind    string
		content any
		want    []string
	}{
		{wire.Shell, "kernel_info_request", object{}, []string{`"status":"ok"`, `"protocol_version":"5.5"`, `"name":"go"`, `"file_extension":".go"`, `"mimetype":"text/x-go"`, `"pygments_lexer":"go"`, `"kernel subshells"`}},
		{wire.Control, "kernel_info_request", object{}, []string{`"implementation":"govle"`}},
		{wire.Shell, "connect_request", object{}, []string{`"shell_port":1`, `"hb_port":5`}},
		{wire.Shell, "complete_request", object{"code": "pé", "cursor_pos": 2}, []string{`"matches":["print"]`, `"cursor_start":0`, `"cursor_end":2`, `"type":"keyword"`, `pé@2`}},
		{wire.Shell, "complete_request", object{"code": "pr"}, []string{`"cursor_end":2`}},
		{wire.Shell, "complete_request", object{"code": "pr", "cursor_pos": 99}, []string{`"cursor_end":2`}},
		{wire.Shell, "complete_request", object{"code": 5}, []string{`"status":"error"`, `BadRequest`}},
		{wire.Shell, "inspect_request", object{"code": "print", "cursor_pos": 3, "detail_level": 1}, []string{`"found":true`, `print@3 detail 1`}},
		{wire.Shell, "inspect_request", object{"code": "zzz", "cursor_pos": 3}, []string{`"found":false`, `"data":{}`}},
		{wire.Shell, "is_complete_request", object{"code": "f() {"}, []string{`"status":"incomplete"`, `"indent":"\t"`}},
		{wire.Shell, "is_complete_request", object{"code": "}"}, []string{`"status":"invalid"`}},
		{wire.Shell, "is_complete_request", object{"code": "x"}, []string{`"status":"complete"`}},
		{wire.Shell, "history_request", object{"hist_access_type": "tail", "n": 2, "output": false, "raw": true}, []string{`"history":[[1,2,"value 2"],[1,3,"print one"]]`}},
		{wire.Shell, "history_request", object{"hist_access_type": "tail", "n": 2, "output": true, "raw": true}, []string{`[1,2,["value 2","2"]]`, `[1,3,["print one",null]]`}},
		{wire.Shell, "history_request", object{"hist_access_type": "range", "session": 0, "start": 1, "stop": 3}, []string{`"history":[[1,1,"print one"],[1,2,"value 2"]]`}},
		{wire.Shell, "history_request", object{"hist_access_type": "range", "session": 1, "start": 3}, []string{`"history":[[1,3,"print one"]]`}},
		{wire.Shell, "history_request", object{"hist_access_type": "range", "session": -1, "start": 1}, []string{`"history":[]`}},
		{wire.Shell, "history_request", object{"hist_access_type": "search", "pattern": "print*", "n": 10}, []string{`"history":[[1,1,"print one"],[1,3,"print one"]]`}},
		{wire.Shell, "history_request", object{"hist_access_type": "search", "pattern": "print*", "n": 10, "unique": true}, []string{`"history":[[1,3,"print one"]]`}},
		{wire.Shell, "history_request", object{"hist_access_type": "search", "pattern": "?alue [0-5]", "n": 10}, []string{`"history":[[1,2,"value 2"]]`}},
		{wire.Shell, "history_request", object{"hist_access_type": "nonsense"}, []string{`"status":"error"`, `nonsense`}},
		{wire.Shell, "comm_info_request", object{}, []string{`"comms":{"c1":{"target_name":"t"}}`}},
		{wire.Shell, "comm_info_request", object{"target_name": "other"}, []string{`"comms":{}`}},
		{wire.Control, "debug_request", object{"seq": 4, "type": "request", "command": "initialize"}, []string{`"success":false`, `"request_seq":4`, `"command":"initialize"`, `no debugger`}},
		{wire.Shell, "strange_request", object{}, []string{`"status":"error"`, `strange_request`}},
		{wire.Control, "strange_request", object{}, []string{`"status":"error"`}},
		{wire.Control, "interrupt_request", object{}, []string{`"status":"ok"`}},
	} {
		t.Run(fmt.Sprint(tt.ch, " ", tt.kind, " ", tt.content), func(t *testing.T) {
			got := encoded(t, ask(t, c, tt.ch, tt.kind, tt.content))
			for _, part := range tt.want {
				if !strings.Contains(got, part) {
					t.Errorf("reply %s\nlacks %s", got, part)
				}
			}
		})
	}
}

// TestInterrupt checks that a running cell ends quickly and that control is
// answered meanwhile.
func TestInterrupt(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	done := make(chan transcript, 1)
	go func() { done <- run(t, c, "print started\nblock", client.ExecuteOptions{}) }()
	eventually(t, "the cell runs", func() bool { return len(tk.fake.sources()) == 1 })
	ask(t, c, wire.Control, "kernel_info_request", struct{}{})
	start := time.Now()
	if err := c.Interrupt(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := <-done
	if got.reply.EName != "Interrupted" {
		t.Errorf("reply %+v, want Interrupted", got.reply)
	}
	if d := time.Since(start); d > 500*time.Millisecond {
		t.Errorf("the interrupt took %v", d)
	}
	if got.text["stdout"] != "started\n" {
		t.Errorf("stdout %q", got.text["stdout"])
	}
}

// TestStdin checks questions, passwords, their refusal and their interrupt.
func TestStdin(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	var asked []string
	answer := func(prompt string, password bool) (string, error) {
		asked = append(asked, fmt.Sprint(prompt, " ", password))
		return "blue", nil
	}
	got := run(t, c, "ask colour?\nsecret pin?", client.ExecuteOptions{Stdin: answer})
	if got.text["stdout"] != "answer: blue\nanswer: blue\n" {
		t.Errorf("stdout %q", got.text["stdout"])
	}
	if strings.Join(asked, ", ") != "colour? false, pin? true" {
		t.Errorf("asked %q", asked)
	}
	if got := run(t, c, "ask x", client.ExecuteOptions{}).reply; got.Status != "error" || !strings.Contains(got.EValue, "input") {
		t.Errorf("without allow_stdin: %+v", got)
	}
	waiting := make(chan struct{})
	go func() {
		<-waiting
		c.Interrupt(context.Background())
	}()
	never := func(string, bool) (string, error) {
		close(waiting)
		time.Sleep(200 * time.Millisecond)
		return "too late", nil
	}
	if got := run(t, c, "ask x", client.ExecuteOptions{Stdin: never}).reply; got.Status != "error" {
		t.Errorf("an interrupted question: %+v", got)
	}
	if got := run(t, c, "ask again", client.ExecuteOptions{Stdin: answer}); got.text["stdout"] != "answer: blue\n" {
		t.Errorf("the late answer was taken for the next question: %q", got.text["stdout"])
	}
}

// TestComms checks messages of both directions, binary attachments, and that a
// comm nobody wants is closed.
func TestComms(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	watch := tk.listenIOPub(t)
	await := func(kind string) *wire.Message {
		t.Helper()
		for {
			select {
			case m := <-watch:
				if m.Header.MsgType == kind {
					return m
				}
			case <-time.After(5 * time.Second):
				t.Fatalf("no %s came", kind)
			}
		}
	}
	run(t, c, "open c9", client.ExecuteOptions{})
	m := await("comm_open")
	if len(m.Buffers) != 1 || string(m.Buffers[0]) != "\x01\x02\x03" || !strings.Contains(string(m.Metadata), "2.1.0") {
		t.Errorf("comm_open has buffers %v and metadata %s", m.Buffers, m.Metadata)
	}
	send := func(kind string, content any) {
		t.Helper()
		if err := c.Notify(wire.Shell, kind, content); err != nil {
			t.Fatal(err)
		}
	}
	type object = map[string]any
	send("comm_msg", object{"comm_id": "c9", "data": object{"n": 1}})
	if m := await("comm_msg"); m.Parent.MsgType != "comm_msg" || !strings.Contains(string(m.Content), `"n":1`) {
		t.Errorf("the answer %s has parent %q", m.Content, m.Parent.MsgType)
	}
	send("comm_open", object{"comm_id": "c10", "target_name": "nobody", "data": object{}})
	if m := await("comm_close"); !strings.Contains(string(m.Content), "c10") {
		t.Errorf("closed %s, want c10", m.Content)
	}
	send("comm_close", object{"comm_id": "c9", "data": object{}})
	eventually(t, "no comms are left", func() bool {
		return strings.Contains(encoded(t, ask(t, c, wire.Shell, "comm_info_request", object{})), `"comms":{}`)
	})

	// A comm message does not wait for the running cell.
	tk.runAlong(t, c, "block")
	send("comm_msg", object{"comm_id": "c9", "data": object{"n": 2}})
	if m := await("comm_msg"); !strings.Contains(string(m.Content), `"n":2`) {
		t.Errorf("the answer during a cell is %s", m.Content)
	}
}

// TestSubshells checks that a subshell answers while the parent shell is busy.
func TestSubshells(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	type object = map[string]any
	id, _ := ask(t, c, wire.Control, "create_subshell_request", object{})["subshell_id"].(string)
	if id == "" {
		t.Fatal("no subshell was made")
	}
	if got := encoded(t, ask(t, c, wire.Control, "list_subshell_request", object{})); !strings.Contains(got, id) {
		t.Errorf("the list %s lacks %s", got, id)
	}
	tk.runAlong(t, c, "block")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := c.InSubshell(id).Request(ctx, wire.Shell, "complete_request", object{"code": "p"}); err != nil {
		t.Errorf("completion in a subshell: %v", err)
	}
	for _, kind := range []string{"inspect_request", "history_request", "is_complete_request", "comm_info_request", "kernel_info_request"} {
		if _, err := c.InSubshell(id).Request(ctx, wire.Shell, kind, object{"code": "p", "hist_access_type": "tail"}); err != nil {
			t.Errorf("%s in a subshell: %v", kind, err)
		}
	}
	if got := run(t, c.InSubshell(id), "?print", client.ExecuteOptions{}).reply; len(got.Payload) != 1 {
		t.Errorf("help in a subshell while a cell runs: %+v", got)
	}
	if got := encoded(t, ask(t, c.InSubshell("none"), wire.Shell, "kernel_info_request", object{})); !strings.Contains(got, `"status":"error"`) {
		t.Errorf("an unknown subshell answers %s", got)
	}
	// A cell waits for the running one, whichever shell that is in, and is not aborted
	// with what waits behind that.
	ran := make(chan string, 1)
	go func() { ran <- run(t, c.InSubshell(id), "value 1", client.ExecuteOptions{}).reply.Status }()
	select {
	case got := <-ran:
		t.Errorf("a cell in a subshell did not wait for the running cell: %s", got)
	case <-time.After(200 * time.Millisecond):
	}
	c.Interrupt(ctx)
	if got := <-ran; got != "ok" {
		t.Errorf("a cell in a subshell has status %q", got)
	}
	for i, want := range []string{"ok", "error"} {
		if got := ask(t, c, wire.Control, "delete_subshell_request", object{"subshell_id": id})["status"]; got != want {
			t.Errorf("deletion %d has status %v, want %s", i+1, got, want)
		}
	}
}

// TestShutdown checks the reply, the word to every front end, and the end.
func TestShutdown(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprint("restart ", restart), func(t *testing.T) {
			tk := startKernel(t)
			c := tk.connect(t)
			watch := tk.listenIOPub(t)
			ask(t, c, wire.Control, "kernel_info_request", struct{}{})
			got := ask(t, c, wire.Control, "shutdown_request", map[string]bool{"restart": restart})
			if got["status"] != "ok" || got["restart"] != restart {
				t.Errorf("reply %v", got)
			}
			select {
			case <-tk.stopping:
			case <-time.After(5 * time.Second):
				t.Fatal("the kernel does not stop")
			}
			if tk.restarting() != restart {
				t.Errorf("restarting is %v", tk.restarting())
			}
			tk.close()
			told := false
			for m := range watch {
				told = told || m.Header.MsgType == "shutdown_reply"
			}
			if !told {
				t.Error("iopub carried no shutdown_reply")
			}
			if !tk.fake.closed {
				t.Error("the executor was not closed")
			}
			<-c.Done()
		})
	}
}
