//go:build !amd64

package jpeg

func idctRow(dst []byte, coef []int16, quant *[64]uint16) { idctRowGeneric(dst, coef, quant) }
func verticalSums(sums []uint16, near, far []byte, n int) { verticalSumsGeneric(sums, near, far, n) }
func triangle(out []byte, sums []uint16, n int, left, right uint16) {
	triangleGeneric(out, sums, n, left, right)
}
func yccRow(out, y, cb, cr []byte, n int) { yccRowGeneric(out, y, cb, cr, n) }
