package blas

import (
	"math"
	"unsafe"
)

// portableInt8 is plain Go for every architecture.
var portableInt8 = int8Kernel{
	name: "go", mr: 1, nr: 8, group: 4, offset: 128,
	tiles: int8TilesGo, quantize: quantizeGo, dequantize: dequantizeGo,
}

// int8TilesGo computes rows of 8 sums; rows is 1.
func int8TilesGo(_, n, steps int, a *byte, rs int, b *int8, c *int32) {
	panel := unsafe.Slice(b, steps*4*8)
	for t := range n {
		row := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(a), t*rs)), steps*4)
		sums := unsafe.Slice((*int32)(unsafe.Add(unsafe.Pointer(c), t*8*4)), 8)
		for j := range sums {
			var s int32
			for p := 0; p < steps; p++ {
				w := panel[(p*8+j)*4 : (p*8+j)*4+4 : (p*8+j)*4+4]
				x := row[p*4 : p*4+4 : p*4+4]
				s += int32(x[0])*int32(w[0]) + int32(x[1])*int32(w[1]) + int32(x[2])*int32(w[2]) + int32(x[3])*int32(w[3])
			}
			sums[j] = s
		}
	}
}

func quantizeGo(blocks int, dst *byte, x *float32, inverse float32) {
	d := unsafe.Slice(dst, blocks*32)
	for i, v := range unsafe.Slice(x, blocks*32) {
		d[i] = byte(int32(math.RoundToEven(float64(v*inverse))) + 128)
	}
}

func dequantizeGo(rows int, acc, zero *int32, columns, scales, dst *float32, ldd int) {
	z, c := unsafe.Slice(zero, 8), unsafe.Slice(columns, 8)
	for i := range rows {
		s := *at(scales, i)
		sums := unsafe.Slice((*int32)(unsafe.Add(unsafe.Pointer(acc), i*8*4)), 8)
		row := unsafe.Slice(at(dst, i*ldd), 8)
		for j, v := range sums {
			row[j] = float32(v-z[j]) * c[j] * s
		}
	}
}
