package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// chat is a chat server that keeps what it was asked.
func chat(t *testing.T, answer string) (address string, asked *[]string) {
	asked = new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/models" {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"object":"list","data":[{"id":"small-chat","object":"model"}]}`)
			return
		}
		body, _ := io.ReadAll(r.Body)
		*asked = append(*asked, r.Header.Get("Authorization")+string(body))
		if !strings.Contains(string(body), `"stream":true`) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"model":"small-chat","choices":[{"finish_reason":"stop","message":{"role":"assistant","content":%q}}]}`, answer)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, word := range strings.SplitAfter(answer, " ") {
			fmt.Fprintf(w, "data: {\"model\":\"small-chat\",\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", word)
		}
		io.WriteString(w, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func TestAsk(t *testing.T) {
	const key = "sk-never-to-be-seen"
	t.Setenv("OPENAI_API_KEY", "")
	t.Setenv("OPENAI_BASE_URL", "")
	t.Setenv("OTHER_KEY", key)
	const question = "what color is the circle?"
	address, asked := chat(t, "It is teal.")
	args := []string{"ask", tealCircle, question, "--server", address, "--caption", "a round thing", "--key-env", "OTHER_KEY"}
	if out := well(t, args...); out != "It is teal.\n" {
		t.Errorf("printed %q", out)
	}
	sent := (*asked)[0]
	for _, want := range []string{"Bearer " + key, "small-chat", "a round thing", "teal (", question} {
		if !strings.Contains(sent, want) {
			t.Errorf("%q is not in what was sent: %s", want, sent)
		}
	}
	out := well(t, append(args, "--json", "--top", "2")...)
	l := objects[askLine](t, out)[0]
	if l.Answer != "It is teal." || l.Model != "small-chat" || len(l.Candidates) != 2 || l.Candidates[0].Answer != "teal" || len(l.Prompt) != 2 || strings.Contains(out, key) {
		t.Errorf("%+v", l)
	}

	n := len(*asked)
	template := filepath.Join(t.TempDir(), "t")
	if err := os.WriteFile(template, []byte("{{.Question}} {{(index .Candidates 0).Answer}}?"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := well(t, "ask", tealCircle, question, "--dry-run", "--system", "Be brief.", "--template", template); out != "system:\nBe brief.\n\nuser:\n"+question+" teal?\n" {
		t.Errorf("the prompt is %q", out)
	}
	stdin(t, `{"image": "`+tealCircle+`", "question": "what shape is it?"}`+"\n")
	if l := objects[askLine](t, well(t, "ask", "-", "--dry-run", "--json"))[0]; l.Question != "what shape is it?" || len(l.Prompt) != 2 {
		t.Errorf("%+v", l)
	}
	if len(*asked) != n {
		t.Error("--dry-run sent something")
	}

	status, stdout, stderr := govle(t, "ask", tealCircle, "what?", "--server", "http://127.0.0.1:1", "--key-env", "OTHER_KEY")
	if status != 1 || stdout != "" || !strings.Contains(stderr, "is the server running?") || strings.Contains(stderr, key) {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}

func TestAskCaptions(t *testing.T) {
	itm, mlm := modelFolder(t, "tiny", "itm"), modelFolder(t, "tiny", "mlm")
	out := well(t, "ask", tealCircle, "what?", "--dry-run", "--caption", "a dog", "--caption", "a circle", "--itm", itm)
	best := objects[itmLine](t, well(t, "itm", tealCircle, "a dog", "a circle", "--model", itm, "--json"))[0].Text
	if !strings.Contains(out, "Caption of the picture: "+best+"\n") {
		t.Errorf("%q is not the caption in %s", best, out)
	}
	out = well(t, "ask", tealCircle, "what?", "--dry-run", "--caption", "it is [MASK] here", "--mlm", mlm)
	if strings.Contains(out, "[MASK]") || !strings.Contains(out, "Caption of the picture: it is") || !strings.Contains(out, " here\n") {
		t.Errorf("the blank is not filled in %s", out)
	}
	// A caption is found once for all questions about a picture.
	several := well(t, "ask", tealCircle, "what?", "why?", "--dry-run", "--caption", "it is [MASK] here", "--mlm", mlm)
	if one, all := strings.Index(out, "Question:"), strings.Count(several, "Caption of the picture: it is"); one < 0 || all != 2 || !strings.HasPrefix(several, out[:one]) || !strings.Contains(several, "Question: why?") {
		t.Errorf("two questions give %s", several)
	}
}
