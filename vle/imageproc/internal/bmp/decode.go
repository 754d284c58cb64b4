// Package bmp decodes Windows and OS/2 bitmaps as Pillow does: 1, 4 and 8 bits with
// a palette, plain or run-length encoded, 16, 24 and 32 bits, with the usual bit
// fields, from the bottom up or from the top down.
package bmp

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Picture is a decoded picture.
type Picture struct {
	Pix           []byte // [Height*Width*3] red, green, blue
	Alpha         []byte // [Height*Width], nil when the file has none
	Width, Height int
}

// Compression schemes.
const (
	plain     = 0
	runs8     = 1
	runs4     = 2
	bitFields = 3
)

type decoder struct {
	width, height int
	topDown       bool
	bits          int
	compression   uint32
	masks         [4]uint32 // red, green, blue, alpha
	palette       [256][3]byte
	data          []byte // the pixels and what follows
	odd           int    // 1 when data begin at an odd position in the file
}

// Decode decodes a bitmap. allow is asked for its size before anything of that size
// is allocated; its error ends decoding.
func Decode(data []byte, allow func(width, height int) error) (*Picture, error) {
	d := &decoder{}
	if err := d.header(data, allow); err != nil {
		return nil, err
	}
	if d.bits > 8 {
		return d.direct()
	}
	return d.indexed()
}

// header reads the file header, the bitmap's header and its palette.
func (d *decoder) header(data []byte, allow func(width, height int) error) error {
	const fileHeader = 14
	if len(data) < fileHeader+4 {
		return io.ErrUnexpectedEOF
	}
	le := binary.LittleEndian
	offset, size := le.Uint32(data[10:]), le.Uint32(data[fileHeader:])
	if uint64(len(data)) < fileHeader+uint64(size) {
		return fmt.Errorf("a header of %d bytes: %w", size, io.ErrUnexpectedEOF)
	}
	h := data[fileHeader : fileHeader+int(size)]
	colors, entry := uint32(0), 4
	switch size {
	case 12: // OS/2
		d.width, d.height = int(le.Uint16(h[4:])), int(le.Uint16(h[6:]))
		d.bits = int(le.Uint16(h[10:]))
		entry = 3
	case 40, 52, 56, 64, 108, 124:
		d.width = int(int32(le.Uint32(h[4:])))
		d.height = int(int32(le.Uint32(h[8:])))
		if d.height < 0 {
			d.height, d.topDown = -d.height, true
		}
		d.bits = int(le.Uint16(h[14:]))
		d.compression = le.Uint32(h[16:])
		colors = le.Uint32(h[32:])
	default:
		return fmt.Errorf("a header of %d bytes is unknown", size)
	}
	if err := allow(d.width, d.height); err != nil {
		return err
	}
	after := data[fileHeader+int(size):]
	d.masks = [4]uint32{0xff0000, 0xff00, 0xff, 0}
	if d.bits == 16 {
		d.masks = [4]uint32{0x7c00, 0x3e0, 0x1f, 0}
	}
	if d.compression == bitFields {
		masks := after
		n := 3
		if size >= 52 {
			masks = h[40:]
		}
		if size >= 56 {
			n = 4
		}
		if len(masks) < 4*n {
			return io.ErrUnexpectedEOF
		}
		d.masks = [4]uint32{}
		for i := range n {
			d.masks[i] = le.Uint32(masks[4*i:])
		}
	}
	if err := d.check(); err != nil {
		return err
	}
	if d.bits <= 8 {
		if colors == 0 {
			colors = 1 << d.bits
		}
		if colors > 256 || len(after) < entry*int(colors) {
			return fmt.Errorf("a palette of %d colours in %d bytes", colors, len(after))
		}
		for i := range int(colors) {
			e := after[entry*i:]
			d.palette[i] = [3]byte{e[2], e[1], e[0]}
		}
		if uint64(offset) == fileHeader+uint64(size) { // some writers forget the palette
			offset += 4 * colors
		}
	}
	if uint64(offset) > uint64(len(data)) {
		return fmt.Errorf("the pixels begin at byte %d: %w", offset, io.ErrUnexpectedEOF)
	}
	d.data, d.odd = data[offset:], int(offset&1)
	return nil
}

func (d *decoder) check() error {
	ok := false
	switch d.compression {
	case plain:
		ok = d.bits == 1 || d.bits == 4 || d.bits == 8 || d.bits == 16 || d.bits == 24 || d.bits == 32
	case runs8:
		ok = d.bits == 8 && !d.topDown
	case runs4:
		ok = d.bits == 4 && !d.topDown
	case bitFields:
		m := d.masks
		switch d.bits {
		case 16:
			ok = m == [4]uint32{0xf800, 0x7e0, 0x1f} || m == [4]uint32{0x7c00, 0x3e0, 0x1f}
		case 24:
			ok = m == [4]uint32{0xff0000, 0xff00, 0xff}
		case 32:
			if m == [4]uint32{} { // nothing said: the usual order, with alpha
				d.masks = [4]uint32{0xff0000, 0xff00, 0xff, 0xff000000}
			}
			ok = true
			for i, v := range d.masks {
				ok = ok && (v == 0xff || v == 0xff00 || v == 0xff0000 || v == 0xff000000 || v == 0 && i == 3)
			}
		}
	}
	if !ok {
		return fmt.Errorf("%d bits with compression %d and bit fields %#x are not supported", d.bits, d.compression, d.masks)
	}
	return nil
}

