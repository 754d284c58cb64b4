package resample

// rounding is half a unit of the last place that survives the shift.
const rounding = 1 << (precisionBits - 1)

// clip8 drops the fractional bits of a sum and limits it to a byte.
func clip8(sum int32) byte {
	v := sum >> precisionBits
	if uint32(v) > 255 {
		return byte(^(v >> 31)) // 0 below, 255 above
	}
	return byte(v)
}

// horizontalPassGeneric filters every row of src, a picture of srcW pixels, into
// rows of len(a.first) pixels.
func horizontalPassGeneric(dst, src []byte, a *axis, srcW, channels int) {
	w := len(a.first)
	rows := len(src) / (srcW * channels)
	for y := range rows {
		in := src[y*srcW*channels : (y+1)*srcW*channels]
		out := dst[y*w*channels : (y+1)*w*channels]
		if channels == 3 {
			horizontalRow3(out, in, a)
		} else {
			horizontalRow(out, in, a, channels)
		}
	}
}

func horizontalRow3(out, in []byte, a *axis) {
	for x := range a.first {
		n := int(a.count[x])
		first := int(a.first[x]) * 3
		px := in[first : first+3*n]
		coef := a.coef[x*a.width:][:n]
		r, g, b := int32(rounding), int32(rounding), int32(rounding)
		for _, k := range coef {
			r += int32(px[0]) * k
			g += int32(px[1]) * k
			b += int32(px[2]) * k
			px = px[3:]
		}
		o := out[3*x : 3*x+3]
		o[0], o[1], o[2] = clip8(r), clip8(g), clip8(b)
	}
}

func horizontalRow(out, in []byte, a *axis, channels int) {
	for x := range a.first {
		first := int(a.first[x])
		coef := a.coef[x*a.width:][:a.count[x]]
		for c := range channels {
			sum := int32(rounding)
			at := first*channels + c
			for _, k := range coef {
				sum += int32(in[at]) * k
				at += channels
			}
			out[x*channels+c] = clip8(sum)
		}
	}
}

// verticalPassGeneric filters the columns of src, from byte column from on, into
// len(a.first) rows of rowBytes bytes. The first row of src is row rowLo of the
// picture.
func verticalPassGeneric(dst, src []byte, a *axis, rowLo, rowBytes, from int) {
	sums := make([]int32, rowBytes-from)
	for y := range a.first {
		for i := range sums {
			sums[i] = rounding
		}
		coef := a.coef[y*a.width:][:a.count[y]]
		top := (int(a.first[y])-rowLo)*rowBytes + from
		for k, c := range coef {
			row := src[top+k*rowBytes:][:len(sums)]
			for i, v := range row {
				sums[i] += int32(v) * c
			}
		}
		out := dst[y*rowBytes+from:][:len(sums)]
		for i, s := range sums {
			out[i] = clip8(s)
		}
	}
}
