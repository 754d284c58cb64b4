package imageproc

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"os"
	"unicode/utf8"
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
	data, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the picture: %w", err)
	}
	return DecodeBytes(data, opts)
}

// DecodeBytes is Decode for a picture in memory.
func DecodeBytes(data []byte, opts *DecodeOptions) (*RGB, error) {
	if opts == nil {
		opts = &DecodeOptions{}
	}
	if len(data) > maxFileBytes {
		return nil, fmt.Errorf("the file is larger than %d bytes", maxFileBytes)
	}
	f := sniff(data)
	if f == nil {
		return nil, describeUnknown(data)
	}
	limit := opts.MaxPixels
	if limit <= 0 {
		limit = DefaultMaxPixels
	}
	d := &decoding{data: data, limit: limit, wantAlpha: opts.Background != nil}
	if err := f.decode(d); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.ErrUnexpectedEOF
			}
			err = fmt.Errorf("the file ends too early (%d bytes): %w", len(data), err)
		}
		return nil, fmt.Errorf("%s picture: %w", f.name, err)
	}
	img := d.img
	if opts.Background != nil && d.alpha != nil {
		layOver(img, d.alpha, opts.Background)
	}
	if opts.Orient && f.orientation != nil {
		img = orient(img, f.orientation(data))
	}
	return img, nil
}

// decoding is the state of one call: what goes in and what a format leaves behind.
type decoding struct {
	data      []byte
	limit     int64 // of pixels
	wantAlpha bool

	img   *RGB
	alpha []uint8 // one byte a pixel; nil when opaque or not wanted
}

// allow is asked for the size before pixels are decoded.
func (d *decoding) allow(width, height int) error {
	if width <= 0 || height <= 0 {
		return fmt.Errorf("the header says %dx%d pixels", width, height)
	}
	if int64(width) > d.limit/int64(height) {
		return fmt.Errorf("the header says %dx%d pixels, the limit is %d: %w", width, height, d.limit, ErrTooLarge)
	}
	return nil
}

// set takes over a decoded picture.
func (d *decoding) set(img image.Image) {
	d.img = ToRGB(img)
	if d.wantAlpha {
		d.alpha = alphaOf(img)
	}
}

// format is one file format.
type format struct {
	name        string
	match       func(data []byte) bool
	decode      func(d *decoding) error
	orientation func(data []byte) int // EXIF orientation 1 to 8, 1 when there is none; may be nil
}

var formats = []format{
	{"JPEG", prefix("\xff\xd8\xff"), decodeJPEG, jpegOrientation},
	{"PNG", prefix("\x89PNG\r\n\x1a\n"), decodePNG, pngOrientation},
	{"GIF", prefix("GIF87a", "GIF89a"), decodeGIF, nil},
	{"BMP", prefix("BM"), decodeBMP, nil},
	{"TIFF", prefix("II*\x00", "MM\x00*"), decodeTIFF, nil},
	{"WebP", func(b []byte) bool {
		return len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP"
	}, decodeWebP, webpOrientation},
}

func prefix(magics ...string) func([]byte) bool {
	return func(data []byte) bool {
		for _, m := range magics {
			if len(data) >= len(m) && string(data[:len(m)]) == m {
				return true
			}
		}
		return false
	}
}

func sniff(data []byte) *format {
	for i := range formats {
		if formats[i].match(data) {
			return &formats[i]
		}
	}
	return nil
}

// describeUnknown says what the data look like instead of a picture.
func describeUnknown(data []byte) error {
	if len(data) == 0 {
		return fmt.Errorf("the file is empty: %w", ErrFormat)
	}
	head := data[:min(len(data), 24)]
	// A character may be cut at the end of the excerpt.
	whole := bytes.TrimRightFunc(head, func(r rune) bool { return r == utf8.RuneError })
	text := utf8.Valid(whole) && len(head)-len(whole) < utf8.UTFMax
	for _, c := range head {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' {
			text = false
		}
	}
	if text {
		return fmt.Errorf("it begins with the text %q: %w", head, ErrFormat)
	}
	return fmt.Errorf("it begins with the bytes % x: %w", head[:min(len(head), 8)], ErrFormat)
}
