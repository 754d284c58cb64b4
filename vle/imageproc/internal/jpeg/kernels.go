package jpeg

// idctRow inverts a row of blocks, an even number; see idctRowGeneric.
func idctRow(dst []byte, coef []int16, quant *[64]uint16) {
	idctRowGeneric(dst, coef, quant)
}

func verticalSums(sums []uint16, near, far []byte, n int) { verticalSumsGeneric(sums, near, far, n) }

func triangle(out []byte, sums []uint16, n int, left, right uint16, shift uint) {
	triangleGeneric(out, sums, n, left, right, shift)
}

func yccRow(out, y, cb, cr []byte, n int) { yccRowGeneric(out, y, cb, cr, n) }
