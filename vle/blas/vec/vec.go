// Package vec holds the elementwise and row routines of a transformer on
// float32 slices, vectorised for AVX2 and AVX-512 where the machine has them and
// in portable Go elsewhere: exp, GELU, layer norm, softmax, their gradients,
// plain arithmetic and the optimiser's step.
//
// For most uses call one function a row: every routine works on one slice on
// the calling goroutine, allocates nothing and takes any length, zero included.
// Slices of one call must have the same length (a panic says so otherwise). A
// destination may be the same slice as an input, element for element, unless a
// function says otherwise; partial overlap is not allowed.
//
// Accuracy is measured by the tests over the whole range against float64: at
// most 2 units in the last place for Exp, Tanh and, from zero up, GELU, QuickGELU
// and Sigmoid; below zero at most 2.5 for Sigmoid, 3 for QuickGELU and 8 for GELU
// (x·(1+erf(x/√2))/2, the usual way, loses all digits there). NaN gives NaN,
// results may be denormal.
package vec

import "fmt"

// routines is one implementation of everything below.
type routines struct {
	name                                      string
	add, mul, exp, sigmoid, tanh, gelu, quick func(dst, x []float32)
	axpy                                      func(dst []float32, alpha float32, x []float32)
	scale                                     func(dst []float32, alpha float32)
	sum, max, maxAbs                          func(x []float32) float32
	dot                                       func(x, y []float32) float32
	expSum                                    func(dst, x []float32, sub float32) float32
	softmaxGrad                               func(dx, p, dp []float32, dot float32)
	tanhGrad, geluGrad, quickGrad             func(dx, x, dy []float32)
	layerNorm                                 func(dst, x, gamma, beta []float32, eps float32) (mean, rstd float32)
	adam                                      func(p, g, m, v []float32, beta1, beta2, eps, step, keep float32)
	layerNormGrad                             func(dx, dy, x, gamma []float32, mean, rstd float32, dgamma, dbeta []float32)
}

// machine is the fastest implementation that this processor can run.
var machine = available()[0]

func same(name string, n int, lens ...int) {
	for _, m := range lens {
		if m != n {
			panic(fmt.Sprintf("vec: %s: slices of %d and %d floats", name, n, m))
		}
	}
}

// Add is dst += x.
func Add(dst, x []float32) {
	same("Add", len(dst), len(x))
	machine.add(dst, x)
}

// Mul is dst *= x, element by element.
func Mul(dst, x []float32) {
	same("Mul", len(dst), len(x))
	machine.mul(dst, x)
}

// Axpy is dst += alpha·x.
func Axpy(dst []float32, alpha float32, x []float32) {
	same("Axpy", len(dst), len(x))
	machine.axpy(dst, alpha, x)
}

// Scale is dst *= alpha.
func Scale(dst []float32, alpha float32) { machine.scale(dst, alpha) }

// Sum is Σx, summed in several parts at once.
func Sum(x []float32) float32 { return machine.sum(x) }

// Dot is Σx·y, summed in several parts at once.
func Dot(x, y []float32) float32 {
	same("Dot", len(x), len(y))
	return machine.dot(x, y)
}

// Max is the largest element of x and −Inf for none. NaN may be passed over.
func Max(x []float32) float32 { return machine.max(x) }

// MaxAbs is the largest |x|, 0 for none, and NaN if any element is NaN.
func MaxAbs(x []float32) float32 { return machine.maxAbs(x) }

// Exp is dst = eˣ.
func Exp(dst, x []float32) {
	same("Exp", len(dst), len(x))
	machine.exp(dst, x)
}

// Sigmoid is dst = 1/(1 + e⁻ˣ).
func Sigmoid(dst, x []float32) {
	same("Sigmoid", len(dst), len(x))
	machine.sigmoid(dst, x)
}

// Tanh is dst = tanh x.
func Tanh(dst, x []float32) {
	same("Tanh", len(dst), len(x))
	machine.tanh(dst, x)
}

// TanhGrad is dx = dy·(1 − y²), where y = tanh x is the forward result.
func TanhGrad(dx, y, dy []float32) {
	same("TanhGrad", len(dx), len(y), len(dy))
	machine.tanhGrad(dx, y, dy)
}

