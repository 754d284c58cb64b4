// Package inflate decompresses a zlib stream (RFC 1950, RFC 1951) that lies in
// memory into a buffer whose size is known, as pictures have it. That is what
// makes it several times faster than the standard library's stream reader.
package inflate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"io"
	"math/bits"
)

// Zlib decompresses src into dst and returns how many bytes it wrote: fewer than
// len(dst) when the stream holds fewer. What a stream holds beyond len(dst) is
// left. A stream cut short gives io.ErrUnexpectedEOF; with an error, what dst holds
// is not to be relied on.
func Zlib(dst, src []byte) (int, error) {
	if len(src) < 2 {
		return 0, io.ErrUnexpectedEOF
	}
	header := uint(src[0])<<8 | uint(src[1])
	const presetDictionary = 0x20
	if src[0]&15 != 8 || src[0]>>4 > 7 || header%31 != 0 || header&presetDictionary != 0 {
		return 0, fmt.Errorf("a zlib header %#04x", header)
	}
	d := decoder{src: src, pos: 2, dst: dst}
	done, err := d.run()
	if err != nil || !done {
		return d.out, err
	}
	tail := d.src[d.bytePos():]
	if len(tail) < 4 {
		return d.out, io.ErrUnexpectedEOF
	}
	if binary.BigEndian.Uint32(tail) != adler32.Checksum(dst[:d.out]) {
		return d.out, errors.New("the compressed data's checksum is wrong")
	}
	return d.out, nil
}

var errCorrupt = errors.New("the compressed data are damaged")

type decoder struct {
	src  []byte
	pos  int    // next byte to load
	acc  uint64 // loaded bits, the next one lowest
	n    uint   // how many of them count
	fake uint   // how many of these are made up, after the end of src
	dst  []byte
	out  int // bytes written

	litTable  [1<<litBits + litExtra]uint32
	distTable [1<<distBits + distExtra]uint32
}

// fill makes at least 56 bits available; after the end they are zero.
func (d *decoder) fill() {
	if d.pos+8 <= len(d.src) {
		d.acc |= binary.LittleEndian.Uint64(d.src[d.pos:]) << d.n
		d.pos += int((63 - d.n) >> 3)
		d.n |= 56
		return
	}
	d.acc &= 1<<d.n - 1 // the quick way above loads more than it counts
	for d.n <= 56 {
		if d.pos < len(d.src) {
			d.acc |= uint64(d.src[d.pos]) << d.n
			d.pos++
		} else {
			d.fake += 8
		}
		d.n += 8
	}
}

// take consumes n bits, at most 32 after a fill.
func (d *decoder) take(n uint) uint32 {
	v := uint32(d.acc & (1<<n - 1))
	d.acc >>= n
	d.n -= n
	return v
}

// overrun reports whether bits after the end have been consumed.
func (d *decoder) overrun() bool { return d.n < d.fake }

// bytePos is the position of the first byte of which no bit has been consumed.
func (d *decoder) bytePos() int { return d.pos - int(d.n-d.fake)/8 }

// run decompresses blocks until the last one ends, done, or dst is full.
func (d *decoder) run() (done bool, err error) {
	for {
		d.fill()
		last, kind := d.take(1), d.take(2)
		switch kind {
		case 0:
			done, err = d.stored()
		case 1:
			d.fixedTables()
			done, err = d.compressed()
		case 2:
			if err = d.dynamicTables(); err == nil {
				done, err = d.compressed()
			}
		default:
			err = errCorrupt
		}
		if d.overrun() {
			return false, io.ErrUnexpectedEOF
		}
		if err != nil || !done {
			return false, err
		}
		if last != 0 {
			return true, nil
		}
	}
}

// stored copies an uncompressed block. Like compressed, it reports false when dst
// is full before the block ends.
func (d *decoder) stored() (bool, error) {
	d.take(d.n & 7)
	if d.overrun() {
		return false, io.ErrUnexpectedEOF
	}
	at := d.bytePos()
	if len(d.src)-at < 4 {
		return false, io.ErrUnexpectedEOF
	}
	size := int(binary.LittleEndian.Uint16(d.src[at:]))
	if size != int(^binary.LittleEndian.Uint16(d.src[at+2:])) {
		return false, errCorrupt
	}
	d.pos, d.acc, d.n, d.fake = at+4, 0, 0, 0
	have := d.src[d.pos:]
	whole := min(size, len(d.dst)-d.out)
	n := copy(d.dst[d.out:d.out+whole], have)
	d.out += n
	d.pos += n
	if n < whole {
		return false, io.ErrUnexpectedEOF
	}
	return whole == size, nil
}

// compressed decodes a block's symbols, fast while src and dst are far from their
// ends.
func (d *decoder) compressed() (bool, error) {
	if done, err := d.fast(); done || err != nil {
		return done, err
	}
	return d.careful()
}

// Within one round of fast, so much may be loaded and written at most: 8 bytes from
// a position that a fill has moved by 7, and three literals, a match and the excess
// of copying 8 bytes at a time.
const (
	fastSrc = 16
	fastDst = 3 + 258 + 8
)

