package notebook

import (
	"fmt"
	"html"
	"strconv"
	"strings"
)

// ansiHTML turns text with ANSI colours into escaped HTML with spans. The 16
// basic colours become classes (ansi-red …) that follow the page's light or
// dark scheme; the others become inline colours.
func ansiHTML(s string) string {
	if !strings.Contains(s, "\x1b") {
		return html.EscapeString(s)
	}
	var b strings.Builder
	var style ansiStyle
	for text, sgr := range ansiPieces(s) {
		if sgr != "" {
			style.apply(sgr)
		}
		if text == "" {
			continue
		}
		attrs := style.attrs()
		if attrs == "" {
			b.WriteString(html.EscapeString(text))
			continue
		}
		b.WriteString("<span" + attrs + ">" + html.EscapeString(text) + "</span>")
	}
	return b.String()
}

// colour is one of the 16 basic colours by class name, or a CSS colour.
type colour struct{ class, css string }

type ansiStyle struct {
	fg, bg                                   colour
	bold, faint, italic, under, strike, flip bool
}

var ansiNames = [8]string{"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}

// apply reads the parameters of one SGR sequence (ECMA-48, 8.3.117).
func (st *ansiStyle) apply(sgr string) {
	codes := strings.FieldsFunc(sgr, func(r rune) bool { return r == ';' || r == ':' })
	for i := 0; i < len(codes); i++ {
		n, err := strconv.Atoi(codes[i])
		if err != nil {
			return
		}
		switch {
		case n == 0:
			*st = ansiStyle{}
		case n == 1:
			st.bold = true
		case n == 2:
			st.faint = true
		case n == 3:
			st.italic = true
		case n == 4:
			st.under = true
		case n == 7:
			st.flip = true
		case n == 9:
			st.strike = true
		case n == 22:
			st.bold, st.faint = false, false
		case n == 23:
			st.italic = false
		case n == 24:
			st.under = false
		case n == 27:
			st.flip = false
		case n == 29:
			st.strike = false
		case n >= 30 && n <= 37:
			st.fg = colour{class: ansiNames[n-30]}
		case n >= 90 && n <= 97:
			st.fg = colour{class: "bright-" + ansiNames[n-90]}
		case n >= 40 && n <= 47:
			st.bg = colour{class: ansiNames[n-40]}
		case n >= 100 && n <= 107:
			st.bg = colour{class: "bright-" + ansiNames[n-100]}
		case n == 39:
			st.fg = colour{}
		case n == 49:
			st.bg = colour{}
		case n == 38 || n == 48:
			c, used := extendedColour(codes[i+1:])
			i += used
			if n == 38 {
				st.fg = c
			} else {
				st.bg = c
			}
		}
	}
}

// extendedColour reads 5;N (256 colours) or 2;R;G;B and says how many codes it
// took.
func extendedColour(codes []string) (colour, int) {
	number := func(i int) int {
		if i >= len(codes) {
			return 0
		}
		n, _ := strconv.Atoi(codes[i])
		return min(max(n, 0), 255)
	}
	if len(codes) < 2 {
		return colour{}, len(codes)
	}
	if codes[0] == "2" {
		return colour{css: fmt.Sprintf("#%02x%02x%02x", number(1), number(2), number(3))}, min(4, len(codes))
	}
	n := number(1)
	switch {
	case n < 8:
		return colour{class: ansiNames[n]}, min(2, len(codes))
	case n < 16:
		return colour{class: "bright-" + ansiNames[n-8]}, min(2, len(codes))
	case n < 232: // a cube of 6×6×6
		level := func(v int) int {
			if v == 0 {
				return 0
			}
			return 55 + 40*v
		}
		n -= 16
		return colour{css: fmt.Sprintf("#%02x%02x%02x", level(n/36), level(n/6%6), level(n%6))}, min(2, len(codes))
	}
	grey := 8 + 10*(n-232)
	return colour{css: fmt.Sprintf("#%02x%02x%02x", grey, grey, grey)}, min(2, len(codes))
}

// attrs are the class and style attributes of a span in this style.
func (st *ansiStyle) attrs() string {
	fg, bg := st.fg, st.bg
	if st.flip {
		fg, bg = bg, fg
		if fg == (colour{}) {
			fg = colour{css: "var(--page)"}
		}
		if bg == (colour{}) {
			bg = colour{css: "var(--text)"}
		}
	}
	var classes, styles []string
	if fg.class != "" {
		classes = append(classes, "ansi-"+fg.class)
	}
	if fg.css != "" {
		styles = append(styles, "color:"+fg.css)
	}
	if bg.class != "" {
		classes = append(classes, "ansi-on-"+bg.class)
	}
	if bg.css != "" {
		styles = append(styles, "background:"+bg.css)
	}
	for _, f := range []struct {
		on   bool
		name string
	}{{st.bold, "bold"}, {st.faint, "faint"}, {st.italic, "italic"}, {st.under, "under"}, {st.strike, "strike"}} {
		if f.on {
			classes = append(classes, "ansi-"+f.name)
		}
	}
	out := ""
	if classes != nil {
		out = ` class="` + strings.Join(classes, " ") + `"`
	}
	if styles != nil {
		out += ` style="` + strings.Join(styles, ";") + `"`
	}
	return out
}
