package widget

import (
	"fmt"
	"strings"
)

// HBox shows widgets side by side.
type HBox struct{ box }

// VBox shows widgets one below the other.
type VBox struct{ box }

// box is what both boxes share.
type box struct {
	*model
	children []Widget
}

// NewHBox returns a box with the widgets side by side.
func NewHBox(children ...Widget) *HBox { return &HBox{newBox("HBox", children)} }

// NewVBox returns a box with the widgets one below the other.
func NewVBox(children ...Widget) *VBox { return &VBox{newBox("VBox", children)} }

func newBox(name string, children []Widget) box {
	ids := make([]string, len(children))
	for i, c := range children {
		ids[i] = "IPY_MODEL_" + c.ModelID()
	}
	return box{children: children, model: newControl(name, "", map[string]any{
		"children": ids, "box_style": "", "tooltip": nil, "tabbable": nil,
	})}
}

// flow is the HTML form of a box.
func (b *box) flow(direction string) string {
	var s strings.Builder
	for _, c := range b.children {
		s.WriteString(c.static())
	}
	return fmt.Sprintf(`<div style="display:flex;gap:.5em;align-items:flex-start;flex-direction:%s">%s</div>`, direction, s.String())
}

// lines is the text form of a box.
func (b *box) lines(between string) string {
	parts := make([]string, len(b.children))
	for i, c := range b.children {
		parts[i], _ = c.MIMEBundle()["text/plain"].(string)
	}
	return strings.Join(parts, between)
}

func (b *HBox) static() string { return b.flow("row") }

// MIMEBundle shows the box.
func (b *HBox) MIMEBundle() map[string]any { return bundle(b, b.lines("  ")) }

func (b *VBox) static() string { return b.flow("column") }

// MIMEBundle shows the box.
func (b *VBox) MIMEBundle() map[string]any { return bundle(b, b.lines("\n")) }
