package imageproc

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// decodeGIF reads the first frame (GIF89a specification). Pillow's way differs from
// the standard library's: transparent pixels keep their palette colour, the canvas
// around a smaller frame has the transparent index or index 0, a frame that
// reaches outside makes the canvas larger, and without a palette the indices are
// greys.
func decodeGIF(d *decoding) error {
	const header = 13
	if len(d.data) < header {
		return io.ErrUnexpectedEOF
	}
	width, height := int(le16(d.data[6:])), int(le16(d.data[8:]))
	rest := d.data[header:]
	palette, rest, err := gifPalette(d.data[10], rest)
	if err != nil {
		return fmt.Errorf("global palette: %w", err)
	}
	transparent := -1
	for {
		if len(rest) == 0 {
			return io.ErrUnexpectedEOF
		}
		switch kind := rest[0]; kind {
		case 0x21: // extension: a label, then blocks
			if len(rest) < 2 {
				return io.ErrUnexpectedEOF
			}
			block, after, err := gifBlocks(rest[2:])
			if err != nil {
				return err
			}
			const graphicControl = 0xf9
			if rest[1] == graphicControl && len(block) >= 4 {
				transparent = -1
				if block[0]&1 != 0 {
					transparent = int(block[3])
				}
			}
			rest = after
		case 0x2c:
			return d.gifFrame(rest[1:], width, height, palette, transparent)
		case 0x3b:
			return errors.New("it ends without a frame")
		case 0:
			rest = rest[1:] // stray padding
		default:
			return fmt.Errorf("a block of kind %#02x where a frame should be", kind)
		}
	}
}

func le16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }

// gifPalette reads the palette that a flags byte announces; nil when there is none.
func gifPalette(flags byte, rest []byte) (palette, after []byte, err error) {
	if flags&0x80 == 0 {
		return nil, rest, nil
	}
	n := 3 * (2 << (flags & 7))
	if len(rest) < n {
		return nil, nil, io.ErrUnexpectedEOF
	}
	return rest[:n], rest[n:], nil
}

// gifBlocks joins data blocks up to the empty one.
func gifBlocks(rest []byte) (data, after []byte, err error) {
	for {
		if len(rest) == 0 || len(rest) < 1+int(rest[0]) {
			return nil, nil, io.ErrUnexpectedEOF
		}
		n := int(rest[0])
		if n == 0 {
			return data, rest[1:], nil
		}
		data = append(data, rest[1:1+n]...)
		rest = rest[1+n:]
	}
}

// gifFrame reads an image descriptor and what follows it, and paints the canvas.
func (d *decoding) gifFrame(rest []byte, width, height int, palette []byte, transparent int) error {
	if len(rest) < 9 {
		return io.ErrUnexpectedEOF
	}
	x0, y0, w, h := int(le16(rest)), int(le16(rest[2:])), int(le16(rest[4:])), int(le16(rest[6:]))
	flags := rest[8]
	width, height = max(width, x0+w), max(height, y0+h)
	if err := d.allow(width, height); err != nil {
		return err
	}
	local, rest, err := gifPalette(flags, rest[9:])
	if err != nil {
		return fmt.Errorf("the frame's palette: %w", err)
	}
	if local != nil {
		palette = local
	}
	if w == 0 || h == 0 {
		return fmt.Errorf("a frame of %dx%d pixels", w, h)
	}
	indices, err := gifIndices(rest, w*h)
	if err != nil {
		return err
	}

	var table [256][3]uint8
	for i := range table {
		switch {
		case palette == nil:
			table[i] = [3]uint8{uint8(i), uint8(i), uint8(i)}
		case 3*i < len(palette):
			table[i] = [3]uint8(palette[3*i:])
		}
	}
	d.img = NewRGB(width, height)
	if d.wantAlpha && transparent >= 0 {
		d.alpha = make([]uint8, width*height)
	}
	around := table[max(transparent, 0)]
	if around != [3]uint8{} {
		for i := 0; i < len(d.img.Pix); i += 3 {
			copy(d.img.Pix[i:i+3], around[:])
		}
	}
	for row := range h {
		y := row
		if flags&0x40 != 0 {
			y = gifInterlaced(row, h)
		}
		at := (y0+y)*width + x0
		for x, v := range indices[row*w : (row+1)*w] {
			copy(d.img.Pix[3*(at+x):][:3], table[v][:])
			if d.alpha != nil && int(v) != transparent {
				d.alpha[at+x] = 255
			}
		}
	}
	return nil
}

// gifIndices decompresses n pixels.
func gifIndices(rest []byte, n int) ([]byte, error) {
	if len(rest) == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	codeSize := int(rest[0])
	if codeSize < 2 || codeSize > 8 {
		return nil, fmt.Errorf("a code size of %d bits", codeSize)
	}
	// A code stands for 4096 pixels at most, so few bytes cannot ask for much.
	const mostPerByte = 4096
	if n/mostPerByte > len(rest) {
		return nil, fmt.Errorf("%d bytes cannot hold %d pixels: %w", len(rest), n, io.ErrUnexpectedEOF)
	}
	r := lzw.NewReader(&gifBlockReader{rest: rest[1:]}, lzw.LSB, codeSize)
	defer r.Close()
	indices := make([]byte, n)
	if _, err := io.ReadFull(r, indices); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("compressed data: %w", err)
	}
	return indices, nil
}

// gifBlockReader reads data blocks one after another.
type gifBlockReader struct {
	rest  []byte
	block bytes.Reader
}

func (b *gifBlockReader) next() error {
	for b.block.Len() == 0 {
		if len(b.rest) == 0 || b.rest[0] == 0 || len(b.rest) < 1+int(b.rest[0]) {
			return io.EOF
		}
		n := int(b.rest[0])
		b.block.Reset(b.rest[1 : 1+n])
		b.rest = b.rest[1+n:]
	}
	return nil
}

func (b *gifBlockReader) Read(p []byte) (int, error) {
	if err := b.next(); err != nil {
		return 0, err
	}
	return b.block.Read(p)
}

// ReadByte spares the LZW reader a buffer.
func (b *gifBlockReader) ReadByte() (byte, error) {
	if err := b.next(); err != nil {
		return 0, err
	}
	return b.block.ReadByte()
}

// gifInterlaced is where the given row of an interlaced frame of h rows belongs.
func gifInterlaced(row, h int) int {
	for _, pass := range [4]struct{ first, step int }{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		n := max((h-pass.first+pass.step-1)/pass.step, 0)
		if row < n {
			return pass.first + row*pass.step
		}
		row -= n
	}
	panic("imageproc: row outside of the frame")
}
