package resample

import "fmt"

// Job describes one resampling. Source and result are interleaved 8-bit pictures
// of Channels bytes a pixel without padding between rows.
type Job struct {
	Filter     Filter
	Channels   int    // 1 to 4
	Src        []byte // [SrcH*SrcW*Channels]
	SrcW, SrcH int
	OutW, OutH int // size of the whole result
	// The window of the result that is wanted: columns [X0, X1) and rows [Y0, Y1).
	X0, Y0, X1, Y1 int
}

// Run computes the window, [(Y1-Y0)*(X1-X0)*Channels] bytes. It panics on sizes
// that do not fit together: they are the caller's mistake.
func Run(j Job) []byte {
	if j.SrcW <= 0 || j.SrcH <= 0 || len(j.Src) < j.SrcW*j.SrcH*j.Channels {
		panic(fmt.Sprintf("resample: %d bytes for a picture of %dx%d with %d channels", len(j.Src), j.SrcW, j.SrcH, j.Channels))
	}
	if j.X0 < 0 || j.Y0 < 0 || j.X1 <= j.X0 || j.Y1 <= j.Y0 || j.X1 > j.OutW || j.Y1 > j.OutH {
		panic(fmt.Sprintf("resample: window [%d,%d)x[%d,%d) of a picture of %dx%d", j.X0, j.X1, j.Y0, j.Y1, j.OutW, j.OutH))
	}
	if j.SrcW == j.OutW && j.SrcH == j.OutH {
		return j.copyWindow()
	}
	if j.Filter == Nearest {
		return j.nearest()
	}
	horizontal := newAxis(j.Filter, j.SrcW, j.OutW, j.X0, j.X1)
	vertical := newAxis(j.Filter, j.SrcH, j.OutH, j.Y0, j.Y1)
	// Rows outside the vertical filters' reach are never needed.
	rowLo, rowHi := vertical.span()
	rowBytes := j.SrcW * j.Channels
	w := j.X1 - j.X0
	src := j.Src[rowLo*rowBytes : rowHi*rowBytes]
	var mid []byte
	switch {
	case !horizontal.identity:
		mid = make([]byte, (rowHi-rowLo)*w*j.Channels)
		horizontalPass(mid, src, &horizontal, j.SrcW, j.Channels)
	case w == j.SrcW:
		mid = src
	default:
		mid = make([]byte, 0, (rowHi-rowLo)*w*j.Channels)
		for y := range rowHi - rowLo {
			mid = append(mid, src[y*rowBytes+j.X0*j.Channels:y*rowBytes+j.X1*j.Channels]...)
		}
	}
	if vertical.identity {
		return mid
	}
	dst := make([]byte, (j.Y1-j.Y0)*w*j.Channels)
	verticalPass(dst, mid, &vertical, rowLo, w*j.Channels)
	return dst
}

func (j *Job) copyWindow() []byte {
	n := (j.X1 - j.X0) * j.Channels
	dst := make([]byte, 0, (j.Y1-j.Y0)*n)
	for y := j.Y0; y < j.Y1; y++ {
		at := (y*j.SrcW + j.X0) * j.Channels
		dst = append(dst, j.Src[at:at+n]...)
	}
	return dst
}

func (j *Job) nearest() []byte {
	xs := nearestIndex(j.SrcW, j.OutW, j.X0, j.X1)
	ys := nearestIndex(j.SrcH, j.OutH, j.Y0, j.Y1)
	dst := make([]byte, 0, len(xs)*len(ys)*j.Channels)
	for _, y := range ys {
		row := j.Src[int(y)*j.SrcW*j.Channels:]
		for _, x := range xs {
			at := int(x) * j.Channels
			dst = append(dst, row[at:at+j.Channels]...)
		}
	}
	return dst
}
