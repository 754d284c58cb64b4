package widget

import (
	"fmt"
	"math"
)

// number is what sliders and progress bars count in.
type number interface{ int | float64 }

// slider is what both sliders share.
type slider[T number] struct {
	*model
	change *handlers[T]
}

// IntSlider chooses a whole number by dragging.
type IntSlider struct{ slider[int] }

// FloatSlider chooses a number by dragging.
type FloatSlider struct{ slider[float64] }

// NewIntSlider returns a slider from low to high inclusive that stands at value,
// moved into the range.
func NewIntSlider(low, high, value int) *IntSlider {
	return &IntSlider{newSlider("IntSlider", low, high, value, 1, "d")}
}

// NewFloatSlider returns a slider from low to high that stands at value, moved into
// the range, and moves in hundredths of it.
func NewFloatSlider(low, high, value float64) *FloatSlider {
	return &FloatSlider{newSlider("FloatSlider", low, high, value, (max(low, high)-min(low, high))/100, ".4g")}
}

func newSlider[T number](name string, low, high, value, step T, format string) slider[T] {
	low, high = min(low, high), max(low, high)
	s := slider[T]{change: new(handlers[T]), model: newControl(name, "SliderStyleModel", map[string]any{
		"min": low, "max": high, "value": clamp(value, low, high), "step": step,
		"description": "", "orientation": "horizontal", "readout": true, "readout_format": format,
		"continuous_update": true, "behavior": "drag-tap", "disabled": false, "tooltip": nil, "tabbable": nil,
	})}
	s.onChanged("value", func(v any) { s.change.call(toNumber[T](v)) })
	return s
}

func clamp[T number](value, low, high T) T { return max(low, min(high, value)) }

// toNumber reads a number of the state, which JSON has made a float64.
func toNumber[T number](v any) T {
	switch v := v.(type) {
	case T:
		return v
	case float64: // not T, so T is int
		return T(math.Round(v))
	}
	return 0
}

// Value is where the slider stands.
func (s *slider[T]) Value() T { return toNumber[T](s.get("value")) }

// SetValue moves the slider, into its range. It does not call OnChange's functions.
func (s *slider[T]) SetValue(v T) {
	s.set("value", clamp(v, toNumber[T](s.get("min")), toNumber[T](s.get("max"))))
}

// OnChange adds a function that is called with the new value when someone moves
// the slider.
func (s *slider[T]) OnChange(f func(value T)) { s.change.add(f) }

func (s *slider[T]) static() string {
	return s.labelled(fmt.Sprintf(`<input type="range" min="%v" max="%v" step="%v" value="%v" disabled><span>%v</span>`,
		s.get("min"), s.get("max"), s.get("step"), s.Value(), s.Value()))
}

// Describe sets the text in front of the slider and returns the slider.
func (s *IntSlider) Describe(text string) *IntSlider {
	s.set("description", text)
	return s
}

// Step sets the distance of two positions and returns the slider.
func (s *IntSlider) Step(step int) *IntSlider {
	s.set("step", step)
	return s
}

// OnRelease makes the functions of OnChange be called when the slider is let go,
// and not while it is dragged, and returns the slider.
func (s *IntSlider) OnRelease() *IntSlider {
	s.set("continuous_update", false)
	return s
}

// MIMEBundle shows the slider.
func (s *IntSlider) MIMEBundle() map[string]any { return bundle(s, s.plain(s.Value())) }

// Describe sets the text in front of the slider and returns the slider.
func (s *FloatSlider) Describe(text string) *FloatSlider {
	s.set("description", text)
	return s
}

// Step sets the distance of two positions and returns the slider.
func (s *FloatSlider) Step(step float64) *FloatSlider {
	s.set("step", step)
	return s
}

// OnRelease makes the functions of OnChange be called when the slider is let go,
// and not while it is dragged, and returns the slider.
func (s *FloatSlider) OnRelease() *FloatSlider {
	s.set("continuous_update", false)
	return s
}

// MIMEBundle shows the slider.
func (s *FloatSlider) MIMEBundle() map[string]any { return bundle(s, s.plain(s.Value())) }
