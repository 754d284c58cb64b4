// Package resample scales 8-bit pictures with Pillow's arithmetic, to the bit: a
// horizontal and then a vertical pass, each with integer coefficients of 22
// fractional bits and each rounded to 8 bits, the filter widened when a picture
// is scaled down. A window of the result can be asked for; its pixels are the
// same as those of the whole, and nothing outside it is computed.
package resample

import "math"

// precisionBits is Pillow's PRECISION_BITS for 8-bit pictures: 32 bits less 8 for
// the pixel and 2 for the overshoot of a filter with negative lobes.
const precisionBits = 32 - 8 - 2

// axis holds, for one direction, which source samples go into each sample of the
// window and with what weights.
type axis struct {
	identity bool    // sizes are equal: the pass is skipped, as Pillow skips it
	first    []int32 // [n] first source sample
	count    []int32 // [n] number of source samples
	width    int     // row length of coef: the largest count
	coef     []int32 // [n*width] fixed-point weights, zero beyond count
}

// newAxis computes the weights of samples [lo, hi) of an axis scaled from in to
// out samples (Pillow's precompute_coeffs and normalize_coeffs_8bpc).
func newAxis(f Filter, in, out, lo, hi int) axis {
	n := hi - lo
	a := axis{identity: in == out, first: make([]int32, n), count: make([]int32, n)}
	if a.identity {
		for i := range n {
			a.first[i], a.count[i] = int32(lo+i), 1
		}
		return a
	}
	scale := float64(in) / float64(out)
	filterScale := max(scale, 1)
	support := f.support() * filterScale
	a.width = int(math.Ceil(support))*2 + 1
	a.coef = make([]int32, n*a.width)
	weights := make([]float64, a.width)
	inv := 1 / filterScale
	for i := range n {
		center := float64((float64(lo+i) + 0.5) * scale)
		first := max(int(center-support+0.5), 0)
		count := min(int(center+support+0.5), in) - first
		sum := 0.0
		for k := range count {
			w := f.weight(float64((float64(k+first) - center + 0.5) * inv))
			weights[k] = w
			sum += w
		}
		row := a.coef[i*a.width:]
		for k := range count {
			w := weights[k]
			if sum != 0 {
				w /= sum
			}
			w = float64(w * (1 << precisionBits))
			if w < 0 {
				row[k] = int32(w - 0.5)
			} else {
				row[k] = int32(w + 0.5)
			}
		}
		a.first[i], a.count[i] = int32(first), int32(count)
	}
	return a
}

// span is the half-open range of source samples that the window needs.
func (a *axis) span() (lo, hi int) {
	n := len(a.first)
	return int(a.first[0]), int(a.first[n-1] + a.count[n-1])
}

// nearestIndex maps window samples to source samples for Nearest. Pillow adds the
// step again and again instead of multiplying, so its rounding is repeated here.
func nearestIndex(in, out, lo, hi int) []int32 {
	step := float64(in) / float64(out)
	at := float64(step * 0.5)
	index := make([]int32, 0, hi-lo)
	for i := range hi {
		if i >= lo {
			index = append(index, min(int32(at), int32(in-1)))
		}
		at += step
	}
	return index
}