// GELU is dst = x·Φ(x) with the normal distribution function Φ (by erf, not the
// tanh approximation; Hendrycks and Gimpel 2016).
func GELU(dst, x []float32) {
	same("GELU", len(dst), len(x))
	machine.gelu(dst, x)
}

// GELUGrad is dx = dy·(Φ(x) + x·φ(x)), where x is GELU's input.
func GELUGrad(dx, x, dy []float32) {
	same("GELUGrad", len(dx), len(x), len(dy))
	machine.geluGrad(dx, x, dy)
}

// QuickGELU is dst = x·σ(1.702x), CLIP's activation.
func QuickGELU(dst, x []float32) {
	same("QuickGELU", len(dst), len(x))
	machine.quick(dst, x)
}

// QuickGELUGrad is dx = dy·s·(1 + 1.702x·(1 − s)), s = σ(1.702x), where x is
// QuickGELU's input.
func QuickGELUGrad(dx, x, dy []float32) {
	same("QuickGELUGrad", len(dx), len(x), len(dy))
	machine.quickGrad(dx, x, dy)
}

// ExpSum is dst = e^{x−sub} and returns Σdst: the middle of a softmax.
func ExpSum(dst, x []float32, sub float32) float32 {
	same("ExpSum", len(dst), len(x))
	return machine.expSum(dst, x, sub)
}

// Softmax is dst = e^{x−max}/Σe^{x−max} of one row. A row of −Inf alone gives NaN,
// as in torch: mask by adding a large finite negative number.
func Softmax(dst, x []float32) {
	same("Softmax", len(dst), len(x))
	if len(x) == 0 {
		return
	}
	s := machine.expSum(dst, x, machine.max(x))
	machine.scale(dst, 1/s)
}

// SoftmaxGrad is dx = p·(dp − Σp·dp), where p is Softmax's result and dp the
// gradient with respect to it.
func SoftmaxGrad(dx, p, dp []float32) {
	same("SoftmaxGrad", len(dx), len(p), len(dp))
	machine.softmaxGrad(dx, p, dp, machine.dot(p, dp))
}

// LayerNorm is dst = (x − mean)·rstd·gamma + beta of one row, with the mean of x
// and rstd = 1/√(variance + eps), the variance being that of the row (divided by
// n). It returns both for LayerNormGrad. (Ba, Kiros and Hinton 2016.)
func LayerNorm(dst, x, gamma, beta []float32, eps float32) (mean, rstd float32) {
	same("LayerNorm", len(dst), len(x), len(gamma), len(beta))
	if len(x) == 0 {
		return 0, 0
	}
	return machine.layerNorm(dst, x, gamma, beta, eps)
}

// LayerNormGrad writes the gradient of one row's LayerNorm with respect to x
// into dx and adds those of gamma and beta to dgamma and dbeta, which must not
// be any of the other slices. mean and rstd are what LayerNorm returned.
func LayerNormGrad(dx, dy, x, gamma []float32, mean, rstd float32, dgamma, dbeta []float32) {
	same("LayerNormGrad", len(dx), len(dy), len(x), len(gamma), len(dgamma), len(dbeta))
	if len(x) == 0 {
		return
	}
	machine.layerNormGrad(dx, dy, x, gamma, mean, rstd, dgamma, dbeta)
}

// AdamW is one step of the optimiser on parameters p with gradients g and the
// running moments m and v (Kingma and Ba 2015; Loshchilov and Hutter 2019):
//
//	m = beta1·m + (1−beta1)·g
//	v = beta2·v + (1−beta2)·g²
//	p = (p − step·m/(√v + eps))·(1 − decay)
//
// The caller folds the bias corrections of step number t into step and eps:
// lr·√(1−beta2ᵗ)/(1−beta1ᵗ) and eps as it is where eps is added before the
// correction, as in transformers' AdamW; the same step and eps·√(1−beta2ᵗ) where
// it is added after it, as in torch's. decay is lr times the weight decay, and
// comes after the update, as in transformers'.
func AdamW(p, g, m, v []float32, beta1, beta2, eps, step, decay float32) {
	same("AdamW", len(p), len(g), len(m), len(v))
	machine.adam(p, g, m, v, beta1, beta2, eps, step, 1-decay)
}
