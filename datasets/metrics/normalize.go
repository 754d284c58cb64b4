package metrics

import (
	"strings"
	"unicode"
)

// maxPeriods is how many periods the official code strips: it hands
// re.UNICODE, which is 32, to re.sub where the count of replacements goes.
const maxPeriods = 32

// punctuation are the characters that processPunctuation removes or turns into
// spaces.
const punctuation = `;/[]"{}()=+\_-><@` + "`" + `,?!`

// ProcessPunctuation is the official VQA evaluation's processPunctuation. Each
// of its characters vanishes if it stands next to a space anywhere in s, or if s has
// a comma between digits; else it becomes a space. Periods that no digit follows
// vanish, the first 32 of them.
func ProcessPunctuation(s string) string {
	if !strings.ContainsAny(s, punctuation+".") {
		return s
	}
	comma := commaInNumber(s)
	var gone [128]bool // by character: vanishes; else becomes a space
	for _, p := range punctuation {
		gone[p] = comma
	}
	for i := 0; i+1 < len(s); i++ {
		if s[i+1] == ' ' && s[i] < 128 {
			gone[s[i]] = true
		}
		if s[i] == ' ' && s[i+1] < 128 {
			gone[s[i+1]] = true
		}
	}
	var mid strings.Builder
	mid.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case strings.IndexByte(punctuation, c) < 0:
			mid.WriteByte(c)
		case !gone[c]:
			mid.WriteByte(' ')
		}
	}
	return stripPeriods(mid.String())
}

// commaInNumber reports a comma between two digits.
func commaInNumber(s string) bool {
	for from := 0; ; {
		i := strings.IndexByte(s[from:], ',')
		if i < 0 {
			return false
		}
		i += from
		if endsInDigit(s[:i]) && startsWithDigit(s[i+1:]) {
			return true
		}
		from = i + 1
	}
}

func stripPeriods(s string) string {
	if strings.IndexByte(s, '.') < 0 {
		return s
	}
	var out strings.Builder
	out.Grow(len(s))
	removed := 0
	for i := 0; i < len(s); i++ {
		if s[i] == '.' && removed < maxPeriods && !startsWithDigit(s[i+1:]) {
			removed++
			continue
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

func startsWithDigit(s string) bool {
	for _, r := range s {
		return unicode.IsDigit(r)
	}
	return false
}

func endsInDigit(s string) bool {
	last := ' '
	if i := strings.LastIndexFunc(s, func(rune) bool { return true }); i >= 0 {
		for _, r := range s[i:] {
			last = r
		}
	}
	return unicode.IsDigit(last)
}

// ProcessDigitArticle is the official VQA evaluation's processDigitArticle:
// lower case, number words to digits, no articles, apostrophes put into
// contractions, one space between words.
func ProcessDigitArticle(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), pythonSpace)
	kept := words[:0]
	for _, w := range words {
		if n, ok := numberWords[w]; ok {
			w = n
		}
		if w == "a" || w == "an" || w == "the" {
			continue
		}
		if c, ok := contractions[w]; ok {
			w = c
		}
		kept = append(kept, w)
	}
	return strings.Join(kept, " ")
}

// NormalizeWord is how the reference prepares answers when it builds its
// vocabulary (normalize_word of its VQA example): punctuation, digits and
// articles as above, then no comma at all.
func NormalizeWord(s string) string {
	return strings.ReplaceAll(ProcessDigitArticle(ProcessPunctuation(s)), ",", "")
}

// trimAnswer is what the official code does to every answer before it compares:
// new lines and tabs become spaces, outer white space goes.
func trimAnswer(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, s)
	return strings.TrimFunc(s, pythonSpace)
}

// pythonSpace is str.isspace, which also holds the four ASCII separators.
func pythonSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

var numberWords = map[string]string{
	"none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
	"six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
}
