package notebook

import (
	"strings"
	"unicode/utf8"
)

// overwrite plays back what a terminal does with carriage returns and
// backspaces, so that a progress line that was redrawn a thousand times is kept
// once. A carriage return at the very end stays: what is printed next
// overwrites the line.
func overwrite(s string) string {
	if !strings.ContainsAny(s, "\r\b") {
		return s
	}
	var b strings.Builder
	for line := range strings.Lines(s) {
		body, end := strings.TrimSuffix(line, "\n"), ""
		if len(body) < len(line) {
			end = "\n"
			body = strings.TrimRight(body, "\r")
		}
		b.WriteString(overwriteLine(body))
		b.WriteString(end)
	}
	return b.String()
}

func overwriteLine(line string) string {
	parts := strings.Split(line, "\r")
	for i, p := range parts {
		parts[i] = eraseBackspaces(p)
	}
	if len(parts) == 1 {
		return parts[0]
	}
	pending := ""
	if parts[len(parts)-1] == "" {
		pending = "\r"
	}
	shown := ""
	for _, p := range parts {
		switch {
		case p == "":
		case strings.Contains(p, "\x1b") || strings.Contains(shown, "\x1b"):
			// Colours have no width: take the line as redrawn whole.
			shown = p
		default:
			n := utf8.RuneCountInString(p)
			rest := []rune(shown)
			shown = p + string(rest[min(n, len(rest)):])
		}
	}
	return shown + pending
}

func eraseBackspaces(s string) string {
	if !strings.Contains(s, "\b") {
		return s
	}
	var out []rune
	for _, r := range s {
		if r != '\b' {
			out = append(out, r)
		} else if len(out) > 0 {
			out = out[:len(out)-1]
		}
	}
	return string(out)
}

// StripANSI removes the escape sequences with which text is coloured on a
// terminal.
func StripANSI(s string) string {
	if !strings.Contains(s, "\x1b") {
		return s
	}
	var b strings.Builder
	for text := range ansiPieces(s) {
		b.WriteString(text)
	}
	return b.String()
}

// ansiPieces yields the runs of text between escape sequences, each with the
// parameters of the colour sequence ("1;31") that comes before it. Sequences
// other than colours are dropped.
func ansiPieces(s string) func(yield func(text, sgr string) bool) {
	return func(yield func(text, sgr string) bool) {
		sgr := ""
		for {
			i := strings.IndexByte(s, 0x1b)
			if i < 0 {
				yield(s, sgr)
				return
			}
			if i > 0 || sgr != "" {
				if !yield(s[:i], sgr) {
					return
				}
				sgr = ""
			}
			var seq string
			seq, s = cutEscape(s[i:])
			if strings.HasPrefix(seq, "\x1b[") && strings.HasSuffix(seq, "m") {
				sgr = seq[2 : len(seq)-1]
				if sgr == "" {
					sgr = "0"
				}
			}
		}
	}
}

// cutEscape splits the escape sequence off the front of s, which starts with
// ESC: CSI (ESC [ … final byte), OSC (ESC ] … BEL or ESC \) or two bytes.
func cutEscape(s string) (seq, rest string) {
	if len(s) < 2 {
		return s, ""
	}
	switch s[1] {
	case '[':
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return s[:i+1], s[i+1:]
			}
			if s[i] < 0x20 || s[i] > 0x7e {
				return s[:i], s[i:]
			}
		}
		return s, ""
	case ']':
		for i := 2; i < len(s); i++ {
			if s[i] == 0x07 {
				return s[:i+1], s[i+1:]
			}
			if s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\' {
				return s[:i+2], s[i+2:]
			}
		}
		return s, ""
	}
	if s[1] < 0x20 || s[1] > 0x7e {
		return s[:1], s[1:]
	}
	return s[:2], s[2:]
}
