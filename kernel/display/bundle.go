package display

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"maps"
	"reflect"
	"slices"
)

// What values can be rich: any of these methods is enough. MIMEBundle is this
// project's; the others are those that gophernotes knows.
type (
	bundler      interface{ MIMEBundle() map[string]any }
	metadataer   interface{ MIMEMetadata() map[string]any }
	htmler       interface{ HTML() string }
	javaScripter interface{ JavaScript() string }
	jpeger       interface{ JPEG() []byte }
	jsoner       interface{ JSON() map[string]any }
	latexer      interface{ Latex() string }
	markdowner   interface{ Markdown() string }
	pnger        interface{ PNG() []byte }
	pdfer        interface{ PDF() []byte }
	svger        interface{ SVG() string }
	renderer     interface{ Render() Data }
	simpleRender interface{ SimpleRender() Data }
)

// Bundle returns the representations of v by MIME type, and their metadata
// (nil if there is none). "text/plain" is always among them: it is what
// fmt's %v prints, except for values that say otherwise, for pictures and for matrices.
//
// A value is rich through its own methods, needing no import of this package:
// MIMEBundle() map[string]any, HTML() string, SVG() string, PNG() []byte,
// JPEG() []byte, Markdown() string, Latex() string, JSON() map[string]any;
// through image.Image; or through gonum/plot's WriterTo(w, h, format).
func Bundle(v any) (data, metadata map[string]any) {
	if isNilPointer(v) {
		return MIMEMap{"text/plain": fmt.Sprint(v)}, nil
	}
	switch v := v.(type) {
	case Data:
		return withText(v.Data, v.String), v.Metadata
	case bundler:
		data = maps.Clone(v.MIMEBundle())
		if m, ok := v.(metadataer); ok {
			metadata = m.MIMEMetadata()
		}
		return withText(data, func() string { return fmt.Sprint(v) }), metadata
	case renderer:
		return Bundle(v.Render())
	case simpleRender:
		return Bundle(v.SimpleRender())
	case image.Image:
		return imageBundle(v)
	}
	data = MIMEMap{}
	if x, ok := v.(htmler); ok {
		data["text/html"] = x.HTML()
	}
	if x, ok := v.(svger); ok {
		data["image/svg+xml"] = x.SVG()
	}
	if x, ok := v.(pnger); ok {
		data["image/png"] = x.PNG()
	}
	if x, ok := v.(jpeger); ok {
		data["image/jpeg"] = x.JPEG()
	}
	if x, ok := v.(markdowner); ok {
		data["text/markdown"] = x.Markdown()
	}
	if x, ok := v.(latexer); ok {
		data["text/latex"] = x.Latex()
	}
	if x, ok := v.(jsoner); ok {
		data["application/json"] = x.JSON()
	}
	if x, ok := v.(pdfer); ok {
		data["application/pdf"] = x.PDF()
	}
	if x, ok := v.(javaScripter); ok {
		data["application/javascript"] = x.JavaScript()
	}
	if len(data) == 0 {
		if kind, picture := plotted(v); kind != "" {
			return MIMEMap{kind: picture, "text/plain": fmt.Sprintf("%T", v)}, nil
		}
	}
	if len(data) == 0 {
		if page, ok := HTMLTable(v); ok {
			data["text/html"] = page
		}
	}
	text, ok := matrixText(v)
	if !ok {
		text = fmt.Sprint(v)
	}
	data["text/plain"] = text
	return data, nil
}

// isNilPointer tells whether v is a nil of a kind whose methods would fail.
func isNilPointer(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// withText returns data with a text form.
func withText(data map[string]any, text func() string) map[string]any {
	if data == nil {
		data = MIMEMap{}
	}
	if _, ok := data["text/plain"]; !ok {
		data["text/plain"] = text()
	}
	return data
}

// imageBundle encodes a picture as PNG.
func imageBundle(img image.Image) (data, metadata map[string]any) {
	size := img.Bounds().Size()
	text := fmt.Sprintf("%T %d×%d", img, size.X, size.Y)
	if size.X == 0 || size.Y == 0 {
		return MIMEMap{"text/plain": text}, nil
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return MIMEMap{"text/plain": text + ": " + err.Error()}, nil
	}
	return MIMEMap{"text/plain": text, "image/png": b.Bytes()}, nil
}

// plotWidth and plotHeight, in points, are the size in which a plot is drawn.
const plotWidth, plotHeight = 432, 288

// plotted draws a value that has gonum/plot's method
// WriterTo(w, h vg.Length, format string) (io.WriterTo, error). It is found by
// reflection, so that this package needs no import of gonum/plot.
func plotted(v any) (kind string, picture any) {
	m := reflect.ValueOf(v).MethodByName("WriterTo")
	if !m.IsValid() {
		return "", nil
	}
	t := m.Type()
	if t.NumIn() != 3 || t.NumOut() != 2 || t.In(0).Kind() != reflect.Float64 || t.In(1).Kind() != reflect.Float64 || t.In(2).Kind() != reflect.String {
		return "", nil
	}
	for _, format := range []string{"svg", "png"} {
		out := m.Call([]reflect.Value{
			reflect.ValueOf(float64(plotWidth)).Convert(t.In(0)),
			reflect.ValueOf(float64(plotHeight)).Convert(t.In(1)),
			reflect.ValueOf(format).Convert(t.In(2)),
		})
		w, ok := out[0].Interface().(io.WriterTo)
		if !ok || !out[1].IsNil() {
			continue
		}
		var b bytes.Buffer
		if _, err := w.WriteTo(&b); err != nil {
			continue
		}
		if format == "svg" {
			return "image/svg+xml", b.String()
		}
		return "image/png", b.Bytes()
	}
	return "", nil
}

// kinds lists the MIME types of a bundle in order.
func kinds(data map[string]any) []string { return slices.Sorted(maps.Keys(data)) }
