package jpeg

// upsampler makes full-size rows of one component.
type upsampler struct {
	c      *component
	h, v   int      // how many output samples each sample becomes
	fancy  bool     // by the triangle filter, not by repeating
	row    []byte   // the output row
	sums   []uint16 // scratch: vertical sums, one more on each side
	stride int
}

// slack is what rows have beyond their samples, so that vector code may write
// whole vectors.
const slack = 64

func (d *decoder) newUpsampler(c *component) *upsampler {
	u := &upsampler{c: c, h: d.maxH / c.h, v: d.maxV / c.v, stride: 8 * c.stride}
	// libjpeg filters factors of two only, and with both directions or the
	// horizontal one, only rows of more than two samples.
	switch {
	case u.h == 2 && u.v <= 2:
		u.fancy = c.w > 2
	case u.h == 1 && u.v == 2:
		u.fancy = true
	}
	if u.h > 1 || u.fancy {
		u.row = make([]byte, c.w*u.h+2*slack)
		u.sums = make([]uint16, c.w+2+slack)
	}
	return u
}

// at returns output row y; it is valid until the next call.
func (u *upsampler) at(y int) []byte {
	near := y / u.v
	in := u.samples(near)
	if u.h == 1 && !u.fancy {
		return in
	}
	if !u.fancy {
		out := u.row
		for i, s := range in[:u.c.w] {
			for k := range u.h {
				out[i*u.h+k] = s
			}
		}
		return out
	}
	if u.v == 1 {
		// With the same row twice, every sum is four times the sample, and so
		// must be the rounding terms.
		n := u.c.w
		verticalSums(u.sums[1:], in, in, n)
		u.sums[0], u.sums[n+1] = u.sums[1], u.sums[n]
		triangle(u.row, u.sums, n, 4, 8)
		return u.row
	}
	// The other row is the one above for an upper output row, else the one
	// below; at the picture's edges it is the row itself.
	far := near - 1 + y&1*2
	other := u.samples(min(max(far, 0), u.c.hgt-1))
	n := u.c.w
	if u.h == 1 {
		bias := uint16(1 + y&1)
		for i, s := range in[:n] {
			u.row[i] = uint8((3*uint16(s) + uint16(other[i]) + bias) >> 2)
		}
		return u.row
	}
	verticalSums(u.sums[1:], in, other, n)
	u.sums[0], u.sums[n+1] = u.sums[1], u.sums[n]
	triangle(u.row, u.sums, n, 8, 7)
	return u.row
}

func (u *upsampler) samples(y int) []byte { return u.c.plane[y*u.stride:][:u.stride] }

// verticalSumsGeneric weighs the nearer row three to one.
func verticalSumsGeneric(sums []uint16, near, far []byte, n int) {
	near, far, sums = near[:n], far[:n], sums[:n]
	for i := range sums {
		sums[i] = 3*uint16(near[i]) + uint16(far[i])
	}
}

// triangleGeneric makes two samples of each of the n sums after the first, weighing
// it three to one with its left and its right neighbour. The two rounding terms
// alternate so that the mean is kept (libjpeg's ordered dither).
func triangleGeneric(out []byte, sums []uint16, n int, left, right uint16) {
	out = out[:2*n]
	sums = sums[:n+2]
	for i := range n {
		s := 3 * sums[i+1]
		out[2*i] = uint8((s + sums[i] + left) >> 4)
		out[2*i+1] = uint8((s + sums[i+2] + right) >> 4)
	}
}
