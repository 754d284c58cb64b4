package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"govle/kernel/client"
	"govle/kernel/notebook"
	"govle/kernel/wire"
)

// progress tells of a run line by line: [ 3/12] the cell's first line, its time.
type progress struct {
	err io.Writer // progress lines
	out io.Writer // what the cells show
	// open is true while a progress line waits for its time.
	open bool
	// midLine is true when the last thing printed by a cell was no line end.
	midLine bool
	since   time.Time
}

// starting tells that the kernel is being started; on a first run it builds its
// worker, which takes a while.
func (p *progress) starting(kernel string) {
	p.since = time.Now()
	fmt.Fprintf(p.err, "%-58s", "starting the kernel "+kernel)
	p.open = true
}

func (p *progress) started(client.Info) {
	fmt.Fprintf(p.err, " %9s\n", shortDuration(time.Since(p.since)))
	p.open = false
}

func (p *progress) step(s notebook.Step) {
	width := len(fmt.Sprint(s.Of))
	if !s.Done {
		p.endLine()
		fmt.Fprintf(p.err, "[%*d/%d] %-*s", width, s.Number, s.Of, 54-2*width, summary(s.Cell.Source))
		p.open = true
		return
	}
	p.endLine()
	if !p.open {
		fmt.Fprintf(p.err, "[%*d/%d] %-*s", width, s.Number, s.Of, 54-2*width, "done")
	}
	mark := ""
	if s.Err != nil {
		mark = "  failed"
	}
	fmt.Fprintf(p.err, " %9s%s\n", shortDuration(s.Elapsed), mark)
	p.open = false
}

// message prints what a cell shows in its plain form.
func (p *progress) message(_ *notebook.Cell, m *wire.Message) {
	if p.out == io.Discard {
		return
	}
	var content struct {
		Text string         `json:"text"`
		Data map[string]any `json:"data"`
	}
	switch m.Header.MsgType {
	case "stream":
		if m.Unmarshal(&content) == nil {
			p.print(content.Text)
		}
	case "execute_result", "display_data":
		if m.Unmarshal(&content) == nil {
			if text, ok := content.Data["text/plain"].(string); ok {
				p.print(strings.TrimRight(text, "\n") + "\n")
			}
		}
	}
}

func (p *progress) print(text string) {
	if text == "" {
		return
	}
	if p.open {
		fmt.Fprintln(p.err)
		p.open = false
	}
	io.WriteString(p.out, text)
	p.midLine = !strings.HasSuffix(text, "\n")
}

func (p *progress) endLine() {
	if p.midLine {
		fmt.Fprintln(p.out)
		p.midLine = false
	}
}

// finish ends a line that a broken run left open.
func (p *progress) finish() {
	p.endLine()
	if p.open {
		fmt.Fprintln(p.err)
		p.open = false
	}
}

// summary is the first line of a cell that says something: comments and imports
// are passed over when there is more.
func summary(source string) string {
	first, inImport := "", false
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if first == "" {
			first = line
		}
		switch {
		case inImport:
			inImport = line != ")"
		case strings.HasPrefix(line, "import ("):
			inImport = !strings.Contains(line, ")")
		case !strings.HasPrefix(line, "//") && !strings.HasPrefix(line, "import "):
			return shorten(line)
		}
	}
	return shorten(first)
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 50 {
		return string(r[:49]) + "…"
	}
	return s
}

// shortDuration gives a duration three digits: 84 ms, 1.25 s, 3m20s.
func shortDuration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.2g ms", d.Seconds()*1000)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 100*time.Second:
		return fmt.Sprintf("%.3g s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// isTerminal reports whether w is a terminal that shows colours.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""
}
