package tiff

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"

	"govle/vle/imageproc/internal/inflate"
)

// Compression schemes.
const (
	uncompressed = 1
	group3       = 3
	group4       = 4
	lzwScheme    = 5
	jpegScheme   = 7
	deflateAdobe = 8
	packBits     = 32773
	deflateOld   = 32946
)

// decompress gives the n bytes of a strip or tile with the given number of rows.
func (l *layout) decompress(data []byte, n, rows int) ([]byte, error) {
	if l.reversed {
		data = append([]byte(nil), data...)
		for i, b := range data {
			data[i] = bits.Reverse8(b)
		}
	}
	switch l.compression {
	case uncompressed:
		if len(data) < n {
			return nil, io.ErrUnexpectedEOF
		}
		return append([]byte(nil), data[:n]...), nil
	case packBits:
		return unpackBits(data, n)
	case lzwScheme:
		r := lzw.NewReader(bytes.NewReader(data), lzw.MSB, 8)
		defer r.Close()
		return readExactly(r, n)
	case deflateAdobe, deflateOld:
		// Deflate makes at most 1032 bytes of one: few bytes cannot ask for much.
		if n/1032 > len(data) {
			return nil, io.ErrUnexpectedEOF
		}
		out := make([]byte, n)
		got, err := inflate.Zlib(out, data)
		if err == nil && got < n {
			err = io.ErrUnexpectedEOF
		}
		return out, err
	case group3, group4:
		if l.bits != 1 || l.samples != 1 {
			return nil, errors.New("fax compression of what is not black and white")
		}
		scheme := ccitt.Group4
		if l.compression == group3 {
			scheme = ccitt.Group3
			if l.t4&1 != 0 {
				return nil, errors.New("two-dimensional group 3 compression is not supported")
			}
		}
		// Bit 2 of the options says that rows begin on bytes' borders by means of
		// fill bits before the end-of-line codes, which the reader skips anyway.
		// The reader gives ones for white; TIFF's schemes code white as zero.
		r := ccitt.NewReader(bytes.NewReader(data), ccitt.MSB, scheme, l.blockW, rows, &ccitt.Options{Invert: true})
		return readExactly(r, n)
	case jpegScheme:
		return nil, errors.New("JPEG compression inside TIFF is not supported: save it as JPEG or as TIFF with LZW")
	}
	return nil, fmt.Errorf("compression scheme %d is not supported: save it with LZW or Deflate", l.compression)
}

// readExactly reads n bytes; the memory grows with what is there, not with n.
func readExactly(r io.Reader, n int) ([]byte, error) {
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, int64(n)); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b.Bytes(), nil
}

// unpackBits expands n bytes (TIFF 6.0, section 9).
func unpackBits(data []byte, n int) ([]byte, error) {
	var out []byte
	for len(out) < n {
		if len(data) < 2 {
			return nil, io.ErrUnexpectedEOF
		}
		c := int(int8(data[0]))
		switch {
		case c >= 0:
			if len(data) < c+2 {
				return nil, io.ErrUnexpectedEOF
			}
			out = append(out, data[1:c+2]...)
			data = data[c+2:]
		case c == -128:
			data = data[1:]
		default:
			for range 1 - c {
				out = append(out, data[1])
			}
			data = data[2:]
		}
	}
	return out[:n], nil
}
