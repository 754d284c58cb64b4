//go:build !amd64

package resample

func horizontalPass(dst, src []byte, a *axis, srcW, channels int) {
	horizontalPassGeneric(dst, src, a, srcW, channels)
}

func verticalPass(dst, src []byte, a *axis, rowLo, rowBytes int) {
	verticalPassGeneric(dst, src, a, rowLo, rowBytes, 0)
}
