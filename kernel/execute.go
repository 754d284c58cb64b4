package kernel

import (
	"strconv"
	"strings"
	"time"

	"govle/kernel/engine"
)

// abortGrace is how long a failed cell waits, before its reply goes out, for
// requests that the front end sent along with it, so that these are aborted too.
const abortGrace = 10 * time.Millisecond

// executeRequest is the content of an execute_request, with the defaults that the
// protocol gives.
type executeRequest struct {
	Code            string            `json:"code"`
	Silent          bool              `json:"silent"`
	StoreHistory    *bool             `json:"store_history"`
	UserExpressions map[string]string `json:"user_expressions"`
	AllowStdin      *bool             `json:"allow_stdin"`
	StopOnError     *bool             `json:"stop_on_error"`
}

// is returns the flag, true when it was not sent.
func is(flag *bool) bool { return flag == nil || *flag }

// stores reports whether the cell is counted and goes into the history.
func (req executeRequest) stores() bool { return is(req.StoreHistory) && !req.Silent }

// accept numbers a cell that begins, and publishes its source.
func (k *server) accept(r *request, req executeRequest) (n int) {
	n = k.nextCount(req.stores())
	if req.stores() {
		k.history.add(n, req.Code)
	}
	if !req.Silent {
		k.iopub.publish(k.message("execute_input", r.Header, map[string]any{"code": req.Code, "execution_count": n}))
	}
	return n
}

// execute runs a cell: execute_input, its output, its result or error, the reply.
func (k *server) execute(q *queue, r *request) any {
	started := time.Now()
	if q.isAborted(r) {
		content := failure("Aborted", "an earlier cell failed")
		content["status"] = "aborted"
		content["execution_count"] = k.counted()
		k.replyExecute(r, content, started)
		return nil
	}
	var req executeRequest
	if err := r.Unmarshal(&req); err != nil {
		return failure("BadRequest", "%v", err)
	}
	if page := k.page(req.Code); page != nil {
		// Help needs no Go to run: in a subshell it comes while a cell runs.
		k.replyExecute(r, executed(k.accept(r, req), map[string]any{}, []any{page}), started)
		return nil
	}
	k.executing.Lock()
	defer k.executing.Unlock()
	n := k.accept(r, req)
	k.prepare(q)
	res := k.run(r, n, req.Code, cell{parent: r.Header, request: r, allowStdin: is(req.AllowStdin), quiet: req.Silent})
	if res.Err != nil {
		k.replyExecute(r, k.failed(q, r, n, req, res.Err), started)
		return nil
	}
	if res.Value != nil {
		if req.stores() {
			text, _ := res.Value["text/plain"].(string)
			k.history.result(n, text)
		}
		if !req.Silent {
			k.publishResult(r, n, res)
		}
	}
	if !req.Silent {
		k.renewWidgets(r.Header, req.Code)
	}
	expressions := map[string]any{}
	for name, src := range req.UserExpressions {
		expressions[name] = k.evaluate(r, n, src)
	}
	k.replyExecute(r, executed(n, expressions, []any{}), started)
	return nil
}

// prepare tells an executor that compiles which cell comes next.
func (k *server) prepare(q *queue) {
	p, ok := k.exec.(preparer)
	r := q.next()
	if !ok || r == nil || r.prepared.Swap(true) {
		return
	}
	var req executeRequest
	if r.Unmarshal(&req) == nil {
		p.Prepare(engine.Cell{Count: k.counted() + 1, Source: req.Code})
	}
}

// publishResult shows the value of a cell. A widget is shown as display_data: only
// such an output can be changed later.
func (k *server) publishResult(r *request, n int, res engine.Result) {
	content := map[string]any{"data": res.Value, "metadata": orEmpty(res.Metadata), "transient": map[string]any{}}
	if modelOf(res.Value) != "" {
		k.widgets.note("display_data", content)
		k.iopub.publish(k.message("display_data", r.Header, content))
		return
	}
	content["execution_count"] = n
	k.iopub.publish(k.message("execute_result", r.Header, content))
}

