package display

import (
	"encoding/json"
	"fmt"
	"image"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// MIMEMap holds one representation for each MIME type: a string for text
// types and image/svg+xml, []byte for pictures, any JSON value for
// application/json.
type MIMEMap = map[string]any

// Data is something to show, in the forms that a front end may choose from.
// As the value of a cell's trailing expression it is shown; anywhere else,
// pass it to [Display] or [Show].
type Data struct {
	// Data holds the representations.
	Data MIMEMap
	// Metadata belongs to Data; its keys are MIME types, too.
	Metadata MIMEMap
	// Transient is not saved in the notebook; "display_id" names the output
	// for later updates.
	Transient MIMEMap
}

// MIMEBundle returns d.Data.
func (d Data) MIMEBundle() map[string]any { return d.Data }

// String returns the text form.
func (d Data) String() string {
	s, _ := d.Data["text/plain"].(string)
	return s
}

// MakeData returns data of one MIME type, with a text form beside it.
func MakeData(mimeType string, data any) Data {
	text, ok := data.(string)
	if !ok {
		text = mimeType
		if b, isBytes := data.([]byte); isBytes {
			text = fmt.Sprintf("%s (%d bytes)", mimeType, len(b))
		}
	}
	return MakeData3(mimeType, text, data)
}

// MakeData3 is MakeData with a text form of the caller's.
func MakeData3(mimeType, text string, data any) Data {
	d := Data{Data: MIMEMap{"text/plain": text}}
	if mimeType != "text/plain" {
		d.Data[mimeType] = data
	}
	return d
}

// Any returns data of the given MIME type; with an empty type it is Auto.
func Any(mimeType string, data any) Data {
	if mimeType == "" {
		return Auto(data)
	}
	return MakeData(mimeType, data)
}

// Auto returns the richest representations that v has; see [Bundle].
func Auto(v any) Data {
	data, meta := Bundle(v)
	return Data{Data: data, Metadata: meta}
}

// HTML returns a piece of HTML.
func HTML(s string) Data { return MakeData("text/html", s) }

// Markdown returns Markdown text.
func Markdown(s string) Data { return MakeData("text/markdown", s) }

// Latex returns LaTeX text, with its own dollar signs where they are needed.
func Latex(s string) Data { return MakeData("text/latex", s) }

// Math returns a LaTeX formula; the dollar signs are added.
func Math(s string) Data {
	return MakeData3("text/latex", s, "$$"+strings.Trim(s, "$")+"$$")
}

// SVG returns a drawing in SVG.
func SVG(s string) Data { return MakeData3("image/svg+xml", "image/svg+xml", s) }

// PNG returns an encoded PNG picture.
func PNG(b []byte) Data { return MakeData("image/png", b) }

// JPEG returns an encoded JPEG picture.
func JPEG(b []byte) Data { return MakeData("image/jpeg", b) }

// PDF returns a PDF document.
func PDF(b []byte) Data { return MakeData("application/pdf", b) }

// JavaScript returns a script for the page.
func JavaScript(s string) Data { return MakeData("application/javascript", s) }

// JSON returns a value that front ends show as a tree. v is anything that
// encoding/json can encode; when it cannot, the text form says why.
func JSON(v any) Data {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return Text("display.JSON: " + err.Error())
	}
	return MakeData3("application/json", string(b), json.RawMessage(b))
}

// VegaLite returns a Vega-Lite chart. spec is a JSON text or anything that
// encoding/json can encode.
func VegaLite(spec any) Data {
	var raw json.RawMessage
	switch s := spec.(type) {
	case string:
		raw = json.RawMessage(s)
	case []byte:
		raw = s
	default:
		b, err := json.Marshal(spec)
		if err != nil {
			return Text("display.VegaLite: " + err.Error())
		}
		raw = b
	}
	if !json.Valid(raw) {
		return Text("display.VegaLite: the specification is not valid JSON")
	}
	return MakeData3("application/vnd.vegalite.v5+json", "a Vega-Lite chart", raw)
}

// Image returns a picture, shown as PNG.
func Image(img image.Image) Data {
	data, meta := Bundle(img)
	return Data{Data: data, Metadata: meta}
}

// Text returns plain text.
func Text(s string) Data { return MakeData("text/plain", s) }

// String is Text, under the name that gophernotes uses.
func String(s string) Data { return Text(s) }

// MIME returns data in several representations; metadata may be nil.
func MIME(data, metadata MIMEMap) Data {
	d := Data{Data: maps.Clone(data), Metadata: metadata}
	if d.Data == nil {
		d.Data = MIMEMap{}
	}
	if _, ok := d.Data["text/plain"]; !ok {
		d.Data["text/plain"] = strings.Join(kinds(d.Data), ", ")
	}
	return d
}

// fileTypes are the MIME types that File tells from a file's name.
var fileTypes = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".svg": "image/svg+xml",
	".html": "text/html", ".md": "text/markdown", ".json": "application/json", ".pdf": "application/pdf", ".txt": "text/plain",
}

// File returns the content of a file, whose kind is told from mimeType or,
// when that is empty, from the file's name.
func File(mimeType, path string) (Data, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Data{}, fmt.Errorf("showing a file: %w", err)
	}
	if mimeType == "" {
		mimeType = fileTypes[strings.ToLower(filepath.Ext(path))]
	}
	switch {
	case mimeType == "":
		return Data{}, fmt.Errorf("showing %s: its kind is unknown, pass a MIME type", path)
	case mimeType == "application/json":
		return MakeData3(mimeType, string(b), json.RawMessage(b)), nil
	case strings.HasPrefix(mimeType, "text/"), mimeType == "image/svg+xml":
		return MakeData(mimeType, string(b)), nil
	}
	return MakeData(mimeType, b), nil
}
