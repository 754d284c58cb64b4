package jpeg

import (
	"errors"
	"fmt"
)

// zigzag maps the position in the file's order to natural order, row by row
// (T.81, figure A.6). The 16 entries beyond the end catch runs that overshoot in
// broken files, as in libjpeg.
var zigzag = [64 + 16]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
	63, 63, 63, 63, 63, 63, 63, 63,
	63, 63, 63, 63, 63, 63, 63, 63,
}

// lookBits is the number of bits that the lookup table resolves at once.
const lookBits = 10

// huffman is a decoding table.
type huffman struct {
	// look, indexed by the next lookBits bits:
	//
	//	bits 0-7   bits to consume, 0 when the code is longer than lookBits
	//	bits 8-11  run of zeros before the coefficient
	//	bits 12-15 size of the value still to be read, 0 when it is in the entry
	//	bits 16-31 the value, when code and value fit into lookBits together
	look [1 << lookBits]uint32
	// For longer codes: the first code beyond each length, left-aligned in 16
	// bits, and what to add to a code of that length to get its symbol's index.
	maxCode [18]uint32
	offset  [17]int32
	symbols []byte
}

// huffmanTables reads a DHT segment (T.81, B.2.4.2).
func (d *decoder) huffmanTables(s []byte) error {
	for len(s) > 0 {
		if len(s) < 17 {
			return errors.New("a Huffman table that ends early")
		}
		class, id := s[0]>>4, s[0]&15
		n := 0
		for _, c := range s[1:17] {
			n += int(c)
		}
		if class > 1 || id > 3 || n > 256 || len(s) < 17+n {
			return fmt.Errorf("a Huffman table of class %d, number %d, with %d codes in %d bytes", class, id, n, len(s)-17)
		}
		h, err := newHuffman(s[1:17], s[17:17+n], class == 0)
		if err != nil {
			return fmt.Errorf("a Huffman table of class %d, number %d: %w", class, id, err)
		}
		if class == 0 {
			d.dcTab[id] = h
		} else {
			d.acTab[id] = h
		}
		s = s[17+n:]
	}
	return nil
}

// newHuffman builds the table from the number of codes of each length 1 to 16 and
// their symbols (T.81, annex C and F.2.2.3).
func newHuffman(counts, symbols []byte, dc bool) (*huffman, error) {
	h := &huffman{symbols: append([]byte(nil), symbols...)}
	if dc {
		for _, s := range symbols {
			if s > 15 {
				return nil, fmt.Errorf("a difference of %d bits", s)
			}
		}
	}
	code, index := uint32(0), 0
	for length := 1; length <= 16; length++ {
		n := int(counts[length-1])
		h.offset[length] = int32(index) - int32(code)
		if code+uint32(n) > 1<<length {
			return nil, errors.New("more codes than its lengths allow")
		}
		for range n {
			if length <= lookBits {
				h.enter(code, length, symbols[index])
			}
			code++
			index++
		}
		h.maxCode[length] = code << (16 - length)
		code <<= 1
	}
	h.maxCode[17] = 1 << 31 // ends every search
	return h, nil
}

// enter fills the lookup entries that begin with a code.
func (h *huffman) enter(code uint32, length int, symbol byte) {
	run, size := uint32(symbol>>4), int(symbol&15)
	first := code << (lookBits - length)
	for i := range uint32(1) << (lookBits - length) {
		e := run<<8 | uint32(length)
		switch rest := lookBits - length; {
		case size == 0:
		case size <= rest:
			raw := int32(i >> (rest - size))
			e = run<<8 | uint32(length+size) | uint32(extend(raw, uint(size)))<<16
		default:
			e |= uint32(size) << 12
		}
		h.look[first+i] = e
	}
}

// extend makes a signed value of size bits read (T.81, F.2.2.1, figure F.12).
func extend(v int32, size uint) int32 {
	return v + ((v-1<<(size-1))>>31)&(-1<<size+1)
}
