package llm

import (
	"fmt"
	"html"
	"strings"
	"time"

	"govle/vle"
)

// Answer is what the server wrote, with what it was asked.
type Answer struct {
	Text string `json:"text"`
	// Reasoning is what a model thought before it wrote the text: between <think>
	// and </think>, or where the server keeps it apart.
	Reasoning string `json:"reasoning,omitempty"`
	// Model is the name that the server gives the model.
	Model string `json:"model"`
	// Finish says why the model stopped: "stop" at the end, "length" at the
	// token limit.
	Finish string `json:"finish"`
	// PromptTokens and Tokens count the prompt's and the answer's; 0 when the
	// server does not say.
	PromptTokens int           `json:"prompt_tokens,omitempty"`
	Tokens       int           `json:"tokens,omitempty"`
	Elapsed      time.Duration `json:"-"`

	Prompt Prompt `json:"prompt"`
	// VLE holds the vision model's own answers where a [Pipeline] asked.
	VLE *vle.Answers `json:"-"`
}

// setText takes the thinking off the text.
func (a *Answer) setText(text string) {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, "<think>"); ok {
		thought, after, closed := strings.Cut(rest, "</think>")
		a.Reasoning = strings.TrimSpace(thought)
		text = ""
		if closed {
			text = strings.TrimSpace(after)
		}
	}
	a.Text = text
}

// String returns the text.
func (a *Answer) String() string { return a.Text }

// MIMEBundle returns the forms that a notebook shows: the answer, and folded
// away the prompt that led to it.
func (a *Answer) MIMEBundle() map[string]any {
	var b strings.Builder
	fmt.Fprintf(&b, `<div style="white-space:pre-wrap">%s</div>`, html.EscapeString(a.Text))
	if a.Finish == "length" {
		b.WriteString(`<div><i>cut at the token limit</i></div>`)
	}
	if a.Reasoning != "" {
		fmt.Fprintf(&b, `<details><summary>reasoning</summary><pre style="white-space:pre-wrap">%s</pre></details>`, html.EscapeString(a.Reasoning))
	}
	about := "prompt"
	if a.Model != "" {
		about += " to " + a.Model
	}
	if a.Elapsed > 0 {
		about += fmt.Sprintf(", answered in %.1f s", a.Elapsed.Seconds())
	}
	fmt.Fprintf(&b, `<details><summary>%s</summary>%s</details>`, html.EscapeString(about), a.Prompt.html())
	return map[string]any{"text/plain": a.Text, "text/html": b.String()}
}
