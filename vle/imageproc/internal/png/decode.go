// Package png decodes PNG pictures (ISO/IEC 15948) to 8-bit RGB the way Pillow
// shows them: 16-bit grey clipped to 255, of other 16-bit samples the high byte,
// colours kept under transparent pixels. It is written for pictures in memory and
// for speed; the standard library's decoder takes three times as long.
package png

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"govle/vle/imageproc/internal/inflate"
)

// Colour types.
const (
	grey      = 0
	trueColor = 2
	indexed   = 3
	greyAlpha = 4
	rgbAlpha  = 6
)

// Picture is a decoded picture.
type Picture struct {
	Pix           []byte // [Height*Width*3] red, green, blue
	Alpha         []byte // [Height*Width]; nil when opaque or not wanted
	Width, Height int
}

type decoder struct {
	width, height int
	depth         int // bits a sample
	color         int
	samples       int // a pixel
	interlaced    bool
	palette       []byte
	transparency  []byte
	idat          [][]byte
	wantAlpha     bool
	table         [256][4]byte // indexed colours, or greys of up to 8 bits
}

// Decode decodes a picture. allow is asked for its size before anything of that
// size is allocated; its error ends decoding. Alpha is returned when it is wanted.
func Decode(data []byte, allow func(width, height int) error, wantAlpha bool) (*Picture, error) {
	const signature = "\x89PNG\r\n\x1a\n"
	if len(data) < len(signature) || string(data[:len(signature)]) != signature {
		return nil, errors.New("it does not begin with PNG's signature")
	}
	d := &decoder{wantAlpha: wantAlpha}
	rest := data[len(signature):]
	for first := true; ; first = false {
		if len(rest) == 0 && d.idat != nil {
			break // the end chunk is missing, the picture is not
		}
		kind, body, after, err := chunk(rest)
		if err != nil {
			if d.idat != nil && !errors.Is(err, errChecksum) {
				// Cut off in or after the pixels: they decide.
				if kind == "IDAT" {
					d.idat = append(d.idat, body)
				}
				break
			}
			return nil, err
		}
		rest = after
		if first != (kind == "IHDR") {
			return nil, fmt.Errorf("a chunk %q where the header should be, or a second header", kind)
		}
		switch kind {
		case "IHDR":
			if err = d.header(body); err == nil {
				err = allow(d.width, d.height)
			}
		case "PLTE":
			if len(body)%3 != 0 || len(body) > 3*256 {
				err = fmt.Errorf("a palette of %d bytes", len(body))
			}
			d.palette = body
		case "tRNS":
			d.transparency = body
		case "IDAT":
			d.idat = append(d.idat, body)
		case "IEND":
			rest = nil
		default:
			if kind[0]&0x20 == 0 {
				err = fmt.Errorf("a chunk %q that must be understood", kind)
			}
		}
		if err != nil {
			return nil, err
		}
		if kind == "IEND" {
			break
		}
	}
	if d.idat == nil {
		return nil, fmt.Errorf("it has no pixels: %w", io.ErrUnexpectedEOF)
	}
	return d.pixels()
}

var errChecksum = errors.New("its checksum is wrong")

// chunk splits the next chunk off. Where data end within its body, what there is
// of it comes with the error.
func chunk(data []byte) (kind string, body, after []byte, err error) {
	if len(data) < 8 {
		return "", nil, nil, io.ErrUnexpectedEOF
	}
	n := uint64(binary.BigEndian.Uint32(data))
	kind = string(data[4:8])
	for _, c := range data[4:8] {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return "", nil, nil, fmt.Errorf("a chunk called %q", kind)
		}
	}
	if uint64(len(data)) < 12+n {
		return kind, data[8:min(8+n, uint64(len(data)))], nil, io.ErrUnexpectedEOF
	}
	body = data[8 : 8+n]
	if crc32.ChecksumIEEE(data[4:8+n]) != binary.BigEndian.Uint32(data[8+n:]) {
		return kind, nil, nil, fmt.Errorf("chunk %q is damaged: %w", kind, errChecksum)
	}
	return kind, body, data[12+n:], nil
}