// rowBytes is the length of a row, padded to four bytes.
func (d *decoder) rowBytes() int { return (d.width*d.bits + 31) / 32 * 4 }

// enough reports an error when the pixels are not all there. The last row's padding
// may be missing.
func (d *decoder) enough() error {
	need := d.rowBytes()*(d.height-1) + (d.width*d.bits+7)/8
	if len(d.data) < need {
		return fmt.Errorf("%d of %d bytes of pixels: %w", len(d.data), need, io.ErrUnexpectedEOF)
	}
	return nil
}

// outRow is where the file's row y belongs.
func (d *decoder) outRow(y int) int {
	if d.topDown {
		return y
	}
	return d.height - 1 - y
}

// direct converts pixels of 16, 24 and 32 bits.
func (d *decoder) direct() (*Picture, error) {
	if err := d.enough(); err != nil {
		return nil, err
	}
	p := &Picture{Width: d.width, Height: d.height, Pix: make([]byte, 3*d.width*d.height)}
	if d.bits == 32 && d.masks[3] != 0 {
		p.Alpha = make([]byte, d.width*d.height)
	}
	var fields [4]field
	for i, m := range d.masks {
		fields[i] = newField(m)
	}
	step := d.bits / 8
	for y := range d.height {
		row := d.data[y*d.rowBytes():]
		at := d.outRow(y) * d.width
		for x := range d.width {
			in := row[x*step:]
			v := uint32(in[0]) | uint32(in[1])<<8
			if step > 2 {
				v |= uint32(in[2]) << 16
			}
			if step > 3 {
				v |= uint32(in[3]) << 24
			}
			px := p.Pix[3*(at+x):][:3]
			px[0], px[1], px[2] = fields[0].of(v), fields[1].of(v), fields[2].of(v)
			if p.Alpha != nil {
				p.Alpha[at+x] = fields[3].of(v)
			}
		}
	}
	return p, nil
}

// field is one colour's bits: how far to shift and the largest value.
type field struct {
	shift uint
	most  uint32
}

func newField(mask uint32) field {
	f := field{}
	for mask != 0 && mask&1 == 0 {
		mask >>= 1
		f.shift++
	}
	f.most = mask
	return f
}

// of scales a pixel's field to a byte.
func (f field) of(v uint32) byte {
	switch f.most {
	case 0:
		return 0
	case 255:
		return byte(v >> f.shift)
	}
	return byte(v >> f.shift & f.most * 255 / f.most)
}

// indexed converts pixels of up to 8 bits.
func (d *decoder) indexed() (*Picture, error) {
	p := &Picture{Width: d.width, Height: d.height}
	if d.compression != plain {
		indices, err := d.runs()
		if err != nil {
			return nil, err
		}
		p.Pix = make([]byte, 3*d.width*d.height)
		for y := range d.height {
			at := d.outRow(y) * d.width
			for x, v := range indices[y*d.width : (y+1)*d.width] {
				copy(p.Pix[3*(at+x):][:3], d.palette[v][:])
			}
		}
		return p, nil
	}
	if err := d.enough(); err != nil {
		return nil, err
	}
	p.Pix = make([]byte, 3*d.width*d.height)
	for y := range d.height {
		row := d.data[y*d.rowBytes():]
		at := d.outRow(y) * d.width
		for x := range d.width {
			bit := x * d.bits
			v := row[bit/8] >> (8 - d.bits - bit%8) & byte(1<<d.bits-1)
			copy(p.Pix[3*(at+x):][:3], d.palette[v][:])
		}
	}
	return p, nil
}

// runs expands run-length encoding into one index a pixel, rows as in the file.
func (d *decoder) runs() ([]byte, error) {
	total := d.width * d.height
	out := make([]byte, 0, min(total, 1<<16))
	in, at := d.data, 0
	pad := func(n int) { // pixels that are left out have index 0
		for ; n > 0 && len(out) < total; n-- {
			out = append(out, 0)
		}
	}
	for len(out) < total {
		if at+2 > len(in) {
			return nil, io.ErrUnexpectedEOF
		}
		n, v := int(in[at]), in[at+1]
		at += 2
		if n > 0 {
			n = min(n, d.width-len(out)%d.width) // a run ends with its row
			for i := range n {
				out = append(out, d.runPixel(v, i))
			}
			continue
		}
		switch v {
		case 0: // end of row
			if x := len(out) % d.width; x != 0 {
				pad(d.width - x)
			}
		case 1: // end of picture
			pad(total)
		case 2: // skip right and up
			if at+2 > len(in) {
				return nil, io.ErrUnexpectedEOF
			}
			pad(int(in[at]) + int(in[at+1])*d.width)
			at += 2
		default: // pixels one by one, padded to two bytes
			n, perByte := int(v), 1
			if d.compression == runs4 {
				perByte = 2
			}
			size := (n + perByte - 1) / perByte
			if at+size > len(in) {
				return nil, io.ErrUnexpectedEOF
			}
			for i := range n {
				out = append(out, d.runPixel(in[at+i/perByte], i))
			}
			at += size
			at += (at + d.odd) & 1
		}
	}
	return out[:total], nil
}

// runPixel is pixel i of those that a byte stands for.
func (d *decoder) runPixel(b byte, i int) byte {
	if d.compression == runs8 {
		return b
	}
	if i%2 == 0 {
		return b >> 4
	}
	return b & 15
}
