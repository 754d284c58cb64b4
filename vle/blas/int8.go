package blas

import (
	"fmt"
	"math"
	"unsafe"

	"govle/vle/blas/vec"
)

// QuantizedPacked is the weights of a linear layer in eight bits, one scale an
// output (per channel), laid out for the integer kernel. Mul quantises each row
// of its input on the way in with a scale of its own (dynamic), adds products as
// 32-bit integers and scales back: a quarter of the memory of [Packed] and,
// with VNNI, several times its speed. Each number keeps about two and a half
// digits; measure what that does to a model before using it.
//
// The integers, and so the results, are the same on every machine.
type QuantizedPacked struct {
	k, n   int
	steps  int // groups of k that a kernel takes at a time, the last padded
	panels int
	kn     *int8Kernel
	data   []int8    // [panel][step][column][group]
	zero   []int32   // what the kernel's offset of the inputs adds to each sum
	scales []float32 // of each column
}

// int8Kernel is one family of integer routines.
type int8Kernel struct {
	name   string
	mr, nr int
	rest   []int // row counts below mr that have a routine of their own
	group  int   // k steps that lie side by side in a panel: 4 bytes of input
	offset int32 // added to inputs to make them unsigned
	// tiles computes n tiles of rows×nr sums, one below the other in c; a's rows
	// are rs bytes apart.
	tiles func(rows, n, steps int, a *byte, rs int, b *int8, c *int32)
	// quantize writes blocks·32 inputs, each 4/group bytes.
	quantize func(blocks int, dst *byte, x *float32, inverse float32)
	// dequantize writes (acc − zero)·columns·scale for rows of nr sums.
	dequantize func(rows int, acc, zero *int32, columns, scales, dst *float32, ldd int)
}

// int8Kernels lists what this machine can run, the preferred one first; the
// last is the portable one.
var int8Kernels = append(machineInt8Kernels(), &portableInt8)

// NewQuantizedPacked quantises and packs the weights of a linear layer y = x·wᵀ:
// w holds n rows (outputs) of k floats (inputs), as for [NewPacked]. Each row is
// rounded to the nearest of 255 multiples of its largest magnitude / 127. It
// panics if w is shorter than n·k or a size is not positive.
func NewQuantizedPacked(w []float32, n, k int) *QuantizedPacked {
	if n <= 0 || k <= 0 || len(w) < n*k {
		panic(fmt.Sprintf("blas: NewQuantizedPacked: %d floats for %d×%d weights", len(w), n, k))
	}
	return quantizePacked(int8Kernels[0], w, n, k)
}

func quantizePacked(kn *int8Kernel, w []float32, n, k int) *QuantizedPacked {
	q := &QuantizedPacked{k: k, n: n, kn: kn, steps: (k + kn.group - 1) / kn.group, panels: (n + kn.nr - 1) / kn.nr}
	padded := q.panels * kn.nr
	q.data = make([]int8, padded*q.steps*kn.group)
	q.zero, q.scales = make([]int32, padded), make([]float32, padded)
	Parallel(q.panels, func(p int) {
		panel := q.data[p*q.steps*kn.group*kn.nr:]
		for c := range min(kn.nr, n-p*kn.nr) {
			j := p*kn.nr + c
			row := w[j*k : (j+1)*k]
			inverse, scale := int8Scale(row)
			q.scales[j] = scale
			for i, v := range row {
				b := int8(math.RoundToEven(float64(v * inverse)))
				panel[(i/kn.group*kn.nr+c)*kn.group+i%kn.group] = b
				q.zero[j] += kn.offset * int32(b)
			}
		}
	})
	return q
}

// int8Scale returns 127/max|x| and max|x|/127. Where there is no such scale the
// first is 0, and the second is NaN for a row that holds NaN or Inf, so that
// they are not lost, and 0 for a row of nothing but zeros.
func int8Scale(x []float32) (inverse, scale float32) {
	top := vec.MaxAbs(x)
	switch {
	case top != top || top > math.MaxFloat32:
		return 0, float32(math.NaN())
	case top < 1e-30:
		return 0, 0
	}
	return 127 / top, top / 127
}

// Rows is k, the width of the inputs that Mul takes.
func (q *QuantizedPacked) Rows() int { return q.k }

// Cols is n, the width of the outputs that Mul writes.
func (q *QuantizedPacked) Cols() int { return q.n }

// Mul computes dst = x·Wᵀ in eight bits for the first rows rows of x and
// finishes each block with ep in floats (nil for none); shapes and mistakes are
// as for [Packed.Mul].
func (q *QuantizedPacked) Mul(dst, x []float32, rows int, ep *Epilogue) {
	q.MulStrided(dst, q.n, x, q.k, rows, ep)
}

