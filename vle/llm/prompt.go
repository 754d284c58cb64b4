package llm

import (
	"fmt"
	"html"
	"strings"
	"text/template"
)

// Roles of a message. Some newer hosted models read "developer" for "system".
const (
	System    = "system"
	User      = "user"
	Assistant = "assistant"
	Developer = "developer"
)

// Message is a part of a conversation.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Prompt is what is sent to the server. It may be changed before it is.
type Prompt []Message

// String returns the messages, each under its role.
func (p Prompt) String() string {
	var b strings.Builder
	for i, m := range p {
		if i > 0 {
			b.WriteString("\n\n")
		}
		fmt.Fprintf(&b, "%s:\n%s", m.Role, m.Content)
	}
	return b.String()
}

// MIMEBundle returns the forms that a notebook shows.
func (p Prompt) MIMEBundle() map[string]any {
	return map[string]any{"text/plain": p.String(), "text/html": p.html()}
}

func (p Prompt) html() string {
	var b strings.Builder
	for _, m := range p {
		fmt.Fprintf(&b, `<div style="margin:4px 0"><b>%s</b><pre style="white-space:pre-wrap;margin:2px 0 2px 1em">%s</pre></div>`,
			html.EscapeString(m.Role), html.EscapeString(m.Content))
	}
	return b.String()
}

// check reports messages that no server takes.
func (p Prompt) check() error {
	if len(p) == 0 {
		return fmt.Errorf("llm: the prompt has no messages")
	}
	for i, m := range p {
		switch m.Role {
		case System, User, Assistant, Developer:
		default:
			return fmt.Errorf("llm: message %d of the prompt has the role %q; it is one of system, user, assistant and developer", i, m.Role)
		}
	}
	return nil
}

// Facts are what a [Template] can use.
type Facts struct {
	// Caption describes the picture; it may be empty.
	Caption string
	// Question is the user's.
	Question string
	// Candidates are VLE's answers, best first; there may be none.
	Candidates []Candidate
}

// Candidate is an answer of VLE's.
type Candidate struct {
	Answer string
	// Score is its probability from 0 to 1.
	Score float64
}

// Percent returns the score as in "73 %", and "<1 %" for less than one.
func (c Candidate) Percent() string {
	if c.Score < 0.01 {
		return "<1 %"
	}
	return fmt.Sprintf("%.0f %%", 100*c.Score)
}

// Template makes a prompt of facts. Both texts are in the language of
// text/template and see the fields of [Facts]; each candidate has .Answer,
// .Score and .Percent. An empty text makes no message.
type Template struct {
	System, User string
}

// DefaultTemplate returns the template that is used where none is given.
func DefaultTemplate() Template {
	return Template{
		System: `You answer questions about a picture that you cannot see. ` +
			`You are told what a vision model made of it: a caption, and short answers to the question with the model's confidence in each. ` +
			`Both can be wrong. Weigh them against each other and against what is generally true. ` +
			`Answer the question in one or two sentences, as if you had seen the picture. ` +
			`If what you are told does not settle it, say what is most likely and that you are not sure.`,
		User: `{{with .Caption}}Caption of the picture: {{.}}
{{end}}{{with .Candidates}}The vision model's answers:
{{range .}}- {{.Answer}} ({{.Percent}})
{{end}}{{end}}Question: {{.Question}}`,
	}
}

// Prompt fills the template in.
func (t Template) Prompt(f Facts) (Prompt, error) {
	var p Prompt
	for _, m := range []struct{ role, text string }{{System, t.System}, {User, t.User}} {
		tmpl, err := template.New(m.role).Option("missingkey=error").Parse(m.text)
		if err != nil {
			return nil, fmt.Errorf("llm: the %s template: %w", m.role, err)
		}
		var b strings.Builder
		if err := tmpl.Execute(&b, f); err != nil {
			return nil, fmt.Errorf("llm: the %s template: %w; it can use .Caption, .Question and .Candidates (.Answer, .Score, .Percent)", m.role, err)
		}
		if s := strings.TrimSpace(b.String()); s != "" {
			p = append(p, Message{m.role, s})
		}
	}
	return p, p.check()
}
