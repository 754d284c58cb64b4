package widget

import (
	"fmt"
	"html"
)

// Text is a field for a line of text.
type Text struct {
	*model
	change handlers[string]
	submit handlers[string]
}

// NewText returns a field that holds a text.
func NewText(value string) *Text {
	t := &Text{model: newControl("Text", "TextStyleModel", map[string]any{
		"value": value, "placeholder": "\u200b", "description": "", "continuous_update": true, "disabled": false,
		"tooltip": nil, "tabbable": nil,
	})}
	t.onChanged("value", func(any) { t.change.call(t.Value()) })
	t.onEvent("submit", func() { t.submit.call(t.Value()) })
	return t
}

// Value is the text in the field.
func (t *Text) Value() string {
	s, _ := t.get("value").(string)
	return s
}

// SetValue sets the text. It does not call the functions of OnChange.
func (t *Text) SetValue(text string) { t.set("value", text) }

// OnChange adds a function that is called as someone types.
func (t *Text) OnChange(f func(text string)) { t.change.add(f) }

// OnSubmit adds a function that is called when someone presses Enter.
func (t *Text) OnSubmit(f func(text string)) { t.submit.add(f) }

// Describe sets the text in front of the field and returns the field.
func (t *Text) Describe(text string) *Text {
	t.set("description", text)
	return t
}

// Placeholder sets what an empty field shows and returns the field.
func (t *Text) Placeholder(text string) *Text {
	t.set("placeholder", text)
	return t
}

func (t *Text) static() string {
	return t.labelled(fmt.Sprintf(`<input type="text" value="%s" disabled>`, html.EscapeString(t.Value())))
}

// MIMEBundle shows the field.
func (t *Text) MIMEBundle() map[string]any { return bundle(t, t.plain(t.Value())) }

// Button is there to be clicked.
type Button struct {
	*model
	click handlers[*Button]
}

// NewButton returns a button with a text on it.
func NewButton(text string) *Button {
	b := &Button{model: newControl("Button", "ButtonStyleModel", map[string]any{
		"description": text, "button_style": "", "icon": "", "disabled": false, "tooltip": nil, "tabbable": nil,
	})}
	b.onEvent("click", func() { b.click.call(b) })
	return b
}

// OnClick adds a function that is called when someone clicks the button.
func (b *Button) OnClick(f func(*Button)) { b.click.add(f) }

// SetText changes the text on the button.
func (b *Button) SetText(text string) { b.set("description", text) }

// SetDisabled makes the button (not) take clicks.
func (b *Button) SetDisabled(disabled bool) { b.set("disabled", disabled) }

// Style sets the look of the button, Success for instance, and returns the button.
func (b *Button) Style(look string) *Button {
	b.set("button_style", look)
	return b
}

func (b *Button) static() string {
	d, _ := b.get("description").(string)
	return fmt.Sprintf("<button disabled>%s</button>", html.EscapeString(d))
}

// MIMEBundle shows the button.
func (b *Button) MIMEBundle() map[string]any {
	d, _ := b.get("description").(string)
	return bundle(b, "["+d+"]")
}
