package jpeg

// Constants of the accurate integer inverse DCT (Loeffler, Ligtenberg and
// Moschytz, ICASSP 1989, as libjpeg's jidctint computes it) in 13 fractional bits.
const (
	constBits = 13
	pass1Bits = 2

	fix0298 = 2446
	fix0390 = 3196
	fix0541 = 4433
	fix0765 = 6270
	fix0899 = 7373
	fix1175 = 9633
	fix1501 = 12299
	fix1847 = 15137
	fix1961 = 16069
	fix2053 = 16819
	fix2562 = 20995
	fix3072 = 25172
)

// inverse turns rows of blocks from coefficients, beginning with those at coef[0],
// into samples, beginning with block row first.
func (c *component) inverse(coef []int16, first, rows int) {
	stride := 8 * c.stride
	for r := range rows {
		blocks := coef[64*c.stride*r:][:64*c.stride]
		idctRow(c.plane[8*stride*(first+r):][:8*stride], blocks, c.quant)
	}
}

// idctRowGeneric inverts a row of blocks. dst holds 8 rows of 8 samples a block.
func idctRowGeneric(dst []byte, coef []int16, quant *[64]uint16) {
	stride := len(dst) / 8
	for i := 0; i < len(coef); i += 64 {
		idctBlock(dst[i/8:], stride, (*[64]int16)(coef[i:i+64]), quant)
	}
}

// idctBlock inverts one block. Products with the quantisation table and the sums
// below wrap at 16 bits, and results between the passes saturate at 16 bits, as in
// libjpeg-turbo's vector code; files that are not broken never come near.
func idctBlock(dst []byte, stride int, coef *[64]int16, quant *[64]uint16) {
	var ws [64]int16
	for i := range 8 {
		c := func(k int) int32 { return int32(coef[8*k+i] * int16(quant[8*k+i])) }
		if coef[8+i]|coef[16+i]|coef[24+i]|coef[32+i]|coef[40+i]|coef[48+i]|coef[56+i] == 0 {
			dc := saturate16(c(0) << pass1Bits)
			for k := 0; k < 64; k += 8 {
				ws[k+i] = dc
			}
			continue
		}
		out := idct8(c(0), c(1), c(2), c(3), c(4), c(5), c(6), c(7))
		const shift = constBits - pass1Bits
		for k, v := range out {
			ws[8*k+i] = saturate16((v + 1<<(shift-1)) >> shift)
		}
	}
	for y := range 8 {
		w := ws[8*y : 8*y+8 : 8*y+8]
		out := idct8(int32(w[0]), int32(w[1]), int32(w[2]), int32(w[3]), int32(w[4]), int32(w[5]), int32(w[6]), int32(w[7]))
		row := dst[y*stride:][:8]
		const shift = constBits + pass1Bits + 3
		for x, v := range out {
			row[x] = uint8(min(max((v+1<<(shift-1))>>shift+128, 0), 255))
		}
	}
}

// idct8 is the one-dimensional transform, scaled by √8·2^constBits.
func idct8(i0, i1, i2, i3, i4, i5, i6, i7 int32) [8]int32 {
	// Even part.
	e2 := i2*fix0541 + i6*(fix0541-fix1847)
	e3 := i2*(fix0541+fix0765) + i6*fix0541
	e0 := int32(int16(i0+i4)) << constBits
	e1 := int32(int16(i0-i4)) << constBits
	t0, t3, t1, t2 := e0+e3, e0-e3, e1+e2, e1-e2
	// Odd part.
	z3, z4 := int32(int16(i7+i3)), int32(int16(i5+i1))
	y3 := z3*(fix1175-fix1961) + z4*fix1175
	y4 := z3*fix1175 + z4*(fix1175-fix0390)
	o0 := i7*(fix0298-fix0899) - i1*fix0899 + y3
	o1 := i5*(fix2053-fix2562) - i3*fix2562 + y4
	o2 := i3*(fix3072-fix2562) - i5*fix2562 + y3
	o3 := i1*(fix1501-fix0899) - i7*fix0899 + y4
	return [8]int32{t0 + o3, t1 + o2, t2 + o1, t3 + o0, t3 - o0, t2 - o1, t1 - o2, t0 - o3}
}

func saturate16(v int32) int16 { return int16(min(max(v, -1<<15), 1<<15-1)) }