func (d *decoder) header(body []byte) error {
	if len(body) != 13 {
		return fmt.Errorf("a header of %d bytes", len(body))
	}
	width, height := binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
	if width == 0 || height == 0 || width > 1<<31-1 || height > 1<<31-1 {
		return fmt.Errorf("the header says %dx%d pixels", width, height)
	}
	d.width, d.height = int(width), int(height)
	d.depth, d.color = int(body[8]), int(body[9])
	switch {
	case d.color == grey && (d.depth == 1 || d.depth == 2 || d.depth == 4 || d.depth == 8 || d.depth == 16),
		d.color == indexed && (d.depth == 1 || d.depth == 2 || d.depth == 4 || d.depth == 8):
		d.samples = 1
	case d.color == trueColor && (d.depth == 8 || d.depth == 16):
		d.samples = 3
	case d.color == greyAlpha && (d.depth == 8 || d.depth == 16):
		d.samples = 2
	case d.color == rgbAlpha && (d.depth == 8 || d.depth == 16):
		d.samples = 4
	default:
		return fmt.Errorf("colours of type %d with %d bits", d.color, d.depth)
	}
	if body[10] != 0 || body[11] != 0 || body[12] > 1 {
		return fmt.Errorf("compression %d, filter %d or interlacing %d is unknown", body[10], body[11], body[12])
	}
	d.interlaced = body[12] == 1
	return nil
}

// pass is one of Adam7's reduced pictures: where it begins and its steps.
type pass struct{ x, y, dx, dy int }

var (
	whole = []pass{{0, 0, 1, 1}}
	adam7 = []pass{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}
)

// rowBytes is the length of a row of w pixels, without its filter.
func (d *decoder) rowBytes(w int) int { return (w*d.samples*d.depth + 7) / 8 }

// pixels decompresses, unfilters and converts.
func (d *decoder) pixels() (*Picture, error) {
	if d.color == indexed && d.palette == nil {
		return nil, errors.New("its palette is missing")
	}
	passes := whole
	if d.interlaced {
		passes = adam7
	}
	size := 0
	for _, p := range passes {
		w, h := (d.width-p.x+p.dx-1)/p.dx, (d.height-p.y+p.dy-1)/p.dy
		if w > 0 && h > 0 {
			size += h * (1 + d.rowBytes(w))
		}
	}
	packed := d.idat[0]
	if len(d.idat) > 1 {
		packed = bytes.Join(d.idat, nil)
	}
	// Deflate makes at most 1032 bytes of one: few bytes cannot ask for much.
	if size/1032 > len(packed) {
		return nil, fmt.Errorf("%d bytes cannot hold %dx%d pixels: %w", len(packed), d.width, d.height, io.ErrUnexpectedEOF)
	}
	raw := make([]byte, size)
	n, err := inflate.Zlib(raw, packed)
	if err != nil {
		return nil, err
	}
	if n < size {
		return nil, fmt.Errorf("pixels are missing: %w", io.ErrUnexpectedEOF)
	}
	out := &Picture{Width: d.width, Height: d.height, Pix: make([]byte, 3*d.width*d.height)}
	if d.wantAlpha && (d.color == greyAlpha || d.color == rgbAlpha || d.transparency != nil) {
		out.Alpha = make([]byte, d.width*d.height)
	}
	d.fillTable()
	for _, p := range passes {
		w, h := (d.width-p.x+p.dx-1)/p.dx, (d.height-p.y+p.dy-1)/p.dy
		if w <= 0 || h <= 0 {
			continue
		}
		n := d.rowBytes(w)
		above := make([]byte, n)
		line := &Picture{Width: w, Height: 1}
		for y := range h {
			row := raw[1 : 1+n]
			if err := unfilter(raw[0], row, above, max(d.samples*d.depth/8, 1)); err != nil {
				return nil, fmt.Errorf("row %d: %w", y, err)
			}
			above, raw = row, raw[1+n:]
			at := (p.y+y*p.dy)*d.width + p.x
			if p.dx == 1 {
				line.Pix = out.Pix[3*at:][:3*w]
				if out.Alpha != nil {
					line.Alpha = out.Alpha[at:][:w]
				}
				d.convert(line, row)
				continue
			}
			if line.Pix == nil {
				line.Pix = make([]byte, 3*w)
				if out.Alpha != nil {
					line.Alpha = make([]byte, w)
				}
			}
			d.convert(line, row)
			for x := range w {
				copy(out.Pix[3*(at+x*p.dx):][:3], line.Pix[3*x:])
				if out.Alpha != nil {
					out.Alpha[at+x*p.dx] = line.Alpha[x]
				}
			}
		}
	}
	return out, nil
}
