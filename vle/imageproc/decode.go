package imageproc

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"io"
	"os"
)

// DefaultMaxPixels is the number of pixels beyond which Pillow refuses a picture as
// a decompression bomb: twice its warning limit of 1 GB of RGB.
const DefaultMaxPixels = 178_956_970

// DecodeOptions changes how pictures are decoded. The zero value, and nil, decode
// as the reference does.
type DecodeOptions struct {
	// MaxPixels is the largest width × height that is decoded; zero means
	// DefaultMaxPixels. It is checked on the header, before pixels are read.
	MaxPixels int64
	// Orient turns the picture as its EXIF orientation says. The reference
	// ignores the orientation.
	Orient bool
	// Background, when not nil, is laid under transparent pixels. The reference
	// drops alpha and shows the colours stored under it.
	Background color.Color
}

// ErrTooLarge is wrapped by errors for pictures with more than MaxPixels pixels.
var ErrTooLarge = errors.New("too many pixels")

// ErrFormat is wrapped by errors for data that are none of the supported formats.
var ErrFormat = errors.New("not a picture in a supported format (JPEG, PNG, GIF, BMP, TIFF, WebP)")

// maxFileBytes bounds what Decode reads into memory.
const maxFileBytes = 1 << 30

// DecodeFile decodes the picture in a file, whatever its name ends in.
func DecodeFile(name string, opts *DecodeOptions) (*RGB, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening a picture: %w", err)
	}
	defer f.Close()
	img, err := Decode(f, opts)
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", name, err)
	}
	return img, nil
}

// Decode decodes a picture in one of the supported formats, found by its first
// bytes, and converts it to RGB as Pillow does.
func Decode(r io.Reader, opts *DecodeOptions) (*RGB, error) {
	var data []byte
	if b, ok := r.(*bytes.Buffer); ok {
		data = b.Bytes()
	} else {
		var err error
		if data, err = io.ReadAll(io.LimitReader(r, maxFileBytes+1)); err != nil {
			return nil, fmt.Errorf("reading the picture: %w", err)
		}
	}
	return DecodeBytes(data, opts)
}

// DecodeBytes is Decode for a picture in memory.
func DecodeBytes(data []byte, opts *DecodeOptions) (*RGB, error) {
	return nil, ErrFormat
}
