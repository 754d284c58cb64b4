package jpeg

import (
	"errors"
	"fmt"
	"io"
)

// Markers (T.81, table B.1).
const (
	markerSOF0  = 0xc0 // baseline
	markerSOF1  = 0xc1 // extended sequential
	markerSOF2  = 0xc2 // progressive
	markerDHT   = 0xc4
	markerSOF15 = 0xcf
	markerJPG   = 0xc8
	markerDAC   = 0xcc
	markerRST0  = 0xd0
	markerRST7  = 0xd7
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDRI   = 0xdd
	markerAPP0  = 0xe0
	markerAPP14 = 0xee
	markerTEM   = 0x01
)

// maxScans bounds the work that a small progressive file can ask for.
const maxScans = 256

// Picture is a decoded picture.
type Picture struct {
	Pix           []byte // [Height*Width*3] red, green, blue
	Width, Height int
}

// component is one colour plane.
type component struct {
	id   byte
	h, v int // sampling factors
	tq   byte

	quant  *[64]uint16 // natural order; as it was when the component's first scan began
	w, hgt int         // size in samples, without padding
	// Size in blocks: without padding (what a scan of this component alone
	// holds), and padded to whole MCUs.
	blocksW, blocksH int
	stride           int // padded width in blocks, made even: blocks are inverted in pairs
	rows             int // padded height in blocks

	// coef holds coefficients in natural order, 64 a block, for all blocks, or
	// for one row of MCUs when the file has a single scan.
	coef []int16
	// plane holds samples, stride*8 a row, rows*8 rows.
	plane []byte

	dcPred int32
	dc, ac *huffman
}

type decoder struct {
	data []byte
	pos  int

	width, height  int
	progressive    bool
	comps          []component
	maxH, maxV     int
	mcusX, mcusY   int
	singleScan     bool
	quant          [4]*[64]uint16
	dcTab, acTab   [4]*huffman
	restart        int
	jfif, adobe    bool
	adobeTransform byte
	scans          int
	scanned        bool // a first scan has been read
	bits           bitReader
	eobRun         int
}