// executed is the content of an execute_reply with status "ok".
func executed(n int, expressions map[string]any, payload []any) map[string]any {
	return map[string]any{"status": "ok", "execution_count": n, "user_expressions": expressions, "payload": payload}
}

// replyExecute sends an execute_reply; its metadata tells front ends when the
// cell began.
func (k *server) replyExecute(r *request, content map[string]any, started time.Time) {
	k.replyWith(r, content, map[string]any{
		"started": started.UTC().Format(time.RFC3339Nano), "status": content["status"],
	})
}

// run runs a cell in the executor.
func (k *server) run(r *request, n int, src string, c cell) engine.Result {
	id := k.cellID(r)
	k.cells.begin(id, &c)
	defer k.cells.end()
	return k.exec.Execute(k.ctx, engine.Cell{ID: id, Count: n, Source: src})
}

// cellID returns a name for a cell that was not used before, also when a client
// repeats a message ID or asks for several expressions.
func (k *server) cellID(r *request) string {
	k.countMu.Lock()
	defer k.countMu.Unlock()
	k.serial++
	return r.Header.MsgID + "-" + strconv.FormatUint(k.serial, 36)
}

// nextCount returns the number of the next cell, and counts it if store is set.
func (k *server) nextCount(store bool) int {
	k.countMu.Lock()
	defer k.countMu.Unlock()
	if store {
		k.count++
		return k.count
	}
	return k.count + 1
}

// counted returns the number of the last stored cell.
func (k *server) counted() int {
	k.countMu.Lock()
	defer k.countMu.Unlock()
	return k.count
}

// failed publishes a cell's error and returns the content of its reply.
func (k *server) failed(q *queue, r *request, n int, req executeRequest, e *engine.CellError) map[string]any {
	traceback := e.Traceback
	if len(traceback) == 0 {
		traceback = []string{e.Error()}
	}
	if e.Name == "WorkerLost" {
		k.comms.clear() // their other ends are gone
		k.endWidgets(r.Header)
	} else if !req.Silent {
		k.renewWidgets(r.Header, req.Code)
	}
	if !req.Silent {
		k.iopub.publish(k.message("error", r.Header, map[string]any{"ename": e.Name, "evalue": e.Value, "traceback": traceback}))
	}
	if is(req.StopOnError) {
		time.Sleep(abortGrace)
		q.abort()
	}
	return map[string]any{
		"status": "error", "execution_count": n, "ename": e.Name, "evalue": e.Value, "traceback": traceback,
		"user_expressions": map[string]any{}, "payload": []any{},
	}
}

// evaluate runs one user expression quietly.
func (k *server) evaluate(r *request, n int, src string) map[string]any {
	res := k.run(r, n, src, cell{parent: r.Header, quiet: true})
	switch {
	case res.Err != nil:
		return map[string]any{"status": "error", "ename": res.Err.Name, "evalue": res.Err.Value, "traceback": res.Err.Traceback}
	case res.Value == nil:
		return map[string]any{"status": "error", "ename": "NoValue", "evalue": src + " has no value", "traceback": []string{}}
	}
	return map[string]any{"status": "ok", "data": res.Value, "metadata": orEmpty(res.Metadata)}
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// pagerQuery returns the name that a cell asks help for: "?name" or "name?" on
// its only line.
func pagerQuery(code string) (name string, ok bool) {
	line := strings.TrimSpace(code)
	if strings.ContainsAny(line, "\n`\"'") || strings.HasPrefix(line, "//") {
		return "", false
	}
	trimmed := strings.Trim(line, "?")
	name = strings.TrimSpace(trimmed)
	return name, len(trimmed) < len(line) && name != ""
}

// page returns the pager payload of a cell that asks for help, or nil when it does
// not or nothing is known of the name.
func (k *server) page(code string) map[string]any {
	i, ok := k.exec.(inspector)
	if !ok {
		return nil
	}
	name, ok := pagerQuery(code)
	if !ok {
		return nil
	}
	detail := 0
	if strings.Contains(code, "??") {
		detail = 1
	}
	bundle, found := i.Inspect(k.ctx, name, len([]rune(name)), detail)
	if !found {
		return nil
	}
	return map[string]any{"source": "page", "data": bundle, "start": 0}
}
