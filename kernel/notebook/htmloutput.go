package notebook

import (
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"regexp"
	"strings"
)

// richest lists the MIME types that a page can show, the best form first.
// Widgets are not among them: their static form stands in the same bundle.
var richest = []string{
	"text/html",
	"image/svg+xml",
	"image/png",
	"image/jpeg",
	"image/gif",
	"image/webp",
	"text/markdown",
	"text/latex",
	"application/json",
	"text/plain",
}

// chooseMIME picks the richest form of a bundle that is listed, or "" when there
// is none.
func chooseMIME(bundle map[string]any, order []string) string {
	for _, mime := range order {
		if bundle[mime] != nil {
			return mime
		}
	}
	for mime := range bundle { // text/x-go and the like
		if strings.HasPrefix(mime, "text/") {
			return mime
		}
	}
	return ""
}

func (p *page) output(o *Output) (pageOutput, error) {
	switch o.Type {
	case Stream:
		text := strings.TrimRight(overwrite(o.Text), "\r\n")
		kind := "stdout"
		if o.Name == "stderr" {
			kind = "stderr"
		}
		return pageOutput{kind, preformatted(text)}, nil
	case ErrorOutput:
		text := strings.Join(o.Traceback, "\n")
		if strings.TrimSpace(StripANSI(text)) == "" {
			text = strings.TrimSuffix(o.ErrorName+": "+o.ErrorValue, ": ")
		}
		return pageOutput{"error", preformatted(strings.TrimRight(text, "\n"))}, nil
	case DisplayData, ExecuteResult:
		kind := "display"
		if o.Type == ExecuteResult {
			kind = "result"
		}
		body, err := p.bundle(o)
		return pageOutput{kind, body}, err
	}
	return pageOutput{}, nil
}

func (p *page) bundle(o *Output) (template.HTML, error) {
	mime := chooseMIME(o.Data, richest)
	s, isString := o.Data[mime].(string)
	if !isString && !isJSONMIME(mime) && mime != "" {
		return "", fmt.Errorf("the %s output is %s, not a string", mime, kindOf(o.Data[mime]))
	}
	switch {
	case mime == "":
		return "", nil
	case mime == "text/html":
		return template.HTML(`<div class="html">` + p.filterHTML(s, true) + `</div>`), nil
	case mime == "image/svg+xml":
		s = base64.StdEncoding.EncodeToString([]byte(s))
		return p.picture(mime, s, o), nil
	case strings.HasPrefix(mime, "image/"):
		return p.picture(mime, strings.Join(strings.Fields(s), ""), o), nil
	case mime == "text/markdown":
		p.attachments = nil
		body, err := p.markdown.render(s)
		return `<div class="markdown">` + body + `</div>`, err
	case mime == "text/latex":
		return template.HTML(`<div class="math">` + html.EscapeString(strings.Trim(s, "$ \n")) + `</div>`), nil
	case isJSONMIME(mime):
		var e encoder
		e.value(o.Data[mime], 0)
		return template.HTML(`<pre class="chroma json"><code>` + highlight(e.String(), "json") + `</code></pre>`), e.err
	}
	return preformatted(strings.TrimRight(s, "\n")), nil
}

// preformatted shows text with its colours, in a box that scrolls when long.
func preformatted(s string) template.HTML {
	if s == "" {
		return ""
	}
	class := ""
	if strings.Count(s, "\n") > 60 {
		class = ` class="long" tabindex="0"`
	}
	return template.HTML("<pre" + class + ">" + ansiHTML(s) + "</pre>")
}

// picture is an img element with the data inside. An SVG stays in an element of
// its own too, so that the names inside two of them cannot collide.
func (p *page) picture(mime, base64Data string, o *Output) template.HTML {
	attrs := ""
	if size, _ := o.Metadata[mime].(map[string]any); size != nil {
		for _, side := range []string{"width", "height"} {
			if v, ok := size[side]; ok {
				attrs += fmt.Sprintf(` %s="%s"`, side, html.EscapeString(fmt.Sprint(v)))
			}
		}
	}
	alt, _ := o.Data["text/plain"].(string)
	if alt == "" || len(alt) > 200 || strings.HasPrefix(alt, "&{") {
		alt = "picture"
	}
	return template.HTML(fmt.Sprintf(`<img class="picture" alt="%s"%s src="data:%s;base64,%s">`,
		html.EscapeString(alt), attrs, mime, html.EscapeString(base64Data)))
}

var (
	// unwantedTags are the elements that GFM's tag filter disarms, and those
	// that would reach beyond their place in the page.
	unwantedTags = regexp.MustCompile(`(?i)<(/?(?:title|textarea|xmp|iframe|noembed|noframes|plaintext|meta|base|link|object|embed|frame|frameset|html|head|body)\b)`)
	scriptTags   = regexp.MustCompile(`(?is)<script\b.*?(?:</script\s*>|$)`)
	scriptEnds   = regexp.MustCompile(`(?i)<(/script\b)`)
	styleTags    = regexp.MustCompile(`(?i)<(/?style\b)`)
	imgSource    = regexp.MustCompile(`(?i)(<img\b[^>]*?\ssrc\s*=\s*)(?:"([^"]*)"|'([^']*)')`)
)

// filterHTML makes raw HTML fit to stand in the page: elements that reach beyond
// their place become visible text, scripts go unless they are wanted, pictures
// with a relative path are put inside. style says that style elements may stay.
func (p *page) filterHTML(s string, style bool) string {
	s = unwantedTags.ReplaceAllString(s, "&lt;$1")
	if !p.opts.Scripts {
		s = scriptTags.ReplaceAllString(s, "")
		s = scriptEnds.ReplaceAllString(s, "&lt;$1")
	}
	if !style {
		s = styleTags.ReplaceAllString(s, "&lt;$1")
	}
	return imgSource.ReplaceAllStringFunc(s, func(tag string) string {
		m := imgSource.FindStringSubmatch(tag)
		uri, ok := p.dataURI(html.UnescapeString(m[2] + m[3]))
		if !ok {
			return tag
		}
		return m[1] + `"` + html.EscapeString(uri) + `"`
	})
}
