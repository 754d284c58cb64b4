package notebook

import (
	"strings"
	"unicode/utf8"
)

// splitLines cuts s after each line end, as Python's str.splitlines(True) does,
// because that is what Jupyter calls when it writes a notebook: besides \n, \r
// and \r\n a vertical tab, a form feed, the separators U+001C to U+001E, NEL and
// the Unicode line and paragraph separators end a line.
func splitLines(s string) []string {
	lines := []string{}
	start := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch r {
		case '\r':
			if i < len(s) && s[i] == '\n' {
				i++
			}
		case '\n', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		default:
			continue
		}
		lines = append(lines, s[start:i])
		start = i
	}
	if start < len(s) {
		lines = append(lines, s[start:])
	}
	return lines
}

// splitsIntoLines says which MIME types Jupyter stores as a list of lines.
func splitsIntoLines(mime string) bool {
	return strings.HasPrefix(mime, "text/") || mime == "application/javascript" || mime == "image/svg+xml"
}

// isJSONMIME says which MIME types hold a JSON value rather than a string.
func isJSONMIME(mime string) bool {
	return mime == "application/json" ||
		strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}

// firstLine is the first line of s that is not blank, shortened to max
// characters.
func firstLine(s string, max int) string {
	for line := range strings.Lines(s) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if r := []rune(line); len(r) > max {
			return string(r[:max-1]) + "…"
		}
		return line
	}
	return ""
}
