package imageproc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"

	"golang.org/x/image/webp"
)

// decodeWebP decodes the picture or the first frame of an animation through
// x/image/webp, which decodes lossless data exactly and lossy data to exact Y, Cb
// and Cr planes; these become RGB with libwebp's arithmetic here.
func decodeWebP(d *decoding) error {
	data := d.data
	if frame, err := webpFirstFrame(data); err != nil {
		return err
	} else if frame != nil {
		return d.webpAnimation(frame)
	}
	config, err := webp.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return err
	}
	if err := d.allow(config.Width, config.Height); err != nil {
		return err
	}
	return d.webpStill(data)
}

// webpStill decodes a picture whose size has been allowed.
func (d *decoding) webpStill(data []byte) error {
	img, err := webp.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	switch img := img.(type) {
	case *image.YCbCr:
		d.img = yuvToRGB(img)
	case *image.NYCbCrA:
		d.img = yuvToRGB(&img.YCbCr)
		if d.wantAlpha {
			for y := range d.img.Height {
				d.alpha = append(d.alpha, img.A[y*img.AStride:][:d.img.Width]...)
			}
		}
	default:
		d.set(img)
	}
	return nil
}

// webpFrame is the first frame of an animation.
type webpFrame struct {
	width, height int // of the canvas
	x, y, w, h    int // of the frame
	file          []byte
}

// webpFirstFrame finds the first ANMF chunk and makes a file of its own of what is
// in it (RFC 9649, section 2.7); nil when the picture is not animated.
func webpFirstFrame(data []byte) (*webpFrame, error) {
	const animated = 2
	if len(data) < 30 || string(data[12:16]) != "VP8X" || data[20]&animated == 0 {
		return nil, nil
	}
	f := &webpFrame{width: le24(data[24:]) + 1, height: le24(data[27:]) + 1}
	for i := 12; i+8 <= len(data); {
		n := int(binary.LittleEndian.Uint32(data[i+4:]))
		if n > len(data)-i-8 {
			return nil, io.ErrUnexpectedEOF
		}
		if string(data[i:i+4]) != "ANMF" {
			i += 8 + n + n&1
			continue
		}
		chunk := data[i+8 : i+8+n]
		if len(chunk) < 16 {
			return nil, fmt.Errorf("a frame header of %d bytes", len(chunk))
		}
		f.x, f.y = 2*le24(chunk), 2*le24(chunk[3:])
		f.w, f.h = le24(chunk[6:])+1, le24(chunk[9:])+1
		if f.x+f.w > f.width || f.y+f.h > f.height {
			return nil, fmt.Errorf("a frame of %dx%d at (%d,%d) on a canvas of %dx%d", f.w, f.h, f.x, f.y, f.width, f.height)
		}
		inner := chunk[16:]
		var head []byte
		if bytes.HasPrefix(inner, []byte("ALPH")) {
			const hasAlpha = 0x10
			head = append(head, "VP8X\x0a\x00\x00\x00"...)
			head = append(head, hasAlpha, 0, 0, 0)
			head = append(head, chunk[6:12]...)
		}
		f.file = append(f.file, "RIFF"...)
		f.file = binary.LittleEndian.AppendUint32(f.file, uint32(4+len(head)+len(inner)))
		f.file = append(f.file, "WEBP"...)
		f.file = append(append(f.file, head...), inner...)
		return f, nil
	}
	return nil, errors.New("an animation without frames")
}

func le24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// webpAnimation paints the first frame on its canvas, transparent black elsewhere.
func (d *decoding) webpAnimation(f *webpFrame) error {
	if err := d.allow(f.width, f.height); err != nil {
		return err
	}
	config, err := webp.DecodeConfig(bytes.NewReader(f.file))
	if err != nil {
		return fmt.Errorf("first frame: %w", err)
	}
	if config.Width != f.w || config.Height != f.h {
		return fmt.Errorf("the first frame's data are %dx%d, its header says %dx%d", config.Width, config.Height, f.w, f.h)
	}
	if err := d.webpStill(f.file); err != nil {
		return fmt.Errorf("first frame: %w", err)
	}
	if f.w == f.width && f.h == f.height {
		return nil
	}
	canvas := NewRGB(f.width, f.height)
	var alpha []uint8
	if d.wantAlpha {
		alpha = make([]uint8, f.width*f.height)
	}
	for y := range f.h {
		at := (f.y+y)*f.width + f.x
		copy(canvas.Pix[3*at:], d.img.Pix[3*y*f.w:3*(y+1)*f.w])
		for x := range f.w {
			if alpha == nil {
				break
			}
			alpha[at+x] = 255
			if d.alpha != nil {
				alpha[at+x] = d.alpha[y*f.w+x]
			}
		}
	}
	d.img, d.alpha = canvas, alpha
	return nil
}

// yuvToRGB converts 4:2:0 planes as libwebp does by default: each chroma sample is
// interpolated from the four around it with weights 9:3:3:1 in two rounded steps
// (its "fancy" upsampling), and colours are BT.601 of limited range in 14 bits.
func yuvToRGB(src *image.YCbCr) *RGB {
	p := NewRGB(src.Rect.Dx(), src.Rect.Dy())
	w := p.Width
	chromaW, chromaH := (w+1)/2, (p.Height+1)/2
	u, v := make([]int32, 2*chromaW+1), make([]int32, 2*chromaW+1)
	p.fill(func(y int, row []uint8) {
		near := y / 2
		// The other chroma row is the one below for odd rows, the one above for
		// even ones, and the same one at the edges.
		far := min(max(near-1+2*(y&1), 0), chromaH-1)
		webpUpsample(u, src.Cb[near*src.CStride:][:chromaW], src.Cb[far*src.CStride:][:chromaW])
		webpUpsample(v, src.Cr[near*src.CStride:][:chromaW], src.Cr[far*src.CStride:][:chromaW])
		for x, luma := range src.Y[y*src.YStride:][:w] {
			l := int32(luma) * 19077 >> 8
			cb, cr := u[x], v[x]
			row[3*x] = webpClip(l + cr*26149>>8 - 14234)
			row[3*x+1] = webpClip(l - cb*6419>>8 - cr*13320>>8 + 8708)
			row[3*x+2] = webpClip(l + cb*33050>>8 - 17685)
		}
	})
	return p
}

// webpUpsample makes a row of chroma at full width from the nearer and the farther
// row: out[0], then pairs between neighbouring samples, then the last one.
func webpUpsample(out []int32, near, far []uint8) {
	n := len(near)
	out[0] = (3*int32(near[0]) + int32(far[0]) + 2) >> 2
	for x := 1; x < n; x++ {
		a, b, c, d := int32(near[x-1]), int32(near[x]), int32(far[x-1]), int32(far[x])
		sum := a + b + c + d + 8
		bc := (sum + 2*(b+c)) >> 3
		ad := (sum + 2*(a+d)) >> 3
		out[2*x-1] = (bc + a) >> 1
		out[2*x] = (ad + b) >> 1
	}
	out[2*n-1] = (3*int32(near[n-1]) + int32(far[n-1]) + 2) >> 2
}

// webpClip drops the 6 fractional bits that remain and limits to a byte.
func webpClip(v int32) uint8 {
	return uint8(min(max(v>>6, 0), 255))
}
