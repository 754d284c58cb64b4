package llm

import (
	"context"
	"errors"
	"image"
	"image/png"
	"os"
	"strings"
	"testing"
	"time"

	"govle/vle"
)

var facts = Facts{
	Caption: "two dogs on a beach", Question: "Are they wet?",
	Candidates: []Candidate{{"yes", 0.734}, {"no", 0.2}, {"maybe", 0.001}},
}

func TestDefaultTemplate(t *testing.T) {
	p, err := DefaultTemplate().Prompt(facts)
	if err != nil {
		t.Fatal(err)
	}
	if len(p) != 2 || p[0].Role != System || !strings.Contains(p[0].Content, "cannot see") {
		t.Fatalf("prompt %+v", p)
	}
	const want = `Caption of the picture: two dogs on a beach
The vision model's answers:
- yes (73 %)
- no (20 %)
- maybe (<1 %)
Question: Are they wet?`
	if p[1].Role != User || p[1].Content != want {
		t.Errorf("the user's message is\n%s\nwanted\n%s", p[1].Content, want)
	}
	p, _ = DefaultTemplate().Prompt(Facts{Question: "Why?"})
	if p[1].Content != "Question: Why?" {
		t.Errorf("a bare question becomes %q", p[1].Content)
	}
	if s := p.String(); !strings.HasPrefix(s, "system:\n") || !strings.Contains(s, "\n\nuser:\nQuestion: Why?") {
		t.Errorf("the prompt prints as %q", s)
	}
}

func TestOwnTemplate(t *testing.T) {
	p, err := Template{User: `{{(index .Candidates 0).Answer}} {{printf "%.1f" (index .Candidates 0).Score}} {{.Question}}`}.Prompt(facts)
	if err != nil || len(p) != 1 || p[0].Content != "yes 0.7 Are they wet?" {
		t.Errorf("%+v, %v", p, err)
	}
	for _, c := range []struct{ user, want string }{
		{"{{.Captoin}}", ".Caption, .Question"}, {"{{", "the user template"}, {"", "no messages"}, {"{{.Caption", "unclosed"},
	} {
		if _, err := (Template{User: c.user}).Prompt(facts); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q gives %v", c.user, err)
		}
	}
}

func TestBundleEscapes(t *testing.T) {
	a := &Answer{Text: "<script>alert(1)</script>", Model: "<m>", Finish: "length", Reasoning: "<r>", Elapsed: time.Second, Prompt: Prompt{{User, "<img onerror=x>"}}}
	m := a.MIMEBundle()
	h := m["text/html"].(string)
	for _, bad := range []string{"<script>", "<m>", "<img", "<r>"} {
		if strings.Contains(h, bad) {
			t.Errorf("%s is not escaped in %s", bad, h)
		}
	}
	for _, want := range []string{"<details><summary>prompt to &lt;m&gt;, answered in 1.0 s", "&lt;img onerror=x&gt;", "token limit"} {
		if !strings.Contains(h, want) {
			t.Errorf("%q is not in %s", want, h)
		}
	}
	if m["text/plain"] != a.Text || a.String() != a.Text {
		t.Errorf("the plain form is %q", m["text/plain"])
	}
}

