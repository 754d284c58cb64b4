package widget_test

import (
	"fmt"

	"govle/kernel/widget"
)

// A slider with a callback. In a notebook a cell ends with the slider, or with a
// box of widgets; here is what a saved notebook shows as text.
func Example() {
	gain := widget.NewIntSlider(0, 100, 50).Describe("gain")
	gain.OnChange(func(v int) { fmt.Println("gain is now", v) })
	reset := widget.NewButton("Reset")
	reset.OnClick(func(*widget.Button) { gain.SetValue(50) })
	gain.SetValue(70)
	fmt.Println(widget.NewHBox(gain, reset).MIMEBundle()["text/plain"])
	// Output: gain: 70  [Reset]
}
