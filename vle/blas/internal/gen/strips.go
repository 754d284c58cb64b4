package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// strips emits copying of a matrix into panels of w columns: rows of src, ld
// floats apart, are cut into pieces of w, and piece p of row q goes to
// dst[p·dp + q·w:][:w]. Reading by rows and writing to a few panels at once
// keeps both sides in order.
func (a *asm) strips(w int) {
	name := fmt.Sprintf("strips%dAVX2", w)
	a.fn(name, "func(rows, panels int, src *float32, ld int, dst *float32, dp int)",
		fmt.Sprintf("%s copies %d floats of each row to each panel: dst[p·dp+q·%d:] from src[q·ld+p·%d:].", name, w, w, w))
	n, panels, src, ld, dst, dp := a.arg("rows"), a.arg("panels"), a.arg("src"), a.arg("ld"), a.arg("dst"), a.arg("dp")
	a.SHLQ(operand.Imm(2), ld)
	a.SHLQ(operand.Imm(2), dp)
	ahead := a.GP64() // eight rows on: no prefetcher follows strides of a page
	a.LEAQ(operand.Mem{Base: src, Index: ld, Scale: 8}, ahead)
	s, d, f, p := a.GP64(), a.GP64(), a.GP64(), a.GP64()
	a.Label("row")
	a.MOVQ(src, s)
	a.MOVQ(dst, d)
	a.MOVQ(ahead, f)
	a.MOVQ(panels, p)
	a.Label("panel")
	var v []reg.VecVirtual
	move := func(load bool) {
		at, i := 0, 0
		for left := w; left > 0; i++ {
			var r reg.VecVirtual
			if load {
				r = a.YMM()
				if left < 8 {
					r = a.XMM()
				}
				v = append(v, r)
			} else {
				r = v[i]
			}
			from, to := operand.Mem{Base: s, Disp: 4 * at}, operand.Mem{Base: d, Disp: 4 * at}
			size := 8
			switch {
			case left >= 8 && load:
				a.VMOVUPS(from, r)
			case left >= 8:
				a.VMOVUPS(r, to)
			case left >= 4 && load:
				size = 4
				a.VMOVUPS(from, r)
			case left >= 4:
				size = 4
				a.VMOVUPS(r, to)
			case load:
				size = 2
				a.VMOVSD(from, r)
			default:
				size = 2
				a.VMOVSD(r, to)
			}
			at += size
			left -= size
		}
	}
	move(true)
	for b := 0; b < 4*w; b += 64 {
		a.PREFETCHT0(operand.Mem{Base: f, Disp: b})
	}
	move(false)
	for _, r := range []reg.GPVirtual{s, f} {
		a.ADDQ(operand.U32(uint32(4*w)), r)
	}
	a.ADDQ(dp, d)
	a.DECQ(p)
	a.JNZ(operand.LabelRef("panel"))
	a.ADDQ(ld, src)
	a.ADDQ(ld, ahead)
	a.ADDQ(operand.U32(uint32(4*w)), dst)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("row"))
	a.VZEROUPPER()
	a.RET()
}