// MulStrided is Mul with rows of dst ldd floats apart and rows of x ldx apart.
func (q *QuantizedPacked) MulStrided(dst []float32, ldd int, x []float32, ldx int, rows int, ep *Epilogue) {
	if rows <= 0 {
		return
	}
	checkMul(rows, q.k, q.n, len(dst), ldd, len(x), ldx)
	if ep != nil {
		ep.check(rows, q.n)
	}
	par := int64(rows)*int64(q.k)*int64(q.n) > 2*oneThread && idle() > 1

	// Inputs, rs bytes a row: whole blocks of 32, and not a multiple of 4096.
	rs := (q.k + 31) / 32 * 32 * 4 / q.kn.group
	if rs%1024 == 0 {
		rs += 64
	}
	buf := getScratch(rows + (rows*rs+3)/4)
	defer putScratch(buf)
	scales := (*buf)[:rows]
	input := unsafe.Slice((*byte)(unsafe.Pointer(&(*buf)[rows])), rows*rs)
	const group = 16
	run(par, (rows+group-1)/group, func(t int) {
		for i := t * group; i < min(rows, (t+1)*group); i++ {
			scales[i] = q.quantizeRow(input[i*rs:(i+1)*rs], x[i*ldx:i*ldx+q.k])
		}
	})

	const blockPanels = 8
	high := blockRows
	for par && high > 2*q.kn.mr && (rows+high-1)/high*((q.panels+blockPanels-1)/blockPanels) < 4*idle() {
		high = max(q.kn.mr, high/2/q.kn.mr*q.kn.mr)
	}
	rb := (rows + high - 1) / high
	run(par, rb*((q.panels+blockPanels-1)/blockPanels), func(t int) {
		i0, j0 := t%rb*high, t/rb*blockPanels
		i1, j1 := min(rows, i0+high), min(q.panels, j0+blockPanels)
		q.block(dst, ldd, input, rs, scales, i0, i1, j0, j1)
		if ep != nil {
			ep.apply(dst, ldd, q.n, i0, i1, j0*q.kn.nr, min(q.n, j1*q.kn.nr))
		}
	})
}

// quantizeRow writes one row's integers and returns its scale. What lies behind
// k meets zeros in the panels.
func (q *QuantizedPacked) quantizeRow(dst []byte, x []float32) float32 {
	inverse, scale := int8Scale(x)
	if inverse == 0 { // the integers are all zero
		x = nil
	}
	width := 4 / q.kn.group
	blocks := len(x) / 32
	if blocks > 0 {
		q.kn.quantize(blocks, &dst[0], &x[0], inverse)
	}
	if rest := x[blocks*32:]; len(rest) > 0 {
		var last [32]float32 // on the heap, so only where there is a rest
		copy(last[:], rest)
		q.kn.quantize(1, &dst[blocks*32*width], &last[0], inverse)
		blocks++
	}
	for at := blocks * 32 * width; at+32*width <= len(dst); at += 32 * width {
		q.kn.quantize(1, &dst[at], &zeros32[0], 0)
	}
	return scale
}

var zeros32 [32]float32

// block computes rows i0…i1 of panels j0…j1.
func (q *QuantizedPacked) block(dst []float32, ldd int, input []byte, rs int, scales []float32, i0, i1, j0, j1 int) {
	kn := q.kn
	rows := i1 - i0
	buf := getScratch(2 * rows * kn.nr)
	defer putScratch(buf)
	sums := unsafe.Slice((*int32)(unsafe.Pointer(&(*buf)[0])), rows*kn.nr)
	edge := (*buf)[rows*kn.nr:]
	for j := j0; j < j1; j++ {
		b := &q.data[j*q.steps*kn.group*kn.nr]
		i := 0
		if n := rows / kn.mr; n > 0 {
			kn.tiles(kn.mr, n, q.steps, &input[i0*rs], rs, b, &sums[0])
			i = n * kn.mr
		}
		for _, h := range kn.rest {
			for ; rows-i >= h; i += h {
				kn.tiles(h, 1, q.steps, &input[(i0+i)*rs], rs, b, &sums[i*kn.nr])
			}
		}
		c := j * kn.nr
		if c+kn.nr <= q.n {
			kn.dequantize(rows, &sums[0], &q.zero[c], &q.scales[c], &scales[i0], &dst[i0*ldd+c], ldd)
			continue
		}
		kn.dequantize(rows, &sums[0], &q.zero[c], &q.scales[c], &scales[i0], &edge[0], kn.nr)
		for r := range rows {
			copy(dst[(i0+r)*ldd+c:(i0+r)*ldd+q.n], edge[r*kn.nr:])
		}
	}
}
