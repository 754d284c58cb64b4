// Package tiff reads the first picture of a TIFF file (TIFF 6.0) as Pillow reads
// it: bilevel, grey of 1 to 8, 16 and 32 bits and 32-bit floats, palettes, RGB and
// CMYK, with or without alpha, in strips or tiles, chunky or planar; uncompressed,
// PackBits, LZW, Deflate, CCITT group 3 (one-dimensional) and group 4.
//
// JPEG inside TIFF, YCbCr, CIELab and BigTIFF are errors that say so.
package tiff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Tags of the baseline and of extensions that are read here.
const (
	tagWidth        = 256
	tagHeight       = 257
	tagBits         = 258
	tagCompression  = 259
	tagPhotometric  = 262
	tagFillOrder    = 266
	tagStripOffsets = 273
	tagSamples      = 277
	tagRowsPerStrip = 278
	tagStripCounts  = 279
	tagPlanar       = 284
	tagT4Options    = 292
	tagPredictor    = 317
	tagColorMap     = 320
	tagTileWidth    = 322
	tagTileHeight   = 323
	tagTileOffsets  = 324
	tagTileCounts   = 325
	tagExtraSamples = 338
	tagSampleFormat = 339
)

// Field types.
const (
	typeByte  = 1
	typeShort = 3
	typeLong  = 4
)

// file is a TIFF file and its first directory.
type file struct {
	data   []byte
	order  binary.ByteOrder
	fields map[uint16]field
}

type field struct {
	kind  uint16
	count uint32
	raw   []byte // count values; nil when they lie outside of the file
}

// open reads the header and the first directory (TIFF 6.0, section 2).
func open(data []byte) (*file, error) {
	f := &file{data: data, fields: map[uint16]field{}}
	if len(data) < 8 {
		return nil, io.ErrUnexpectedEOF
	}
	switch string(data[:4]) {
	case "II*\x00":
		f.order = binary.LittleEndian
	case "MM\x00*":
		f.order = binary.BigEndian
	default:
		return nil, errors.New("it does not begin with a TIFF header")
	}
	at := uint64(f.order.Uint32(data[4:]))
	if at+2 > uint64(len(data)) {
		return nil, fmt.Errorf("the directory lies at byte %d: %w", at, io.ErrUnexpectedEOF)
	}
	n := int(f.order.Uint16(data[at:]))
	entries := data[at+2:]
	if len(entries) < 12*n {
		return nil, fmt.Errorf("a directory of %d fields: %w", n, io.ErrUnexpectedEOF)
	}
	for i := range n {
		e := entries[12*i:]
		tag := f.order.Uint16(e)
		fd := field{kind: f.order.Uint16(e[2:]), count: f.order.Uint32(e[4:])}
		size := uint64(0)
		switch fd.kind {
		case typeByte:
			size = 1
		case typeShort:
			size = 2
		case typeLong:
			size = 4
		default:
			continue // no tag that is read here has another type
		}
		bytes := size * uint64(fd.count)
		if bytes <= 4 {
			fd.raw = e[8 : 8+bytes]
		} else if off := uint64(f.order.Uint32(e[8:])); off+bytes <= uint64(len(data)) {
			fd.raw = data[off : off+bytes]
		}
		f.fields[tag] = fd
	}
	return f, nil
}

// values are a field's numbers; nil when the field is absent.
func (f *file) values(tag uint16) ([]uint32, error) {
	fd, ok := f.fields[tag]
	if !ok {
		return nil, nil
	}
	if fd.raw == nil {
		return nil, fmt.Errorf("field %d has %d values: %w", tag, fd.count, io.ErrUnexpectedEOF)
	}
	v := make([]uint32, fd.count)
	for i := range v {
		switch fd.kind {
		case typeByte:
			v[i] = uint32(fd.raw[i])
		case typeShort:
			v[i] = uint32(f.order.Uint16(fd.raw[2*i:]))
		default:
			v[i] = f.order.Uint32(fd.raw[4*i:])
		}
	}
	return v, nil
}

// value is a field's first number, or otherwise.
func (f *file) value(tag uint16, otherwise uint32) (uint32, error) {
	v, err := f.values(tag)
	if err != nil {
		return 0, err
	}
	if len(v) == 0 {
		return otherwise, nil
	}
	return v[0], nil
}
