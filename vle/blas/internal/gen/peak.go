package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitPeak writes loops of nothing but fused multiply-adds on registers, enough
// of them side by side to hide their latency.
func emitPeak(a *asm) {
	for _, v := range []struct {
		name string
		vec  func() reg.VecVirtual
		zmm  bool
	}{{"fmaAVX2", a.YMM, false}, {"fmaAVX512", a.ZMM, true}} {
		a.fn(v.name, "func(rounds int)", v.name+" does 12 vector multiply-adds a round.")
		n := a.arg("rounds")
		x, y := v.vec(), v.vec()
		acc := make([]reg.VecVirtual, 12)
		for i := range acc {
			acc[i] = v.vec()
		}
		for _, r := range append([]reg.VecVirtual{x, y}, acc...) {
			if v.zmm {
				a.VPXORD(r, r, r)
			} else {
				a.VXORPS(r, r, r)
			}
		}
		a.Label("loop")
		for _, r := range acc {
			a.VFMADD231PS(x, y, r)
		}
		a.DECQ(n)
		a.JNZ(operand.LabelRef("loop"))
		a.VZEROUPPER()
		a.RET()
	}
}
