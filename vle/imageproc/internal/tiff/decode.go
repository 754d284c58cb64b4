package tiff

import (
	"errors"
	"fmt"
	"io"
)

// Photometric interpretations.
const (
	whiteIsZero = 0
	blackIsZero = 1
	rgb         = 2
	palette     = 3
	cmyk        = 5
	yCbCr       = 6
)

// Sample formats.
const (
	unsigned = 1
	signed   = 2
	float    = 3
)

// Picture is a decoded picture.
type Picture struct {
	Pix           []byte // [Height*Width*3] red, green, blue
	Alpha         []byte // [Height*Width], nil when the file has none
	Width, Height int
}

// layout is what the directory says about the samples.
type layout struct {
	width, height  int
	bits           int // a sample
	samples        int // a pixel, extra ones included
	photometric    uint32
	format         uint32
	extra          []uint32
	planar         bool
	compression    uint32
	predictor      uint32
	reversed       bool // the lowest bit of a byte comes first
	t4             uint32
	colors         []uint32
	blockW, blockH int // of strips or tiles
	tiled          bool
	offsets        []uint32
	counts         []uint32
}

// Decode decodes the first picture of a file. allow is asked for its size before
// anything of that size is allocated; its error ends decoding.
func Decode(data []byte, allow func(width, height int) error) (*Picture, error) {
	f, err := open(data)
	if err != nil {
		return nil, err
	}
	l, err := f.layout()
	if err != nil {
		return nil, err
	}
	if err := allow(l.width, l.height); err != nil {
		return nil, err
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	pixels, err := l.pixels(f)
	if err != nil {
		return nil, err
	}
	return l.convert(f, pixels)
}

func (f *file) layout() (*layout, error) {
	l := &layout{}
	var firstErr error
	get := func(tag uint16, otherwise uint32) uint32 {
		v, err := f.value(tag, otherwise)
		if firstErr == nil {
			firstErr = err
		}
		return v
	}
	list := func(tag uint16) []uint32 {
		v, err := f.values(tag)
		if firstErr == nil {
			firstErr = err
		}
		return v
	}
	width, height := get(tagWidth, 0), get(tagHeight, 0)
	const most = 1 << 30
	if width == 0 || height == 0 || width > most || height > most {
		return nil, fmt.Errorf("the header says %dx%d pixels", width, height)
	}
	l.width, l.height = int(width), int(height)
	bits := list(tagBits)
	if bits == nil {
		bits = []uint32{1}
	}
	for _, b := range bits {
		if b != bits[0] || b > 64 {
			return nil, fmt.Errorf("samples of %d bits are not supported", bits)
		}
	}
	formats := list(tagSampleFormat)
	l.format = unsigned
	for i, v := range formats {
		if i > 0 && v != formats[0] {
			return nil, fmt.Errorf("sample formats %d are not supported", formats)
		}
		l.format = v
	}
	samples := get(tagSamples, 1)
	if samples == 0 || samples > 16 {
		return nil, fmt.Errorf("%d samples a pixel are not supported", samples)
	}
	l.samples = int(samples)
	if len(bits) > 0 {
		l.bits = int(bits[0])
	}
	l.photometric = get(tagPhotometric, whiteIsZero)
	l.extra = list(tagExtraSamples)
	l.planar = get(tagPlanar, 1) == 2 && l.samples > 1
	l.compression = get(tagCompression, 1)
	l.predictor = get(tagPredictor, 1)
	l.reversed = get(tagFillOrder, 1) == 2
	l.t4 = get(tagT4Options, 0)
	l.colors = list(tagColorMap)
	if _, l.tiled = f.fields[tagTileWidth]; l.tiled {
		w, h := get(tagTileWidth, 0), get(tagTileHeight, 0)
		// A tile may be larger than the picture, but not by much: it is memory.
		const margin = 1 << 22
		if w == 0 || h == 0 || uint64(w)*uint64(h) > uint64(width)*uint64(height)+margin {
			return nil, fmt.Errorf("tiles of %dx%d in a picture of %dx%d", w, h, l.width, l.height)
		}
		l.blockW, l.blockH = int(w), int(h)
		l.offsets, l.counts = list(tagTileOffsets), list(tagTileCounts)
	} else {
		rows := get(tagRowsPerStrip, height)
		if rows == 0 {
			return nil, errors.New("strips of no rows")
		}
		l.blockW, l.blockH = l.width, int(min(rows, height))
		l.offsets, l.counts = list(tagStripOffsets), list(tagStripCounts)
	}
	return l, firstErr
}

// check refuses what convert does not know.
func (l *layout) check() error {
	base := 0
	switch l.photometric {
	case whiteIsZero, blackIsZero:
		base = 1
		switch {
		case l.format == unsigned && (l.bits == 1 || l.bits == 2 || l.bits == 4 || l.bits == 8 || l.bits == 16):
		case (l.format == signed || l.format == float) && l.bits == 32:
		default:
			return fmt.Errorf("grey samples of %d bits and format %d are not supported", l.bits, l.format)
		}
	case rgb:
		base = 3
	case palette:
		base = 1
		if l.bits > 8 || l.format != unsigned {
			return fmt.Errorf("palette indices of %d bits are not supported", l.bits)
		}
		if len(l.colors) != 3<<l.bits {
			return fmt.Errorf("a palette of %d numbers, want %d", len(l.colors), 3<<l.bits)
		}
	case cmyk:
		base = 4
	default:
		return fmt.Errorf("colours of kind %d (%s) are not supported: save it as RGB", l.photometric, photometricName(l.photometric))
	}
	if base > 1 && (l.bits != 8 && l.bits != 16 || l.format != unsigned) {
		return fmt.Errorf("colour samples of %d bits and format %d are not supported", l.bits, l.format)
	}
	if l.samples < base || l.samples > base && l.bits < 8 {
		return fmt.Errorf("%d samples a pixel of %d bits for colours of kind %d", l.samples, l.bits, l.photometric)
	}
	switch {
	case l.predictor == 1:
	case l.predictor == 2 && (l.bits == 8 || l.bits == 16 || l.bits == 32):
	default:
		return fmt.Errorf("predictor %d with %d bits is not supported", l.predictor, l.bits)
	}
	return nil
}

func photometricName(p uint32) string {
	switch p {
	case yCbCr:
		return "YCbCr"
	case 8, 9, 10:
		return "CIELab"
	}
	return "unknown"
}

// pixels reads every strip or tile into one chunky picture in the file's byte
// order: rows of width·samples·bits bits, padded to whole bytes.
func (l *layout) pixels(f *file) ([]byte, error) {
	planes, perBlock := 1, l.samples
	if l.planar {
		planes, perBlock = l.samples, 1
	}
	across, down := ceilDiv(l.width, l.blockW), ceilDiv(l.height, l.blockH)
	want := across * down * planes
	if len(l.offsets) < want || len(l.counts) < want {
		return nil, fmt.Errorf("%d offsets and %d lengths for %d strips or tiles", len(l.offsets), len(l.counts), want)
	}
	rowBytes := ceilDiv(l.width*l.samples*l.bits, 8)
	out := make([]byte, rowBytes*l.height)
	blockRow := ceilDiv(l.blockW*perBlock*l.bits, 8)
	for i := range want {
		plane, x, y := i/(across*down), i%across*l.blockW, i/across%down*l.blockH
		rows := l.blockH
		if !l.tiled {
			rows = min(rows, l.height-y)
		}
		from, n := uint64(l.offsets[i]), uint64(l.counts[i])
		if from+n > uint64(len(f.data)) {
			return nil, fmt.Errorf("strip or tile %d: %w", i, io.ErrUnexpectedEOF)
		}
		block, err := l.decompress(f.data[from:from+n], blockRow*rows, rows)
		if err != nil {
			return nil, fmt.Errorf("strip or tile %d: %w", i, err)
		}
		l.unpredict(f, block, blockRow, perBlock)
		cols, rows := min(l.blockW, l.width-x), min(rows, l.height-y)
		for r := range rows {
			in := block[r*blockRow:][:blockRow]
			to := out[(y+r)*rowBytes:][:rowBytes]
			if planes == 1 {
				// Tiles are multiples of 16 pixels, so x is on a byte.
				copy(to[x*l.samples*l.bits/8:], in[:ceilDiv(cols*l.samples*l.bits, 8)])
				continue
			}
			size := l.bits / 8
			for c := range cols {
				copy(to[((x+c)*l.samples+plane)*size:][:size], in[c*size:])
			}
		}
	}
	return out, nil
}

// unpredict undoes horizontal differencing (TIFF 6.0, section 14).
func (l *layout) unpredict(f *file, block []byte, rowBytes, samples int) {
	if l.predictor != 2 {
		return
	}
	for ; len(block) >= rowBytes && rowBytes > 0; block = block[rowBytes:] {
		row := block[:rowBytes]
		switch l.bits {
		case 8:
			for i := samples; i < len(row); i++ {
				row[i] += row[i-samples]
			}
		case 16:
			for i := 2 * samples; i+2 <= len(row); i += 2 {
				f.order.PutUint16(row[i:], f.order.Uint16(row[i:])+f.order.Uint16(row[i-2*samples:]))
			}
		case 32:
			for i := 4 * samples; i+4 <= len(row); i += 4 {
				f.order.PutUint32(row[i:], f.order.Uint32(row[i:])+f.order.Uint32(row[i-4*samples:]))
			}
		}
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
