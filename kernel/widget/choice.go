package widget

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"sync"
)

// Dropdown chooses one of several texts from a menu.
type Dropdown struct {
	*model
	options []string
	change  handlers[string]
}

// handlers are functions to call with a new value.
type handlers[T any] struct {
	mu    sync.Mutex
	funcs []func(T)
}

func (h *handlers[T]) add(f func(T)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.funcs = append(h.funcs, f)
}

func (h *handlers[T]) call(v T) {
	h.mu.Lock()
	funcs := slices.Clone(h.funcs)
	h.mu.Unlock()
	for _, f := range funcs {
		f(v)
	}
}

// NewDropdown returns a menu that stands at its first option; it needs at least
// one.
func NewDropdown(first string, more ...string) *Dropdown {
	d := &Dropdown{options: append([]string{first}, more...)}
	d.model = newControl("Dropdown", "DescriptionStyleModel", map[string]any{
		"_options_labels": d.options, "index": 0, "description": "", "disabled": false, "tooltip": nil, "tabbable": nil,
	})
	d.onChanged("index", func(any) { d.change.call(d.Value()) })
	return d
}

// Index is the position of the chosen option.
func (d *Dropdown) Index() int {
	i := toNumber[int](d.get("index"))
	return clamp(i, 0, len(d.options)-1)
}

// Value is the chosen option.
func (d *Dropdown) Value() string { return d.options[d.Index()] }

// Choose chooses an option. The error names the options that there are. It does
// not call OnChange's functions.
func (d *Dropdown) Choose(option string) error {
	i := slices.Index(d.options, option)
	if i < 0 {
		return fmt.Errorf("choosing %q: the options are %q", option, d.options)
	}
	d.set("index", i)
	return nil
}

// OnChange adds a function that is called when someone chooses an option.
func (d *Dropdown) OnChange(f func(option string)) { d.change.add(f) }

// Describe sets the text in front of the menu and returns the menu.
func (d *Dropdown) Describe(text string) *Dropdown {
	d.set("description", text)
	return d
}

func (d *Dropdown) static() string {
	var b strings.Builder
	for i, o := range d.options {
		selected := ""
		if i == d.Index() {
			selected = " selected"
		}
		fmt.Fprintf(&b, "<option%s>%s</option>", selected, html.EscapeString(o))
	}
	return d.labelled("<select disabled>" + b.String() + "</select>")
}

// MIMEBundle shows the menu.
func (d *Dropdown) MIMEBundle() map[string]any { return bundle(d, d.plain(d.Value())) }

// Checkbox is on or off.
type Checkbox struct {
	*model
	change handlers[bool]
}

// NewCheckbox returns a box with a text behind it.
func NewCheckbox(text string, on bool) *Checkbox {
	c := &Checkbox{model: newControl("Checkbox", "CheckboxStyleModel", map[string]any{
		"value": on, "description": text, "indent": false, "disabled": false, "tooltip": nil, "tabbable": nil,
	})}
	c.onChanged("value", func(v any) { c.change.call(v == true) })
	return c
}

// Value tells whether the box is on.
func (c *Checkbox) Value() bool { return c.get("value") == true }

// SetValue turns the box on or off. It does not call OnChange's functions.
func (c *Checkbox) SetValue(on bool) { c.set("value", on) }

// OnChange adds a function that is called when someone turns the box on or off.
func (c *Checkbox) OnChange(f func(on bool)) { c.change.add(f) }

func (c *Checkbox) static() string {
	checked := ""
	if c.Value() {
		checked = " checked"
	}
	d, _ := c.get("description").(string)
	return fmt.Sprintf(`<label><input type="checkbox" disabled%s> %s</label>`, checked, html.EscapeString(d))
}

// MIMEBundle shows the box.
func (c *Checkbox) MIMEBundle() map[string]any { return bundle(c, c.plain(c.Value())) }
