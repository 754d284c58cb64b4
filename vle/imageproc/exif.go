package imageproc

import (
	"bytes"
	"encoding/binary"
)

// orientationTag is TIFF tag 274 (0x112), which EXIF uses too.
const orientationTag = 0x112

// tiffOrientation reads the orientation, 1 to 8, from TIFF data, which is also what
// an EXIF block holds; 1 when it has none or cannot be read: a broken block does
// not make a picture unusable.
func tiffOrientation(data []byte) int {
	if len(data) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(data[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(data[4:]))
	if at+2 > uint64(len(data)) {
		return 1
	}
	n := int(order.Uint16(data[at:]))
	entries := data[at+2:]
	for i := 0; i < n && len(entries) >= 12; i++ {
		const short = 3
		if order.Uint16(entries) == orientationTag && order.Uint16(entries[2:]) == short && order.Uint32(entries[4:]) >= 1 {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// jpegOrientation finds the EXIF block in APP1 before the first scan.
func jpegOrientation(data []byte) int {
	for i := 2; i+4 <= len(data) && data[i] == 0xff; {
		marker := data[i+1]
		if marker == 0xff { // fill byte
			i++
			continue
		}
		if marker == 0xda || marker == 0xd9 {
			break
		}
		n := int(binary.BigEndian.Uint16(data[i+2:]))
		if n < 2 || i+2+n > len(data) {
			break
		}
		segment := data[i+4 : i+2+n]
		if marker == 0xe1 && bytes.HasPrefix(segment, []byte("Exif\x00\x00")) {
			return tiffOrientation(segment[6:])
		}
		i += 2 + n
	}
	return 1
}

// pngOrientation finds the eXIf chunk.
func pngOrientation(data []byte) int {
	for i := 8; i+12 <= len(data); {
		n := uint64(binary.BigEndian.Uint32(data[i:]))
		if uint64(i)+12+n > uint64(len(data)) {
			break
		}
		if string(data[i+4:i+8]) == "eXIf" {
			return tiffOrientation(data[i+8 : i+8+int(n)])
		}
		i += 12 + int(n)
	}
	return 1
}

// webpOrientation finds the EXIF chunk, which some writers begin as JPEG's APP1.
func webpOrientation(data []byte) int {
	for i := 12; i+8 <= len(data); {
		n := uint64(binary.LittleEndian.Uint32(data[i+4:]))
		if uint64(i)+8+n > uint64(len(data)) {
			break
		}
		if string(data[i:i+4]) == "EXIF" {
			return tiffOrientation(bytes.TrimPrefix(data[i+8:i+8+int(n)], []byte("Exif\x00\x00")))
		}
		i += 8 + int(n+n&1)
	}
	return 1
}

// orient turns a picture as EXIF orientation o (1 to 8) asks.
func orient(p *RGB, o int) *RGB {
	if o <= 1 || o > 8 {
		return p
	}
	w, h := p.Width, p.Height
	if o >= 5 {
		w, h = h, w
	}
	out := NewRGB(w, h)
	for y := range h {
		for x := range w {
			sx, sy := x, y
			switch o {
			case 2: // mirrored
				sx = w - 1 - x
			case 3: // upside down
				sx, sy = w-1-x, h-1-y
			case 4: // upside down, mirrored
				sy = h - 1 - y
			case 5: // transposed
				sx, sy = y, x
			case 6: // to be turned clockwise
				sx, sy = y, w-1-x
			case 7: // transposed along the other diagonal
				sx, sy = h-1-y, w-1-x
			case 8: // to be turned anticlockwise
				sx, sy = h-1-y, x
			}
			copy(out.Pix[3*(y*w+x):][:3], p.Pix[3*(sy*p.Width+sx):][:3])
		}
	}
	return out
}
