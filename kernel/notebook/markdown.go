package notebook

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// markdownOrder lists the MIME types that Markdown can carry, the best first.
var markdownOrder = []string{
	"text/markdown", "image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp",
	"text/latex", "text/html", "application/json", "text/plain",
}

var pictureSuffix = map[string]string{
	"image/svg+xml": ".svg", "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp",
}

// ToMarkdown makes a Markdown document of a notebook. Pictures become files: the
// document refers to them as folder/NAME, and files holds their bytes by that
// path.
func ToMarkdown(nb *Notebook, folder string) (document []byte, files map[string][]byte, err error) {
	_, language := nb.Kernel()
	if language == "" {
		language = "go"
	}
	d := &markdownDocument{folder: folder, language: language, files: map[string][]byte{}}
	for i, c := range nb.Cells {
		if c.HasTag("remove-cell") {
			continue
		}
		if err := d.cell(i+1, c); err != nil {
			return nil, nil, fmt.Errorf("cell %d: %w", i+1, err)
		}
	}
	return append(bytes.TrimSpace(d.Bytes()), '\n'), d.files, nil
}

type markdownDocument struct {
	bytes.Buffer
	folder, language string
	files            map[string][]byte
}

// paragraph writes a block with an empty line behind it.
func (d *markdownDocument) paragraph(s string) {
	if s = strings.Trim(s, "\r\n"); s != "" {
		d.WriteString(s + "\n\n")
	}
}

// fenced writes a code block whose fence is longer than any inside.
func (d *markdownDocument) fenced(language, s string) {
	s = strings.TrimRight(s, "\r\n")
	if s == "" {
		return
	}
	fence := "```"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	d.WriteString(fence + language + "\n" + s + "\n" + fence + "\n\n")
}

// picture keeps a file and writes a reference to it.
func (d *markdownDocument) picture(name, alt string, b []byte) {
	file := path.Join(d.folder, name)
	d.files[file] = b
	d.paragraph("![" + alt + "](" + (&url.URL{Path: file}).EscapedPath() + ")")
}

var attachmentLink = regexp.MustCompile(`attachment:([^)\s"'>]+)`)

func (d *markdownDocument) cell(number int, c *Cell) error {
	switch c.Type {
	case Markdown:
		var failure error
		d.paragraph(attachmentLink.ReplaceAllStringFunc(c.Source, func(link string) string {
			name, err := url.PathUnescape(strings.TrimPrefix(link, "attachment:"))
			bundle, ok := c.Attachments[name].(map[string]any)
			if err != nil || !ok {
				return link
			}
			for mime, suffix := range pictureSuffix {
				s, ok := bundle[mime].(string)
				if !ok {
					continue
				}
				b, err := pictureBytes(mime, s)
				if err != nil {
					failure = fmt.Errorf("attachment %q: %w", name, err)
					return link
				}
				stem := strings.TrimSuffix(path.Base(name), path.Ext(name))
				file := path.Join(d.folder, fmt.Sprintf("cell%d_%s%s", number, stem, suffix))
				d.files[file] = b
				return (&url.URL{Path: file}).EscapedPath()
			}
			return link
		}))
		return failure
	case Code:
		if !c.HasTag("remove-input") {
			d.fenced(d.language, c.Source)
		}
		if c.HasTag("remove-output") {
			return nil
		}
		for i, o := range c.Outputs {
			if err := d.output(fmt.Sprintf("cell%d_%d", number, i+1), o); err != nil {
				return fmt.Errorf("output %d: %w", i+1, err)
			}
		}
	}
	return nil
}

func (d *markdownDocument) output(name string, o *Output) error {
	switch o.Type {
	case Stream:
		d.fenced("text", StripANSI(overwrite(o.Text)))
	case ErrorOutput:
		text := StripANSI(strings.Join(o.Traceback, "\n"))
		if strings.TrimSpace(text) == "" {
			text = o.ErrorName + ": " + o.ErrorValue
		}
		d.fenced("text", text)
	case DisplayData, ExecuteResult:
		mime := chooseMIME(o.Data, markdownOrder)
		if mime == "" {
			return nil
		}
		if isJSONMIME(mime) {
			var e encoder
			e.value(o.Data[mime], 0)
			d.fenced("json", e.String())
			return e.err
		}
		s, ok := o.Data[mime].(string)
		if !ok {
			return fmt.Errorf("the %s data is %s, not a string", mime, kindOf(o.Data[mime]))
		}
		switch {
		case pictureSuffix[mime] != "":
			b, err := pictureBytes(mime, s)
			if err != nil {
				return fmt.Errorf("the %s data: %w", mime, err)
			}
			d.picture(name+pictureSuffix[mime], "picture", b)
		case mime == "text/markdown", mime == "text/latex":
			d.paragraph(s)
		case mime == "text/html":
			d.paragraph(blankLines.ReplaceAllString(s, "\n")) // an empty line would end the HTML block
		default:
			d.fenced("text", StripANSI(s))
		}
	}
	return nil
}

var blankLines = regexp.MustCompile(`\n\s*\n`)

// pictureBytes decodes a picture as outputs hold it: SVG as text, others in
// base64.
func pictureBytes(mime, s string) ([]byte, error) {
	if mime == "image/svg+xml" {
		return []byte(s), nil
	}
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
}