// fast decodes symbols until the block ends, done, or src or dst come near to
// their ends. It is careful without its checks and with its state in registers.
func (d *decoder) fast() (done bool, err error) {
	src, dst := d.src, d.dst
	pos, acc, n, out := d.pos, d.acc, d.n, d.out
	lit, dist := &d.litTable, &d.distTable
	for pos+fastSrc <= len(src) && out+fastDst <= len(dst) {
		acc |= binary.LittleEndian.Uint64(src[pos:]) << (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		e := lit[acc&(1<<litBits-1)]
		if e&literal != 0 {
			acc >>= e & 63
			n -= uint(e & 63)
			dst[out] = byte(e >> 16)
			out++
			e = lit[acc&(1<<litBits-1)]
			if e&literal != 0 {
				acc >>= e & 63
				n -= uint(e & 63)
				dst[out] = byte(e >> 16)
				out++
				e = lit[acc&(1<<litBits-1)]
				if e&literal != 0 {
					acc >>= e & 63
					n -= uint(e & 63)
					dst[out] = byte(e >> 16)
					out++
					continue
				}
			}
		}
		if e&subTable != 0 {
			e = lit[(e>>16+uint32(acc>>litBits)&(1<<(e>>8&31)-1))%uint32(len(lit))]
		}
		saved := acc
		acc >>= e & 63
		n -= uint(e & 63)
		if e&literal != 0 {
			dst[out] = byte(e >> 16)
			out++
			continue
		}
		if e&endOfBlock != 0 {
			done = true
			break
		}
		if e == 0 {
			err = errCorrupt
			break
		}
		length := int(e>>16) + int(saved&(1<<(e&63)-1)>>(e>>8&31))
		acc |= binary.LittleEndian.Uint64(src[pos:]) << (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		e = dist[acc&(1<<distBits-1)]
		if e&subTable != 0 {
			e = dist[(e>>16+uint32(acc>>distBits)&(1<<(e>>8&31)-1))%uint32(len(dist))]
		}
		distance := int(e>>16) + int(acc&(1<<(e&63)-1)>>(e>>8&31))
		acc >>= e & 63
		n -= uint(e & 63)
		if e == 0 || distance > out {
			err = errCorrupt
			break
		}
		copyMatch(dst, out, distance, length)
		out += length
	}
	d.pos, d.acc, d.n, d.out = pos, acc, n, out
	return done, err
}

// careful decodes symbols until the block ends, done, or dst is full.
func (d *decoder) careful() (bool, error) {
	dst, out := d.dst, d.out
	for {
		d.fill()
		if d.overrun() {
			d.out = out
			return false, io.ErrUnexpectedEOF
		}
		e := d.litTable[d.acc&(1<<litBits-1)]
		if e&subTable != 0 {
			e = d.litTable[e>>16+uint32(d.acc>>litBits)&(1<<(e>>8&31)-1)]
		}
		if e&literal != 0 {
			if out >= len(dst) {
				d.out = out
				return false, nil
			}
			d.acc >>= e & 0xff
			d.n -= uint(e & 0xff)
			dst[out] = byte(e >> 16)
			out++
			continue
		}
		length := d.value(e)
		if e&endOfBlock != 0 {
			d.out = out
			return true, nil
		}
		if e == 0 {
			d.out = out
			return false, errCorrupt
		}
		if d.n < 32 {
			d.fill()
		}
		e = d.distTable[d.acc&(1<<distBits-1)]
		if e&subTable != 0 {
			e = d.distTable[e>>16+uint32(d.acc>>distBits)&(1<<(e>>8&31)-1)]
		}
		distance := d.value(e)
		if e == 0 || distance > out {
			d.out = out
			if d.overrun() {
				return false, io.ErrUnexpectedEOF
			}
			return false, errCorrupt
		}
		if length > len(dst)-out {
			copyMatch(dst, out, distance, len(dst)-out)
			d.out = len(dst)
			return false, nil
		}
		copyMatch(dst, out, distance, length)
		out += length
	}
}

// value consumes an entry's code and extra bits and returns base plus extra.
func (d *decoder) value(e uint32) int {
	total, code := uint(e&0xff), uint(e>>8&31)
	extra := d.acc & (1<<total - 1) >> code
	d.acc >>= total
	d.n -= total
	return int(e>>16) + int(extra)
}

// copyMatch repeats what lies distance bytes back; it may overlap.
func copyMatch(dst []byte, out, distance, length int) {
	from := out - distance
	if distance >= 8 && length <= 32 && out+length+8 <= len(dst) {
		// What is written too much will be overwritten.
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(dst[out+i:], binary.LittleEndian.Uint64(dst[from+i:]))
		}
		return
	}
	to := dst[out : out+length]
	for len(to) > 0 { // each round doubles what can be copied at once
		n := copy(to, dst[from:out])
		to = to[n:]
		out += n
	}
}

// reverse mirrors the lowest n bits.
func reverse(v uint32, n uint) uint32 { return bits.Reverse32(v) >> (32 - n) }
