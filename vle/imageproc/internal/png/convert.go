package png

import "encoding/binary"

// fillTable sets the colours of samples of up to 8 bits. Indices beyond the palette
// are black.
func (d *decoder) fillTable() {
	for i := range d.table {
		d.table[i] = [4]byte{0, 0, 0, 255}
	}
	switch {
	case d.color == indexed:
		for i := range len(d.palette) / 3 {
			copy(d.table[i][:3], d.palette[3*i:])
		}
		for i, a := range d.transparency[:min(len(d.transparency), 256)] {
			d.table[i][3] = a
		}
	case d.color == grey && d.depth <= 8:
		n := 1 << d.depth
		for i := range n {
			v := byte(255 * i / (n - 1))
			d.table[i] = [4]byte{v, v, v, 255}
		}
		if len(d.transparency) == 2 {
			if v := int(binary.BigEndian.Uint16(d.transparency)); v < n {
				d.table[v][3] = 0
			}
		}
	}
}

// convert makes RGB, and alpha where out has room for it, of an unfiltered row.
func (d *decoder) convert(out *Picture, row []byte) {
	pix, alpha := out.Pix, out.Alpha
	step := d.depth / 8 // bytes a sample
	switch {
	case d.color == indexed || d.color == grey && d.depth <= 8:
		for x := range out.Width {
			bit := x * d.depth
			v := row[bit/8] >> (8 - d.depth - bit%8) & byte(1<<d.depth-1)
			c := &d.table[v]
			px := pix[3*x : 3*x+3 : 3*x+3]
			px[0], px[1], px[2] = c[0], c[1], c[2]
			if alpha != nil {
				alpha[x] = c[3]
			}
		}
	case d.color == grey: // 16 bits: Pillow clips
		for x := range out.Width {
			v := byte(min(binary.BigEndian.Uint16(row[2*x:]), 255))
			pix[3*x], pix[3*x+1], pix[3*x+2] = v, v, v
		}
		d.keyAlpha(alpha, row, 2)
	case d.color == greyAlpha:
		for x := range out.Width {
			v := row[2*step*x]
			pix[3*x], pix[3*x+1], pix[3*x+2] = v, v, v
			if alpha != nil {
				alpha[x] = row[2*step*x+step]
			}
		}
	case d.color == trueColor && step == 1:
		copy(pix, row)
		d.keyAlpha(alpha, row, 3)
	case d.color == trueColor:
		for x := range pix {
			pix[x] = row[2*x]
		}
		d.keyAlpha(alpha, row, 6)
	case step == 1:
		for x := range out.Width {
			in := row[4*x : 4*x+4 : 4*x+4]
			px := pix[3*x : 3*x+3 : 3*x+3]
			px[0], px[1], px[2] = in[0], in[1], in[2]
			if alpha != nil {
				alpha[x] = in[3]
			}
		}
	default:
		for x := range out.Width {
			in := row[8*x : 8*x+8 : 8*x+8]
			pix[3*x], pix[3*x+1], pix[3*x+2] = in[0], in[2], in[4]
			if alpha != nil {
				alpha[x] = in[6]
			}
		}
	}
}

// keyAlpha makes transparent the pixels, of n bytes each, that have the colour of
// the transparency chunk, which always has 16 bits a sample.
func (d *decoder) keyAlpha(alpha, row []byte, n int) {
	if alpha == nil {
		return
	}
	key := d.transparency
	if d.depth == 8 && len(key) == 2*n {
		low := make([]byte, n)
		for i := range low {
			low[i] = key[2*i+1]
		}
		key = low
	}
	for x := range alpha {
		alpha[x] = 255
		if string(row[n*x:n*x+n]) == string(key) {
			alpha[x] = 0
		}
	}
}
