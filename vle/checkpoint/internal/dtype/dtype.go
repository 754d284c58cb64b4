// Package dtype names the element types that checkpoint files hold and turns
// their bytes, little-endian as both safetensors and PyTorch store them, into
// float32.
package dtype

import (
	"encoding/binary"
	"math"
	"runtime"
	"sync"
	"unsafe"
)

// DType is the type of one element, by its safetensors name.
type DType string

// The element types that can be read.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I64  DType = "I64"
	U64  DType = "U64"
	I32  DType = "I32"
	U32  DType = "U32"
	I16  DType = "I16"
	U16  DType = "U16"
	I8   DType = "I8"
	U8   DType = "U8"
	Bool DType = "BOOL"
)

// Size is the number of bytes of one element, 0 for a type that is not known.
func (d DType) Size() int {
	switch d {
	case F64, I64, U64:
		return 8
	case F32, I32, U32:
		return 4
	case F16, BF16, I16, U16:
		return 2
	case I8, U8, Bool:
		return 1
	}
	return 0
}

// New gives n zeroed float32 values. A large slice is announced to the system
// as worth huge pages before it is touched, for taking it page by page costs as
// much as filling it.
func New(n int) []float32 {
	x := make([]float32, n)
	if n >= convertChunk {
		adviseHuge(x)
	}
	return x
}

// littleEndian says that this machine's own floats are laid out as the files are.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// View gives the n = len(b)/4 float32 values in b without copying, or false
// where the machine's byte order or b's alignment does not allow it.
func View(b []byte) ([]float32, bool) {
	if len(b) == 0 {
		return []float32{}, true
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	if !littleEndian || uintptr(p)%4 != 0 {
		return nil, false
	}
	return unsafe.Slice((*float32)(p), len(b)/4), true
}

// Bytes gives the little-endian bytes of x, without copying where the machine
// is little-endian itself.
func Bytes(x []float32) []byte {
	if len(x) == 0 {
		return nil
	}
	if littleEndian {
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
	}
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// convertChunk is how many elements one goroutine converts at a time: large
// enough that starting it costs nothing beside the work.
const convertChunk = 1 << 18

// Floats converts the elements of type d in src, len(dst)*d.Size() bytes, to
// float32: exactly from F32, F16, BF16 and the 8- and 16-bit integers, rounded
// to nearest from the rest, and 0 or 1 from Bool. Large inputs use all cores.
func Floats(dst []float32, d DType, src []byte) {
	size := d.Size()
	if len(dst) <= convertChunk || runtime.GOMAXPROCS(0) == 1 {
		convert(dst, d, src)
		return
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for lo := 0; lo < len(dst); lo += convertChunk {
		hi := min(lo+convertChunk, len(dst))
		slots <- struct{}{}
		wg.Go(func() {
			convert(dst[lo:hi], d, src[lo*size:hi*size])
			<-slots
		})
	}
	wg.Wait()
}

func convert(dst []float32, d DType, src []byte) {
	le := binary.LittleEndian
	switch d {
	case F32:
		if littleEndian && len(dst) > 0 {
			// As bytes: src need not be aligned.
			copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), 4*len(dst)), src)
			return
		}
		for i := range dst {
			dst[i] = math.Float32frombits(le.Uint32(src[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = F16ToFloat(le.Uint16(src[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(le.Uint16(src[2*i:])) << 16)
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(src[8*i:])))
		}
	case I64:
		for i := range dst {
			dst[i] = float32(int64(le.Uint64(src[8*i:])))
		}
	case U64:
		for i := range dst {
			dst[i] = float32(le.Uint64(src[8*i:]))
		}
	case I32:
		for i := range dst {
			dst[i] = float32(int32(le.Uint32(src[4*i:])))
		}
	case U32:
		for i := range dst {
			dst[i] = float32(le.Uint32(src[4*i:]))
		}
	case I16:
		for i := range dst {
			dst[i] = float32(int16(le.Uint16(src[2*i:])))
		}
	case U16:
		for i := range dst {
			dst[i] = float32(le.Uint16(src[2*i:]))
		}
	case I8:
		for i := range dst {
			dst[i] = float32(int8(src[i]))
		}
	case U8:
		for i := range dst {
			dst[i] = float32(src[i])
		}
	case Bool:
		for i := range dst {
			dst[i] = 0
			if src[i] != 0 {
				dst[i] = 1
			}
		}
	default:
		panic("dtype: convert from " + string(d))
	}
}

// F16ToFloat widens an IEEE 754 half, exactly.
func F16ToFloat(h uint16) float32 {
	sign, m := uint32(h&0x8000)<<16, uint32(h&0x7fff)<<13
	switch {
	case m-0x00800000 < 0x0f000000: // normal: move the exponent's bias from 15 to 127
		return math.Float32frombits(sign | (m + 112<<23))
	case m >= 0x0f800000: // infinity, NaN with its payload
		return math.Float32frombits(sign | m | 0x7f800000)
	}
	// Zero or subnormal: a whole number of units of 2^-24.
	return math.Float32frombits(sign | math.Float32bits(float32(m>>13)*0x1p-24))
}

// F16FromFloat rounds to the nearest half, ties to even, as PyTorch does;
// values beyond 65504 become infinities.
func F16FromFloat(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000: // NaN stays one, quiet
		return sign | 0x7e00 | uint16(b>>13&0x3ff)
	case b >= 0x477ff000: // rounds to 2^16 or more
		return sign | 0x7c00
	case b < 0x38800000: // subnormal: let a float addition do the rounding
		const magic = 0x3f000000 // 0.5, whose last bit is worth 2^-24
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+math.Float32frombits(magic))-magic)
	}
	b += 0xfff + b>>13&1
	return sign | uint16(b>>13-112<<10)
}

// BF16FromFloat rounds to the nearest bfloat16, ties to even.
func BF16FromFloat(f float32) uint16 {
	b := math.Float32bits(f)
	if b&0x7fffffff > 0x7f800000 {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
