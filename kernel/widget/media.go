package widget

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/png"
	"regexp"
)

// Image shows a picture that can change.
type Image struct{ *model }

// NewImage returns a picture.
func NewImage(img image.Image) (*Image, error) {
	data, err := encodePNG(img)
	if err != nil {
		return nil, err
	}
	return &Image{newControl("Image", "", map[string]any{
		"value": data, "format": "png", "width": "", "height": "", "tooltip": nil, "tabbable": nil,
	})}, nil
}

func encodePNG(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("encoding a picture for a widget: %w", err)
	}
	return b.Bytes(), nil
}

// Set shows another picture.
func (i *Image) Set(img image.Image) error {
	data, err := encodePNG(img)
	if err != nil {
		return err
	}
	i.set("value", data)
	return nil
}

func (i *Image) static() string {
	i.mu.Lock()
	data := i.bytes["value"]
	i.mu.Unlock()
	return fmt.Sprintf(`<img src="data:image/png;base64,%s">`, base64.StdEncoding.EncodeToString(data))
}

// MIMEBundle shows the picture.
func (i *Image) MIMEBundle() map[string]any { return bundle(i, "picture") }

// HTML shows HTML that can change.
type HTML struct{ *model }

// NewHTML returns a widget that shows HTML.
func NewHTML(text string) *HTML {
	return &HTML{newControl("HTML", "HTMLStyleModel", map[string]any{
		"value": text, "placeholder": "\u200b", "description": "", "tooltip": nil, "tabbable": nil,
	})}
}

// Value is the HTML.
func (h *HTML) Value() string {
	s, _ := h.get("value").(string)
	return s
}

// Set shows other HTML.
func (h *HTML) Set(text string) { h.set("value", text) }

func (h *HTML) static() string { return h.Value() }

var tag = regexp.MustCompile(`<[^>]*>`)

// textOf returns the text of HTML, without its layout.
func textOf(s string) string { return html.UnescapeString(tag.ReplaceAllString(s, "")) }

// MIMEBundle shows the HTML.
func (h *HTML) MIMEBundle() map[string]any { return bundle(h, textOf(h.Value())) }
