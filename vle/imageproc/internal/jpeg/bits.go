package jpeg

import "encoding/binary"

// bitReader reads entropy-coded data: it removes stuffed zero bytes and stops at
// markers, after which it gives zero bits for ever.
type bitReader struct {
	data []byte
	pos  int
	acc  uint64 // next bits, the first one at the top
	n    int    // bits in acc
	pad  int    // how many of these, the last ones, are made up
	end  bool   // a marker or the end of the file was met
}

// reset starts at a byte position.
func (b *bitReader) reset(pos int) {
	b.pos, b.acc, b.n, b.pad, b.end = pos, 0, 0, 0, false
}

// exhausted reports whether made-up bits have been consumed.
func (b *bitReader) exhausted() bool { return b.n < b.pad }

// atEOF reports whether reading stopped at the end of the file, not at a marker.
func (b *bitReader) atEOF() bool { return b.end && b.pos+1 >= len(b.data) }

// fill makes at least 48 bits available.
func (b *bitReader) fill() {
	if b.pos+8 <= len(b.data) {
		v := binary.BigEndian.Uint64(b.data[b.pos:])
		if inv := ^v; (inv-0x0101010101010101)&v&0x8080808080808080 == 0 { // no byte is 0xff
			b.acc |= v >> uint(b.n)
			b.pos += (63 - b.n) >> 3
			b.n |= 56
			return
		}
	}
	b.fillSlow()
}

func (b *bitReader) fillSlow() {
	// Bits below the first n are rubbish when fill was taken before.
	if b.n < 64 {
		b.acc &= ^(^uint64(0) >> uint(b.n))
	}
	for b.n <= 56 {
		if !b.end {
			if b.pos >= len(b.data) {
				b.end = true
			} else if c := b.data[b.pos]; c != 0xff {
				b.pos++
				b.acc |= uint64(c) << uint(56-b.n)
				b.n += 8
				continue
			} else if b.pos+1 < len(b.data) && b.data[b.pos+1] == 0 {
				b.pos += 2
				b.acc |= 0xff << uint(56-b.n)
				b.n += 8
				continue
			} else {
				// Fill bytes before a marker belong to it.
				p := b.pos
				for p < len(b.data) && b.data[p] == 0xff {
					p++
				}
				if p < len(b.data) && b.data[p] == 0 {
					b.pos = p + 1
					b.acc |= 0xff << uint(56-b.n)
					b.n += 8
					continue
				}
				b.pos = p - 1
				b.end = true
			}
		}
		b.n += 8
		b.pad += 8
	}
}

// take consumes and returns n bits, 1 to 16; fill must have been called.
func (b *bitReader) take(n uint) int32 {
	v := int32(b.acc >> (64 - n))
	b.acc <<= n
	b.n -= int(n)
	return v
}

// symbol decodes one symbol whose code is longer than the lookup table's bits, or
// not in it; a code that does not exist gives 0, as in libjpeg. fill must have
// been called.
func (b *bitReader) symbol(h *huffman) byte {
	top := uint32(b.acc >> 48)
	length := lookBits + 1
	for length <= 16 && top >= h.maxCode[length] {
		length++
	}
	if length > 16 {
		b.acc <<= 17
		b.n -= 17
		return 0
	}
	code := int32(top >> (16 - uint(length)))
	b.acc <<= uint(length)
	b.n -= length
	return h.symbols[code+h.offset[length]]
}

// difference decodes a DC difference (T.81, F.2.2.1).
func (b *bitReader) difference(h *huffman) int32 {
	b.fill()
	e := h.look[b.acc>>(64-lookBits)]
	if n := e & 0xff; n != 0 {
		b.acc <<= n
		b.n -= int(n)
		size := uint(e >> 12 & 15)
		if size == 0 {
			return int32(e) >> 16
		}
		return extend(b.take(size), size)
	}
	size := uint(b.symbol(h))
	if size == 0 {
		return 0
	}
	return extend(b.take(size), size)
}
