package vec

import "math"

// portable computes in float64 and rounds once: slow, and right to half a unit
// in the last place where a function is elementwise.
var portable = routines{
	name: "go",
	add: func(dst, x []float32) {
		for i, v := range x {
			dst[i] += v
		}
	},
	mul: func(dst, x []float32) {
		for i, v := range x {
			dst[i] *= v
		}
	},
	axpy: func(dst []float32, alpha float32, x []float32) {
		for i, v := range x {
			dst[i] += alpha * v
		}
	},
	scale: func(dst []float32, alpha float32) {
		for i := range dst {
			dst[i] *= alpha
		}
	},
	sum: func(x []float32) float32 {
		var s float64
		for _, v := range x {
			s += float64(v)
		}
		return float32(s)
	},
	dot: func(x, y []float32) float32 {
		var s float64
		for i, v := range x {
			s += float64(v) * float64(y[i])
		}
		return float32(s)
	},
	max: func(x []float32) float32 {
		m := float32(math.Inf(-1))
		for _, v := range x {
			if v > m {
				m = v
			}
		}
		return m
	},
	maxAbs: func(x []float32) float32 {
		var m uint32
		for _, v := range x {
			m = max(m, math.Float32bits(v)&^(1<<31)) // NaN is above Inf
		}
		return math.Float32frombits(m)
	},
	exp:     each(math.Exp),
	sigmoid: each(sigmoid64),
	tanh:    each(math.Tanh),
	gelu:    each(gelu64),
	quick:   each(func(x float64) float64 { return x * sigmoid64(quickFactor*x) }),
	expSum: func(dst, x []float32, sub float32) float32 {
		var s float64
		for i, v := range x {
			e := math.Exp(float64(v - sub))
			dst[i] = float32(e)
			s += e
		}
		return float32(s)
	},
	softmaxGrad: func(dx, p, dp []float32, dot float32) {
		for i, v := range p {
			dx[i] = v * (dp[i] - dot)
		}
	},
	tanhGrad: func(dx, y, dy []float32) {
		for i, v := range y {
			dx[i] = dy[i] * (1 - v*v)
		}
	},
	geluGrad:  eachGrad(geluGrad64),
	quickGrad: eachGrad(quickGrad64),
	adam: func(p, g, m, v []float32, beta1, beta2, eps, step, keep float32) {
		for i, x := range g {
			m[i] = beta1*m[i] + (1-beta1)*x
			v[i] = beta2*v[i] + (1-beta2)*(x*x)
			p[i] = (p[i] - step*m[i]/(float32(math.Sqrt(float64(v[i])))+eps)) * keep
		}
	},
	layerNorm:     layerNormGo,
	layerNormGrad: layerNormGradGo,
}

// quickFactor is 1.702 as float32 has it, which is what frameworks multiply by.
const quickFactor = float64(float32(1.702))

func each(f func(float64) float64) func(dst, x []float32) {
	return func(dst, x []float32) {
		for i, v := range x {
			dst[i] = float32(f(float64(v)))
		}
	}
}

func eachGrad(f func(float64) float64) func(dx, x, dy []float32) {
	return func(dx, x, dy []float32) {
		for i, v := range x {
			dx[i] = float32(float64(dy[i]) * f(float64(v)))
		}
	}
}

func sigmoid64(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// phi is Φ(x) without cancellation on the negative side.
func phi(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

func gelu64(x float64) float64 {
	if x < -40 { // Φ is 0; −Inf·0 would be NaN
		return 0
	}
	return x * phi(x)
}

func geluGrad64(x float64) float64 {
	x = min(max(x, -40), 40)
	return phi(x) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
}

func quickGrad64(x float64) float64 {
	s := sigmoid64(quickFactor * x)
	return s * (1 + quickFactor*x*(1-s))
}

func layerNormGo(dst, x, gamma, beta []float32, eps float32) (mean, rstd float32) {
	n := float64(len(x))
	var m, v float64
	for _, a := range x {
		m += float64(a)
	}
	m /= n
	for _, a := range x {
		d := float64(a) - m
		v += d * d
	}
	r := 1 / math.Sqrt(v/n+float64(eps))
	for i, a := range x {
		dst[i] = float32((float64(a)-m)*r)*gamma[i] + beta[i]
	}
	return float32(m), float32(r)
}

func layerNormGradGo(dx, dy, x, gamma []float32, mean, rstd float32, dgamma, dbeta []float32) {
	n := float64(len(x))
	var a, b float64
	for i, g := range dy {
		h := (x[i] - mean) * rstd
		dgamma[i] += g * h
		dbeta[i] += g
		a += float64(g) * float64(gamma[i])
		b += float64(g) * float64(gamma[i]) * float64(h)
	}
	a /= n
	b /= n
	for i, g := range dy {
		h := float64(x[i]-mean) * float64(rstd)
		dx[i] = float32(float64(rstd) * (float64(g)*float64(gamma[i]) - a - h*b))
	}
}
