package png

import (
	"encoding/binary"
	"fmt"
)

// unfilter undoes a row's filter in place (section 9); above is the row before,
// zeros for the first, and bpp the distance to the pixel on the left in bytes.
func unfilter(kind byte, row, above []byte, bpp int) error {
	above = above[:len(row)]
	switch kind {
	case 0:
	case 1: // left
		for i := bpp; i < len(row); i++ {
			row[i] += row[i-bpp]
		}
	case 2: // above: eight bytes at a time, no carry from one to the next
		const high = 0x8080808080808080
		i := 0
		for ; i+8 <= len(row); i += 8 {
			a, b := binary.LittleEndian.Uint64(row[i:]), binary.LittleEndian.Uint64(above[i:])
			binary.LittleEndian.PutUint64(row[i:], (a&^high+b&^high)^(a^b)&high)
		}
		for ; i < len(row); i++ {
			row[i] += above[i]
		}
	case 3: // mean of left and above
		for i := range min(bpp, len(row)) {
			row[i] += above[i] / 2
		}
		for i := bpp; i < len(row); i++ {
			row[i] += uint8((int(row[i-bpp]) + int(above[i])) / 2)
		}
	case 4:
		paeth(row, above, bpp)
	default:
		return fmt.Errorf("a filter of kind %d", kind)
	}
	return nil
}

// paeth undoes the filter that predicts from left, above and above left.
func paeth(row, above []byte, bpp int) {
	if bpp == 3 {
		paeth3(row, above)
		return
	}
	for i := range min(bpp, len(row)) {
		row[i] += above[i]
	}
	for i := bpp; i < len(row); i++ {
		row[i] += predict(int32(row[i-bpp]), int32(above[i]), int32(above[i-bpp]))
	}
}

// paeth3 keeps the three neighbours' bytes in registers.
func paeth3(row, above []byte) {
	var a0, a1, a2, c0, c1, c2 int32
	above = above[:len(row)]
	for i := 2; i < len(row); i += 3 {
		b0, b1, b2 := int32(above[i-2]), int32(above[i-1]), int32(above[i])
		r0, r1, r2 := row[i-2]+predict(a0, b0, c0), row[i-1]+predict(a1, b1, c1), row[i]+predict(a2, b2, c2)
		row[i-2], row[i-1], row[i] = r0, r1, r2
		a0, a1, a2 = int32(r0), int32(r1), int32(r2)
		c0, c1, c2 = b0, b1, b2
	}
}

// predict is whichever of left a, above b and above left c is nearest to a + b − c,
// in this order where they are equally near.
func predict(a, b, c int32) uint8 {
	pa, pb := b-c, a-c
	pc := abs(pa + pb)
	pa, pb = abs(pa), abs(pb)
	// Without branches: which of them is nearest is anyone's guess.
	best := a
	if pb < pa {
		best, pa = b, pb
	}
	if pc < pa {
		best = c
	}
	return uint8(best)
}

func abs(v int32) int32 {
	s := v >> 31
	return (v ^ s) - s
}