func picture(t testing.TB) image.Image {
	f, err := os.Open("../../testdata/shapes/teal-circle.png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestPipeline goes from a picture through the embedded model to the server.
func TestPipeline(t *testing.T) {
	s := newChatServer(t)
	vqa, err := vle.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	p := &Pipeline{VQA: vqa, Candidates: 2, Caption: Caption("a round thing"), Client: s.client(t, nil)}
	a, err := p.Ask(context.Background(), picture(t), "what color is the circle?")
	if err != nil {
		t.Fatal(err)
	}
	sent := s.requests[0].Messages[1].Content
	for _, want := range []string{"a round thing", "- teal (", "Question: what color is the circle?"} {
		if !strings.Contains(sent, want) {
			t.Errorf("%q is not in what was sent: %s", want, sent)
		}
	}
	if a.VLE.Best() != "teal" || strings.Count(sent, "\n- ") != 2 || a.Text != s.answer {
		t.Errorf("answer %+v to %s", a, sent)
	}
	n := 0
	if _, err := p.Stream(context.Background(), picture(t), "what color is the circle?", func(string) error { n++; return nil }); err != nil || n != 4 {
		t.Errorf("%d pieces, %v", n, err)
	}

	// The prompt can be changed before it is sent.
	prompt, err := p.Prompt(context.Background(), picture(t), "what color is the circle?")
	if err != nil {
		t.Fatal(err)
	}
	prompt[0].Content = "Answer in French."
	if _, err := p.Client.Ask(context.Background(), prompt); err != nil {
		t.Fatal(err)
	}
	if got := s.requests[2].Messages; got[0].Content != "Answer in French." || got[1].Content != sent {
		t.Errorf("sent %+v", got)
	}
}

func TestPipelineErrors(t *testing.T) {
	s := newChatServer(t)
	img := picture(t)
	broken := errors.New("camera broken")
	fails := CaptionFunc(func(context.Context, image.Image) (string, error) { return "", broken })
	if _, err := (&Pipeline{Caption: fails, Client: s.client(t, nil)}).Ask(context.Background(), img, "what?"); !errors.Is(err, broken) {
		t.Errorf("a failing captioner gives %v", err)
	}
	if _, err := (&Pipeline{Client: s.client(t, nil)}).Ask(context.Background(), img, "what?"); err == nil || !strings.Contains(err.Error(), "set VQA, Caption") {
		t.Errorf("no eyes give %v", err)
	}
	if _, err := (&Pipeline{Caption: Caption("x")}).Ask(context.Background(), img, "what?"); err == nil || !strings.Contains(err.Error(), "set Client") {
		t.Errorf("no client gives %v", err)
	}
	vqa, _ := vle.Embedded()
	if _, err := (&Pipeline{VQA: vqa, Client: s.client(t, nil)}).Ask(context.Background(), img, " "); !errors.Is(err, vle.ErrEmptyText) {
		t.Errorf("an empty question gives %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (&Pipeline{Caption: Caption("x"), Client: s.client(t, nil)}).Ask(ctx, img, "what?"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gives %v", err)
	}
	if s.count() != 0 {
		t.Errorf("%d requests were sent", s.count())
	}
}

// ranker prefers the text that holds its word.
type ranker struct{ word string }

func (r ranker) RankTexts(_ image.Image, texts []string) (*vle.Matches, error) {
	m := &vle.Matches{}
	for i, t := range texts {
		m.Items = append(m.Items, vle.RankedMatch{Match: vle.Match{Text: t}, Index: i})
		if strings.Contains(t, r.word) {
			m.Items[0], m.Items[i] = m.Items[i], m.Items[0]
		}
	}
	return m, nil
}

// filler fills every blank with the same tokens.
type filler []vle.Fill

func (f filler) FillAll(_ image.Image, texts []string, k int) ([]*vle.Blanks, error) {
	all := make([]*vle.Blanks, len(texts))
	for i, text := range texts {
		all[i] = &vle.Blanks{Text: text}
		for range strings.Count(text, mask) {
			all[i].Blanks = append(all[i].Blanks, f[:min(k, len(f))])
		}
	}
	return all, nil
}

var words = filler{{Token: "▁", Score: 0.3}, {Token: "▁dog", Score: 0.25}, {Token: ".", Score: 0.2}, {Token: "[SEP]", Score: 0.1}, {Token: "▁cat", Score: 0.09}, {Token: "s", Score: 0.05}}

func TestVLECaption(t *testing.T) {
	for _, c := range []struct {
		name string
		of   VLECaption
		want string
	}{
		{"the likeliest words", VLECaption{Texts: []string{"a [MASK] and a [MASK]."}, MLM: words}, "a dog and a dog."},
		{"the best of all fillings", VLECaption{Texts: []string{"a [MASK] and a [MASK]."}, MLM: words, ITM: ranker{"a cat and a dog."}}, "a cat and a dog."},
		{"a piece of a word", VLECaption{Texts: []string{"two cat [MASK] run"}, MLM: words, ITM: ranker{"cats"}}, "two cats run"},
		{"blank first", VLECaption{Texts: []string{"[MASK] barks"}, MLM: words}, "dog barks"},
		{"ITM alone", VLECaption{Texts: []string{"a dog", "a cat", "a bird"}, ITM: ranker{"cat"}}, "a cat"},
		{"both kinds of texts", VLECaption{Texts: []string{"nothing", "a [MASK]"}, MLM: words, ITM: ranker{"nothing"}}, "nothing"},
	} {
		got, err := c.of.Caption(context.Background(), nil)
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v, wanted %q", c.name, got, err, c.want)
		}
	}
	for _, c := range []struct {
		of   VLECaption
		want string
	}{
		{VLECaption{ITM: ranker{}}, "set Texts"},
		{VLECaption{Texts: []string{"a"}}, "set one of them"},
		{VLECaption{Texts: []string{"a [MASK]"}, ITM: ranker{}}, "set MLM"},
		{VLECaption{Texts: []string{"a [MASK]"}, MLM: words[:1]}, "no word fills"},
	} {
		if got, err := c.of.Caption(context.Background(), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v gives %q, %v", c.of, got, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (&VLECaption{Texts: []string{"a"}, ITM: ranker{}}).Caption(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gives %v", err)
	}
}
