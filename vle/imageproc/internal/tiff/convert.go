package tiff

import "math"

// Meanings of an extra sample.
const (
	alphaPremultiplied = 1
	alphaStraight      = 2
)

// convert makes RGB of samples, as Pillow's modes and convert("RGB") do.
func (l *layout) convert(f *file, samples []byte) (*Picture, error) {
	p := &Picture{Width: l.width, Height: l.height, Pix: make([]byte, 3*l.width*l.height)}
	rowBytes := ceilDiv(l.width*l.samples*l.bits, 8)
	var table [256][3]byte
	l.fillTable(&table)
	base := 1
	switch l.photometric {
	case rgb:
		base = 3
	case cmyk:
		base = 4
	}
	alphaKind := uint32(0)
	if l.samples > base && len(l.extra) > 0 && l.photometric != cmyk && l.photometric != palette {
		alphaKind = l.extra[0]
	}
	if alphaKind == alphaPremultiplied || alphaKind == alphaStraight {
		p.Alpha = make([]byte, l.width*l.height)
	}
	bytes := max(l.bits/8, 1)
	px := make([]byte, l.samples)
	for y := range l.height {
		row := samples[y*rowBytes:][:rowBytes]
		for x := range l.width {
			out := p.Pix[3*(y*l.width+x):][:3]
			if base == 1 && l.bits <= 8 && l.samples == 1 {
				copy(out, table[l.index(row, x)][:])
				continue
			}
			at := row[x*l.samples*bytes:]
			if base == 1 && l.bits > 8 {
				v := l.clip(f, at)
				out[0], out[1], out[2] = v, v, v
				continue
			}
			for s := range px {
				px[s] = at[s*bytes]
				if bytes == 2 { // the high byte
					px[s] = byte(f.order.Uint16(at[2*s:]) >> 8)
				}
			}
			switch base {
			case 1:
				copy(out, table[px[0]][:])
			case 3:
				copy(out, px)
			case 4:
				white := 255 - uint32(px[3])
				for c := range 3 {
					t := uint32(px[c])*white + 128
					out[c] = byte(max(int32(white)-int32((t>>8+t)>>8), 0))
				}
			}
			if p.Alpha != nil {
				a := px[base]
				p.Alpha[y*l.width+x] = a
				if alphaKind == alphaPremultiplied && a != 255 {
					for c := range out {
						if a == 0 {
							out[c] = 0
							continue
						}
						out[c] = byte(min(255*uint32(out[c])/uint32(a), 255))
					}
				}
			}
		}
	}
	return p, nil
}

// fillTable maps sample values of up to 8 bits to colours.
func (l *layout) fillTable(table *[256][3]byte) {
	if l.bits > 8 {
		return
	}
	n := 1 << l.bits
	for i := range n {
		switch l.photometric {
		case palette:
			table[i] = [3]byte{byte(l.colors[i] >> 8), byte(l.colors[n+i] >> 8), byte(l.colors[2*n+i] >> 8)}
		case whiteIsZero:
			v := byte(255 - 255*i/(n-1))
			table[i] = [3]byte{v, v, v}
		default:
			v := byte(255 * i / (n - 1))
			table[i] = [3]byte{v, v, v}
		}
	}
}

// index is sample x of a row of one sample of up to 8 bits a pixel.
func (l *layout) index(row []byte, x int) byte {
	if l.bits == 8 {
		return row[x]
	}
	bit := x * l.bits
	return row[bit/8] >> (8 - l.bits - bit%8) & (1<<l.bits - 1)
}

// clip reads a grey value of more than 8 bits and limits it to a byte, as Pillow's
// conversions from 16 and 32 bits and from floats do.
func (l *layout) clip(f *file, at []byte) byte {
	if l.bits == 16 {
		return byte(min(f.order.Uint16(at), 255))
	}
	u := f.order.Uint32(at)
	if l.format == float {
		return byte(min(max(math.Float32frombits(u), 0), 255))
	}
	return byte(min(max(int32(u), 0), 255))
}
