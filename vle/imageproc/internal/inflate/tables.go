package inflate

// Sizes of the lookup tables: what the first bits of a code resolve, and room for
// the second tables of longer codes. 15-bit codes over an 11-bit (8-bit) table
// need no more than these, however they are dealt out.
const (
	litBits   = 11
	distBits  = 8
	litExtra  = 2048
	distExtra = 1024
)

// A table's entry:
//
//	bits 0-7   bits to consume, code and extra ones
//	bits 8-12  length of the code (in a subTable entry: bits that index the second table)
//	bits 13-15 kind
//	bits 16-31 literal, base of a length or distance, or where the second table begins
//
// Zero is a code that does not exist.
const (
	endOfBlock = 1 << 13
	subTable   = 1 << 14
	literal    = 1 << 15
)

// Lengths and distances (RFC 1951, section 3.2.5).
var (
	lengthBase  = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase    = [30]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distExtraN  = [30]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
	// The order in which code length codes' lengths come (section 3.2.7).
	codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

// litEntry is the entry of a literal or length symbol, without its code's length.
func litEntry(symbol int) (e uint32, extra uint) {
	switch {
	case symbol < 256:
		return uint32(symbol)<<16 | literal, 0
	case symbol == 256:
		return endOfBlock, 0
	case symbol < 286:
		return uint32(lengthBase[symbol-257]) << 16, uint(lengthExtra[symbol-257])
	}
	return 0, 0
}

func distEntry(symbol int) (e uint32, extra uint) {
	if symbol >= len(distBase) {
		return 0, 0
	}
	return uint32(distBase[symbol]) << 16, uint(distExtraN[symbol])
}

// symbolEntry is for code length codes: the symbol as it is.
func symbolEntry(symbol int) (uint32, uint) { return uint32(symbol)<<16 | literal, 0 }

// build fills a table from the symbols' code lengths. It reports false for lengths
// that no code has; an incomplete code is allowed where it has one symbol or none,
// as zlib allows it.
func build(table []uint32, tableBits uint, lengths []uint8, entry func(int) (uint32, uint)) bool {
	var count [16]int
	for _, l := range lengths {
		count[l]++
	}
	count[0] = 0
	var next [16]uint32
	code, used, left := uint32(0), 0, 1
	for l := 1; l <= 15; l++ {
		code = (code + uint32(count[l-1])) << 1
		next[l] = code
		used += count[l]
		left = left<<1 - count[l]
		if left < 0 {
			return false
		}
	}
	if left > 0 && (used > 1 || used == 1 && count[1] != 1) {
		return false
	}
	clear(table)
	free := 1 << tableBits // where the next second table goes
	// Longer codes that share their first bits share a second table, as wide as
	// the longest of them needs.
	var widest [1 << litBits]uint8
	start := next
	for _, l := range lengths {
		if l == 0 {
			continue
		}
		if uint(l) > tableBits {
			first := reverse(next[l], uint(l)) & (1<<tableBits - 1)
			widest[first] = max(widest[first], l)
		}
		next[l]++
	}
	next = start
	for symbol, l := range lengths {
		if l == 0 {
			continue
		}
		length := uint(l)
		code := reverse(next[l], length)
		next[l]++
		e, extra := entry(symbol)
		if e == 0 {
			continue // a symbol that must not be used
		}
		e |= uint32(length)<<8 | uint32(length+extra)
		if length <= tableBits {
			for i := code; i < 1<<tableBits; i += 1 << length {
				table[i] = e
			}
			continue
		}
		first := code & (1<<tableBits - 1)
		width := uint(widest[first]) - tableBits
		if table[first] == 0 {
			if free+1<<width > len(table) {
				return false
			}
			table[first] = uint32(free)<<16 | subTable | uint32(width)<<8
			free += 1 << width
		}
		second := table[table[first]>>16:][:1<<width]
		for i := code >> tableBits; i < 1<<width; i += 1 << (length - tableBits) {
			second[i] = e
		}
	}
	return true
}

// fixedTables sets the tables of section 3.2.6.
func (d *decoder) fixedTables() {
	var lengths [288 + 32]uint8
	for i := range 288 {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	for i := range 32 {
		lengths[288+i] = 5
	}
	build(d.litTable[:], litBits, lengths[:288], litEntry)
	build(d.distTable[:], distBits, lengths[288:], distEntry)
}

// dynamicTables reads the tables of section 3.2.7.
func (d *decoder) dynamicTables() error {
	d.fill()
	nlit, ndist, ncode := int(d.take(5))+257, int(d.take(5))+1, int(d.take(4))+4
	if nlit > 286 || ndist > 30 {
		return errCorrupt
	}
	var codeLengths [19]uint8
	for _, i := range codeOrder[:ncode] {
		if d.n < 3 {
			d.fill()
		}
		codeLengths[i] = uint8(d.take(3))
	}
	const codeBits = 7
	var codeTable [1 << codeBits]uint32
	if !build(codeTable[:], codeBits, codeLengths[:], symbolEntry) {
		return errCorrupt
	}
	var lengths [286 + 30]uint8
	for i := 0; i < nlit+ndist; {
		d.fill()
		e := codeTable[d.acc&(1<<codeBits-1)]
		if e == 0 || d.overrun() {
			return errCorrupt
		}
		d.take(uint(e & 0xff))
		symbol := uint8(e >> 16)
		if symbol < 16 {
			lengths[i] = symbol
			i++
			continue
		}
		value, n := uint8(0), 0
		switch symbol {
		case 16:
			if i == 0 {
				return errCorrupt
			}
			value, n = lengths[i-1], 3+int(d.take(2))
		case 17:
			n = 3 + int(d.take(3))
		default:
			n = 11 + int(d.take(7))
		}
		if i+n > nlit+ndist {
			return errCorrupt
		}
		for range n {
			lengths[i] = value
			i++
		}
	}
	if lengths[256] == 0 { // no end of block
		return errCorrupt
	}
	if !build(d.litTable[:], litBits, lengths[:nlit], litEntry) || !build(d.distTable[:], distBits, lengths[nlit:nlit+ndist], distEntry) {
		return errCorrupt
	}
	return nil
}
