package nn

import "math"

// exp32 is e^x in float32 within 2 ulp: argument reduced by ln 2 in two parts,
// then a polynomial of degree 6 (Cephes expf). Below -87.3 it is 0.
func exp32(x float32) float32 {
	if x < -87.33654 {
		return 0
	}
	if x > 88.72283 {
		return float32(math.Inf(1))
	}
	const (
		log2e = 1.44269504088896341
		ln2Hi = 0.693359375
		ln2Lo = -2.12194440e-4
		round = 1.5 * (1 << 23)
	)
	n := (x*log2e + round) - round
	x -= n * ln2Hi
	x -= n * ln2Lo
	p := float32(1.9875691500e-4)
	p = p*x + 1.3981999507e-3
	p = p*x + 8.3334519073e-3
	p = p*x + 4.1665795894e-2
	p = p*x + 1.6666665459e-1
	p = p*x + 5.0000001201e-1
	p = p*x*x + x + 1
	// Two factors, for n = 128 alone would overflow the exponent.
	h := int32(n) >> 1
	return p * math.Float32frombits(uint32(h+127)<<23) * math.Float32frombits(uint32(int32(n)-h+127)<<23)
}

// erf32 is the error function in float32 within 4e-7: the odd rational
// minimax approximation x·P(x²)/Q(x²) on [-4, 4] that Eigen and XLA use.
func erf32(x float32) float32 {
	x = min(max(x, -4), 4)
	z := x * x
	p := float32(-2.72614225801306e-10)
	p = p*z + 2.77068142495902e-08
	p = p*z - 2.10102402082508e-06
	p = p*z - 5.69250639462346e-05
	p = p*z - 7.34990630326855e-04
	p = p*z - 2.95459980854025e-03
	p = p*z - 1.60960333262415e-02
	q := float32(-1.45660718464996e-05)
	q = q*z - 2.13374055278905e-04
	q = q*z - 1.68282697438203e-03
	q = q*z - 7.37332916720468e-03
	q = q*z - 1.42647390514189e-02
	return x * p / q
}

func sigmoid32(x float32) float32 { return 1 / (1 + exp32(-x)) }

func tanh32(x float32) float32 { return float32(math.Tanh(float64(x))) }
