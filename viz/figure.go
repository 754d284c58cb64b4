package viz

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// figure is what every picture kind of this package implements: a natural size
// and a way to draw itself on a canvas of any size.
type figure interface {
	size() (w, h vg.Length)
	draw(c draw.Canvas) error
}

// pixelsPerInch is the resolution of PNG output: twice that of CSS, so that
// text stays sharp on today's screens.
const pixelsPerInch = 144

// writePNG draws f at its natural size as a PNG of pixelsPerInch.
func writePNG(w io.Writer, f figure) error {
	width, height := f.size()
	c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(pixelsPerInch), vgimg.UseBackgroundColor(background))
	if err := f.draw(draw.New(c)); err != nil {
		return err
	}
	if _, err := (vgimg.PngCanvas{Canvas: c}).WriteTo(w); err != nil {
		return fmt.Errorf("viz: writing PNG: %w", err)
	}
	return nil
}

// writeSVG draws f at its natural size as a stand-alone SVG document.
func writeSVG(w io.Writer, f figure) error {
	width, height := f.size()
	c := vgsvg.New(width, height)
	if err := f.draw(draw.New(c)); err != nil {
		return err
	}
	var buf bytes.Buffer
	if _, err := c.WriteTo(&buf); err != nil {
		return fmt.Errorf("viz: writing SVG: %w", err)
	}
	// gonum names only the fonts that it measured with; a viewer without them
	// should fall back to its own sans serif, not to a serif.
	doc := strings.ReplaceAll(buf.String(), "font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")
	// An image fills its rectangle, as on every other canvas of gonum/plot.
	doc = strings.ReplaceAll(doc, "<image ", `<image preserveAspectRatio="none" `)
	if _, err := io.WriteString(w, doc); err != nil {
		return fmt.Errorf("viz: writing SVG: %w", err)
	}
	return nil
}

// bundle returns f as image/svg+xml and image/png, with a text for front ends
// that show neither. The SVG comes without its XML declaration, because
// notebooks place it inside a page.
func bundle(f figure, text string) map[string]any {
	var svg, png bytes.Buffer
	if err := writeSVG(&svg, f); err != nil {
		return map[string]any{"text/plain": fmt.Sprintf("%s\n(%v)", text, err)}
	}
	if err := writePNG(&png, f); err != nil {
		return map[string]any{"text/plain": fmt.Sprintf("%s\n(%v)", text, err)}
	}
	inline := svg.String()
	if i := strings.Index(inline, "<svg"); i > 0 {
		inline = inline[i:]
	}
	return map[string]any{
		"image/svg+xml": inline,
		"image/png":     png.Bytes(),
		"text/plain":    text,
	}
}
