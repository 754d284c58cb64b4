package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitDots writes dot products of a few rows of inputs with rows of weights as
// they lie: nothing is laid out first, which pays where each weight is used a few
// times only.
func emitDots(a *asm) {
	for mr := 1; mr <= 3; mr++ { // 4·mr sums, mr inputs and a weight are 16 registers
		a.dots(mr, false)
	}
	for mr := 1; mr <= 4; mr++ {
		a.dots(mr, true)
	}
}

// dots emits, for groups of four rows of w, the sums of mr rows of x with each of
// the four, from steps blocks of 16 columns.
func (a *asm) dots(mr int, zmm bool) {
	const four = 4
	name, width, vecs := fmt.Sprintf("dots%dx4AVX2", mr), 32, 2
	vec := a.YMM
	if zmm {
		name, width, vecs = fmt.Sprintf("dots%dx4AVX512", mr), 64, 1
		vec = a.ZMM
	}
	a.fn(name, "func(groups, steps int, x *float32, ldx int, w *float32, ldw int, y *float32, ldy int, alpha float32, acc int)",
		fmt.Sprintf("%s computes %d×4 sums for each group of four rows of w: y = alpha·x·wᵀ, plus y where acc is 1.", name, mr))
	groups, px, pw, py := a.arg("groups"), a.arg("x"), a.arg("w"), a.arg("y")
	ldx, ldw, ldy := a.arg("ldx"), a.arg("ldw"), a.arg("ldy")
	for _, s := range []reg.GPVirtual{ldx, ldw, ldy} {
		a.SHLQ(operand.Imm(2), s)
	}
	ldw3, ldx3 := a.GP64(), a.GP64()
	a.LEAQ(operand.Mem{Base: ldw, Index: ldw, Scale: 2}, ldw3)
	a.LEAQ(operand.Mem{Base: ldx, Index: ldx, Scale: 2}, ldx3)
	// row is row i of four that start at base.
	row := func(base, ld, ld3 reg.GPVirtual, i, disp int) operand.Mem {
		m := operand.Mem{Base: base, Disp: disp}
		switch i {
		case 1:
			m.Index, m.Scale = ld, 1
		case 2:
			m.Index, m.Scale = ld, 2
		case 3:
			m.Index, m.Scale = ld3, 1
		}
		return m
	}
	sums := make([][four]reg.VecVirtual, mr)
	for i := range sums {
		for j := range four {
			sums[i][j] = vec()
		}
	}
	xs, w := make([]reg.VecVirtual, mr), vec()
	for i := range xs {
		xs[i] = vec()
	}

	a.Label("group")
	for i := range sums {
		for _, r := range sums[i] {
			if zmm {
				a.VPXORD(r, r, r)
			} else {
				a.VXORPS(r, r, r)
			}
		}
	}
	n, x, b := a.arg("steps"), a.GP64(), a.GP64()
	a.MOVQ(px, x)
	a.MOVQ(pw, b)
	a.Label("loop")
	for v := range vecs {
		for i := range xs {
			a.VMOVUPS(row(x, ldx, ldx3, i, v*width), xs[i])
		}
		for j := range four {
			a.VMOVUPS(row(b, ldw, ldw3, j, v*width), w)
			for i := range xs {
				a.VFMADD231PS(w, xs[i], sums[i][j])
			}
		}
	}
	a.ADDQ(operand.Imm(64), x)
	a.ADDQ(operand.Imm(64), b)
	a.DECQ(n)
	a.JNZ(operand.LabelRef("loop"))

	// The four vectors of a row become one of four sums.
	alpha, y := a.XMM(), a.GP64()
	a.VBROADCASTSS(a.argMem("alpha"), alpha)
	a.MOVQ(py, y)
	flag := a.arg("acc")
	for i := range sums {
		// Within lanes: pairs of elements, then pairs of pairs.
		pair := func(p, q reg.VecVirtual) reg.VecVirtual {
			lo, hi := vec(), vec()
			a.VUNPCKLPS(q, p, lo)
			a.VUNPCKHPS(q, p, hi)
			a.VADDPS(hi, lo, lo)
			return lo
		}
		p, q := pair(sums[i][0], sums[i][1]), pair(sums[i][2], sums[i][3])
		lo, hi := vec(), vec()
		a.VSHUFPS(operand.Imm(0x44), q, p, lo)
		a.VSHUFPS(operand.Imm(0xEE), q, p, hi)
		a.VADDPS(hi, lo, lo)
		// Then the lanes.
		sum, top := a.XMM(), a.XMM()
		if zmm {
			wide := a.YMM()
			a.VEXTRACTF64X4(operand.Imm(1), lo, wide)
			a.VADDPS(lo.AsY(), wide, wide)
			a.VEXTRACTF32X4(operand.Imm(1), wide, top)
			a.VADDPS(wide.AsX(), top, sum)
		} else {
			a.VEXTRACTF128(operand.Imm(1), lo, top)
			a.VADDPS(lo.AsX(), top, sum)
		}
		a.VMULPS(alpha, sum, sum)
		a.TESTQ(flag, flag)
		a.JZ(operand.LabelRef(fmt.Sprintf("store%d", i)))
		a.VADDPS(operand.Mem{Base: y}, sum, sum)
		a.Label(fmt.Sprintf("store%d", i))
		a.VMOVUPS(sum, operand.Mem{Base: y})
		if i < mr-1 {
			a.ADDQ(ldy, y)
		}
	}
	a.LEAQ(operand.Mem{Base: pw, Index: ldw, Scale: 4}, pw)
	a.ADDQ(operand.Imm(16), py)
	a.DECQ(groups)
	a.JNZ(operand.LabelRef("group"))
	a.VZEROUPPER()
	a.RET()
}
