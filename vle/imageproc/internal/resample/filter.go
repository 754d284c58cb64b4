package resample

import "math"

// Filter is a reconstruction filter, numbered as Pillow's Image.Resampling (and
// so as the "resample" field of a preprocessor_config.json).
type Filter int

// The filters of Pillow, with the numbers that Hugging Face configurations use.
const (
	Nearest  Filter = 0
	Lanczos  Filter = 1
	Bilinear Filter = 2
	Bicubic  Filter = 3
	Box      Filter = 4
	Hamming  Filter = 5
)

// Valid reports whether f is one of the six filters.
func (f Filter) Valid() bool { return f >= Nearest && f <= Hamming }

// support is the filter's radius in output pixels when nothing is scaled down.
func (f Filter) support() float64 {
	switch f {
	case Box:
		return 0.5
	case Bilinear, Hamming:
		return 1
	case Bicubic:
		return 2
	case Lanczos:
		return 3
	}
	return 0
}

// weight is the filter's value at distance x. The explicit float64 conversions
// keep compilers from fusing multiply and add on machines that could, so that
// every machine gets the same coefficients.
func (f Filter) weight(x float64) float64 {
	switch f {
	case Box:
		if x > -0.5 && x <= 0.5 {
			return 1
		}
		return 0
	case Bilinear:
		x = math.Abs(x)
		if x < 1 {
			return 1 - x
		}
		return 0
	case Hamming:
		x = math.Abs(x)
		if x == 0 {
			return 1
		}
		if x >= 1 {
			return 0
		}
		x *= math.Pi
		return math.Sin(x) / x * (0.54 + float64(0.46*math.Cos(x)))
	case Bicubic:
		const a = -0.5 // Keys' cubic convolution kernel with a = -1/2
		x = math.Abs(x)
		if x < 1 {
			return float64(float64(float64((a+2)*x)-(a+3))*x)*x + 1
		}
		if x < 2 {
			return (float64((float64((x-5)*x)+8)*x) - 4) * a
		}
		return 0
	case Lanczos:
		if x >= -3 && x < 3 {
			return sinc(x) * sinc(x/3)
		}
		return 0
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}
