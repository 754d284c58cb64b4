package jpeg

// Chroma's contributions to red, green and blue in 16 fractional bits, rounded as
// libjpeg's tables (JFIF 1.02: R = Y + 1.402 Cr, G = Y − 0.344136 Cb − 0.714136 Cr,
// B = Y + 1.772 Cb).
const (
	crRed   = 91881  // 1.40200
	cbBlue  = 116130 // 1.77200
	crGreen = 46802  // 0.71414
	cbGreen = 22554  // 0.34414
	half    = 1 << 15
)

// colorKind is how components become colours.
type colorKind int

const (
	grey colorKind = iota
	rgb
	ycc
	cmyk
	ycck
)

// kind guesses the colours as libjpeg does.
func (d *decoder) kind() colorKind {
	switch len(d.comps) {
	case 1:
		return grey
	case 3:
		if d.jfif {
			return ycc
		}
		if d.adobe {
			if d.adobeTransform == 0 {
				return rgb
			}
			return ycc
		}
		if d.comps[0].id == 'R' && d.comps[1].id == 'G' && d.comps[2].id == 'B' {
			return rgb
		}
		return ycc
	}
	if d.adobe && d.adobeTransform != 0 {
		return ycck
	}
	return cmyk
}

// pixels upsamples and converts row by row.
func (d *decoder) pixels() *Picture {
	p := &Picture{Width: d.width, Height: d.height, Pix: make([]byte, 3*d.width*d.height)}
	up := make([]*upsampler, len(d.comps))
	for i := range d.comps {
		up[i] = d.newUpsampler(&d.comps[i])
	}
	kind := d.kind()
	var rows [4][]byte
	for y := range d.height {
		for i, u := range up {
			rows[i] = u.at(y)
		}
		out := p.Pix[3*d.width*y:][:3*d.width]
		switch kind {
		case grey:
			for x, v := range rows[0][:d.width] {
				out[3*x], out[3*x+1], out[3*x+2] = v, v, v
			}
		case rgb:
			for x := range d.width {
				out[3*x], out[3*x+1], out[3*x+2] = rows[0][x], rows[1][x], rows[2][x]
			}
		case ycc:
			yccRow(out, rows[0], rows[1], rows[2], d.width)
		case cmyk:
			cmykRow(out, &rows, d.width)
		case ycck:
			// Converting as if it were RGB gives the complements of cyan,
			// magenta and yellow, to which the values are then set.
			yccRow(out, rows[0], rows[1], rows[2], d.width)
			for i := range out {
				out[i] = 255 - out[i]
			}
			complementRow(out, rows[3], d.width)
		}
	}
	return p
}

// yccRowGeneric converts n pixels.
func yccRowGeneric(out, y, cb, cr []byte, n int) {
	out, y, cb, cr = out[:3*n], y[:n], cb[:n], cr[:n]
	for i := range y {
		l, b, r := int32(y[i]), int32(cb[i])-128, int32(cr[i])-128
		o := out[3*i : 3*i+3 : 3*i+3]
		o[0] = clamp(l + (crRed*r+half)>>16)
		o[1] = clamp(l + (half-cbGreen*b-crGreen*r)>>16)
		o[2] = clamp(l + (cbBlue*b+half)>>16)
	}
}

func clamp(v int32) byte {
	if uint32(v) > 255 {
		return byte(^(v >> 31))
	}
	return byte(v)
}

// cmykRow converts inks, which Adobe's programs store inverted and which Pillow
// therefore always takes to be inverted.
func cmykRow(out []byte, rows *[4][]byte, n int) {
	for x := range n {
		out[3*x], out[3*x+1], out[3*x+2] = rows[0][x], rows[1][x], rows[2][x]
	}
	complementRow(out, rows[3], n)
}

// complementRow finishes inverted inks: out holds 255 − cyan, magenta, yellow, k
// holds 255 − black. As Pillow: value = (255−K) − C·(255−K)/255, rounded.
func complementRow(out, k []byte, n int) {
	for x := range n {
		white := uint32(k[x])
		for c := range 3 {
			ink := 255 - uint32(out[3*x+c])
			t := ink*white + 128
			out[3*x+c] = clamp(int32(white) - int32((t>>8+t)>>8))
		}
	}
}
