package main

import (
	"context"
	"fmt"
	"image"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"govle/vle"
	"govle/vle/llm"
)

// askFlags are the flags of govle ask.
type askFlags struct {
	precision        precisionFlag
	model, itm, mlm  string
	captions         []string
	top              int
	server, chat     string
	keyEnv           string
	system, template string
	timeout          time.Duration
	maxTokens        int
	temperature      float64
	dryRun, asJSON   bool
}

// askLine is a line of govle ask --json.
type askLine struct {
	Image      string      `json:"image"`
	Question   string      `json:"question"`
	Answer     string      `json:"answer,omitempty"`
	Model      string      `json:"model,omitempty"`
	Finish     string      `json:"finish,omitempty"`
	Candidates []askAnswer `json:"candidates,omitempty"`
	Prompt     llm.Prompt  `json:"prompt"`
}

type askAnswer struct {
	Answer string  `json:"answer"`
	Score  float64 `json:"score"`
}

func askCommand() *cobra.Command {
	var f askFlags
	cmd := &cobra.Command{
		Use:   "ask IMAGE QUESTION...",
		Short: "Ask a language model a question about a picture, through VLE",
		Long: `Put a caption, the question and VLE's best answers into a prompt and let a chat server
write the answer: llama.cpp, Ollama, vLLM or a hosted one, all that speak OpenAI's
protocol. --dry-run prints the prompt and sends nothing.

` + pairsHelp + `

The caption is what --caption says. Several are ranked by the ITM model of --itm, and
[MASK] in a caption is filled by the MLM model of --mlm.
--template changes the user's message: a text/template file with .Caption, .Question and
.Candidates, each with .Answer, .Score and .Percent.

The key of a server that wants one is read from OPENAI_API_KEY, or another variable
with --key-env; there is no flag for the key itself, because other users of a machine
see flags.

--json prints an object a line: image, question, answer, model, finish ("stop", or
"length" when cut), candidates (answer and score) and prompt (role and content). With
--dry-run it is image, question and prompt.`,
		Example: `  govle ask photo.jpg "Why is the dog wet?" --model vle-base-for-vqa \
      --caption "a dog on a beach" --server http://localhost:8080/v1
  govle ask photo.jpg "What is it for?" --server http://localhost:11434/v1 --chat-model llama3.2
  govle ask photo.jpg "What is it for?" --caption "a [MASK] on a table" --mlm vle-base --dry-run`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.top < 1 {
				return usagef("--top %d: ask for at least one candidate", f.top)
			}
			pairs, err := readPairs(cmd, args)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			p, closeAll, err := f.open(cmd)
			if err != nil {
				return err
			}
			defer closeAll()
			return eachPicture(pairs, func(img image.Image, at []int) error {
				one, img, err := ofPicture(ctx, p, img)
				if err != nil {
					return err
				}
				for _, k := range at {
					if err := f.ask(ctx, cmd.OutOrStdout(), one, img, pairs[k]); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	fs := cmd.Flags()
	f.precision.add(fs)
	fs.StringVar(&f.model, "model", "embedded", "`folder` of the VQA model, or embedded")
	fs.IntVar(&f.top, "top", 5, "how many of its answers the prompt lists")
	fs.StringArrayVar(&f.captions, "caption", nil, "`text` of what the picture shows; may be given often with --itm")
	fs.StringVar(&f.itm, "itm", "", "`folder` of an ITM model that chooses the caption")
	fs.StringVar(&f.mlm, "mlm", "", "`folder` of an MLM model that fills [MASK] in captions")
	fs.StringVar(&f.server, "server", "", "`address` of the chat server (default OPENAI_BASE_URL)")
	fs.StringVar(&f.chat, "chat-model", "", "the model's `name` on the server (default the only one)")
	fs.StringVar(&f.keyEnv, "key-env", "OPENAI_API_KEY", "environment `variable` with the key")
	fs.StringVar(&f.system, "system", "", "the system message, instead of govle's")
	fs.StringVar(&f.template, "template", "", "`file` with the template of the user's message")
	fs.DurationVar(&f.timeout, "timeout", 2*time.Minute, "how long the server may say nothing")
	fs.IntVar(&f.maxTokens, "max-tokens", 0, "the longest answer in tokens (default the server's)")
	fs.Float64Var(&f.temperature, "temperature", 0, "0 for the likeliest answer (default the server's)")
	fs.BoolVar(&f.dryRun, "dry-run", false, "print the prompt and send nothing")
	fs.BoolVar(&f.asJSON, "json", false, "print JSON")
	return cmd
}

// open opens the models and the client that the flags name.
func (f *askFlags) open(cmd *cobra.Command) (p *llm.Pipeline, closeAll func(), err error) {
	var open []io.Closer
	release := func() {
		for _, c := range open {
			c.Close()
		}
	}
	defer func() {
		if err != nil {
			release()
		}
	}()
	chooses := f.itm != "" || f.mlm != ""
	switch {
	case chooses && len(f.captions) == 0:
		return nil, nil, usagef("--itm and --mlm choose and fill captions: give some with --caption")
	case !chooses && len(f.captions) > 1:
		return nil, nil, usagef("%d captions: give one, or --itm with a model that chooses", len(f.captions))
	}
	t := llm.DefaultTemplate()
	if cmd.Flags().Changed("system") {
		t.System = f.system
	}
	if f.template != "" {
		data, err := os.ReadFile(f.template)
		if err != nil {
			return nil, nil, err
		}
		t.User = string(data)
	}
	p = &llm.Pipeline{Candidates: f.top, Template: &t}
	if !f.dryRun {
		cfg := llm.Config{
			BaseURL: f.server, Model: f.chat, APIKey: llm.KeyFromEnv(f.keyEnv),
			Timeout: f.timeout, MaxTokens: f.maxTokens,
		}
		if cmd.Flags().Changed("temperature") {
			cfg.Temperature = &f.temperature
		}
		if p.Client, err = llm.New(cfg); err != nil {
			return nil, nil, &usageError{err}
		}
	}
	caption := &llm.VLECaption{Texts: f.captions}
	if f.itm != "" {
		m, err := vle.OpenITM(f.itm)
		if err != nil {
			return nil, nil, err
		}
		open = append(open, m)
		f.precision.apply(m.Model)
		caption.ITM = m
	}
	if f.mlm != "" {
		m, err := vle.OpenMLM(f.mlm)
		if err != nil {
			return nil, nil, err
		}
		open = append(open, m)
		f.precision.apply(m.Model)
		caption.MLM = m
	}
	if chooses {
		p.Caption = caption
	} else if len(f.captions) == 1 {
		p.Caption = llm.Caption(f.captions[0])
	}
	vqa, err := vle.OpenVQA(f.model)
	if err != nil {
		return nil, nil, err
	}
	f.precision.apply(vqa.Model)
	open = append(open, vqa)
	p.VQA = vqa
	return p, release, nil
}

// ofPicture is p for one picture: its caption is found and the picture encoded,
// once for all questions.
func ofPicture(ctx context.Context, p *llm.Pipeline, img image.Image) (*llm.Pipeline, image.Image, error) {
	one := *p
	if p.Caption != nil {
		text, err := p.Caption.Caption(ctx, img)
		if err != nil {
			return nil, nil, fmt.Errorf("captioning the picture: %w", err)
		}
		one.Caption = llm.Caption(text)
	}
	e, err := p.VQA.(*vle.VQAPipeline).EncodeImage(img)
	return &one, e, err
}

// ask asks one question and prints the answer as it comes.
func (f *askFlags) ask(ctx context.Context, w io.Writer, p *llm.Pipeline, img image.Image, q pair) error {
	line := askLine{Image: q.Image, Question: q.Text}
	if f.dryRun {
		prompt, err := p.Prompt(ctx, img, q.Text)
		if err != nil {
			return err
		}
		if !f.asJSON {
			_, err = fmt.Fprintln(w, prompt)
			return err
		}
		line.Prompt = prompt
		return printJSON(w, line)
	}
	if !f.asJSON {
		midLine := false
		_, err := p.Stream(ctx, img, q.Text, func(piece string) error {
			midLine = !strings.HasSuffix(piece, "\n")
			_, err := io.WriteString(w, piece)
			return err
		})
		if midLine {
			fmt.Fprintln(w)
		}
		return err
	}
	a, err := p.Ask(ctx, img, q.Text)
	if err != nil {
		return err
	}
	line.Answer, line.Model, line.Finish, line.Prompt = a.Text, a.Model, a.Finish, a.Prompt
	for _, c := range a.VLE.Top {
		line.Candidates = append(line.Candidates, askAnswer{c.Label, c.Score})
	}
	return printJSON(w, line)
}