// Decode decodes a picture. allow is asked for the size before anything of that
// size is allocated; its error ends decoding.
func Decode(data []byte, allow func(width, height int) error) (*Picture, error) {
	d := &decoder{data: data}
	copy(d.dcTab[:], typical.dc[:])
	copy(d.acTab[:], typical.ac[:])
	if len(data) < 2 || data[0] != 0xff || data[1] != markerSOI {
		return nil, errors.New("it does not begin with a start-of-image marker")
	}
	d.pos = 2
	for {
		marker, err := d.nextMarker()
		if err != nil {
			return nil, err
		}
		switch {
		case marker == markerEOI:
			if !d.scanned {
				return nil, errors.New("it ends without pixels")
			}
			return d.finish()
		case marker == markerSOI:
			return nil, errors.New("a second start-of-image marker")
		case marker == markerTEM || marker >= markerRST0 && marker <= markerRST7:
			continue // no segment follows
		}
		segment, err := d.segment()
		if err != nil {
			return nil, fmt.Errorf("segment of marker %#02x: %w", marker, err)
		}
		switch {
		case marker == markerSOF0 || marker == markerSOF1 || marker == markerSOF2:
			err = d.frame(segment, marker == markerSOF2, allow)
		case marker == markerDHT:
			err = d.huffmanTables(segment)
		case marker == markerDAC || marker > markerSOF2 && marker <= markerSOF15 && marker != markerJPG:
			err = unsupportedFrame(marker)
		case marker == markerDQT:
			err = d.quantTables(segment)
		case marker == markerDRI:
			if len(segment) != 2 {
				err = fmt.Errorf("a restart interval of %d bytes", len(segment))
			} else {
				d.restart = int(segment[0])<<8 | int(segment[1])
			}
		case marker == markerAPP0:
			d.jfif = d.jfif || len(segment) >= 14 && string(segment[:5]) == "JFIF\x00"
		case marker == markerAPP14:
			if len(segment) >= 12 && string(segment[:5]) == "Adobe" {
				d.adobe, d.adobeTransform = true, segment[11]
			}
		case marker == markerSOS:
			if err = d.scan(segment); err == nil && d.singleScan {
				// Whatever follows changes no pixel, but the end must be there.
				for marker != markerEOI && err == nil {
					marker, err = d.nextMarker()
				}
				if err == nil {
					return d.finish()
				}
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

func unsupportedFrame(marker byte) error {
	kind := "hierarchical or lossless"
	if marker == markerDAC || marker == 0xc9 || marker == 0xca {
		kind = "arithmetic"
	}
	return fmt.Errorf("it uses %s coding (marker %#02x), which is not supported: save it as baseline or progressive JPEG", kind, marker)
}

// nextMarker skips to the next marker and returns its second byte.
func (d *decoder) nextMarker() (byte, error) {
	for d.pos+1 < len(d.data) {
		if d.data[d.pos] != 0xff {
			d.pos++
			continue
		}
		m := d.data[d.pos+1]
		if m == 0xff { // fill byte
			d.pos++
			continue
		}
		d.pos += 2
		if m != 0 {
			return m, nil
		}
	}
	return 0, io.ErrUnexpectedEOF
}

// segment returns the parameters that follow a marker.
func (d *decoder) segment() ([]byte, error) {
	if d.pos+2 > len(d.data) {
		return nil, io.ErrUnexpectedEOF
	}
	n := int(d.data[d.pos])<<8 | int(d.data[d.pos+1])
	if n < 2 {
		return nil, fmt.Errorf("a length of %d bytes", n)
	}
	if d.pos+n > len(d.data) {
		return nil, io.ErrUnexpectedEOF
	}
	s := d.data[d.pos+2 : d.pos+n]
	d.pos += n
	return s, nil
}

// quantTables reads a DQT segment (T.81, B.2.4.1).
func (d *decoder) quantTables(s []byte) error {
	for len(s) > 0 {
		precision, id := s[0]>>4, s[0]&15
		size := 64 * (1 + int(precision))
		if precision > 1 || id > 3 || len(s) < 1+size {
			return fmt.Errorf("quantisation table %d with precision %d and %d bytes", id, precision, len(s)-1)
		}
		t := new([64]uint16)
		for i := range 64 {
			if precision == 0 {
				t[zigzag[i]] = uint16(s[1+i])
			} else {
				t[zigzag[i]] = uint16(s[1+2*i])<<8 | uint16(s[2+2*i])
			}
		}
		d.quant[id] = t
		s = s[1+size:]
	}
	return nil
}

// frame reads a start of frame (T.81, B.2.2) and works out every size.
func (d *decoder) frame(s []byte, progressive bool, allow func(int, int) error) error {
	if d.comps != nil {
		return errors.New("a second frame header")
	}
	if len(s) < 6 {
		return fmt.Errorf("a frame header of %d bytes", len(s))
	}
	if s[0] != 8 {
		return fmt.Errorf("%d bits a sample are not supported, only 8", s[0])
	}
	d.progressive = progressive
	d.height = int(s[1])<<8 | int(s[2])
	d.width = int(s[3])<<8 | int(s[4])
	n := int(s[5])
	if n != 1 && n != 3 && n != 4 {
		return fmt.Errorf("%d components are not supported, only 1, 3 and 4", n)
	}
	if len(s) != 6+3*n {
		return fmt.Errorf("a frame header of %d bytes for %d components", len(s), n)
	}
	if err := allow(d.width, d.height); err != nil {
		return err
	}
	d.comps = make([]component, n)
	blocks := 0
	for i := range d.comps {
		c := &d.comps[i]
		p := s[6+3*i:]
		c.id, c.h, c.v, c.tq = p[0], int(p[1]>>4), int(p[1]&15), p[2]
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.tq > 3 {
			return fmt.Errorf("component %d has sampling %dx%d and quantisation table %d", i, c.h, c.v, c.tq)
		}
		for _, o := range d.comps[:i] {
			if o.id == c.id {
				return fmt.Errorf("two components have the id %d", c.id)
			}
		}
		d.maxH, d.maxV = max(d.maxH, c.h), max(d.maxV, c.v)
	}
	d.mcusX = ceilDiv(d.width, 8*d.maxH)
	d.mcusY = ceilDiv(d.height, 8*d.maxV)
	for i := range d.comps {
		c := &d.comps[i]
		if d.maxH%c.h != 0 || d.maxV%c.v != 0 {
			return fmt.Errorf("component %d is sampled %dx%d of %dx%d, not a whole fraction", i, c.h, c.v, d.maxH, d.maxV)
		}
		c.w, c.hgt = ceilDiv(d.width*c.h, d.maxH), ceilDiv(d.height*c.v, d.maxV)
		c.blocksW, c.blocksH = ceilDiv(c.w, 8), ceilDiv(c.hgt, 8)
		c.stride, c.rows = (d.mcusX*c.h+1)&^1, d.mcusY*c.v
		blocks += c.blocksW * c.blocksH
	}
	// Every block takes a bit at the least, so a short file cannot ask for much
	// memory.
	if blocks/8 > len(d.data) {
		return fmt.Errorf("%d bytes cannot hold %dx%d pixels: %w", len(d.data), d.width, d.height, io.ErrUnexpectedEOF)
	}
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// finish turns coefficients and samples into pixels.
func (d *decoder) finish() (*Picture, error) {
	for i := range d.comps {
		c := &d.comps[i]
		if c.quant == nil { // no scan had this component: it stays mid-grey
			c.quant = new([64]uint16)
		}
		if !d.singleScan {
			c.inverse(c.coef, 0, c.rows)
			c.coef = nil
		}
	}
	return d.pixels(), nil
}
