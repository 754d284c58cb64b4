package train

import (
	"fmt"
	"math"
	"strings"

	"govle/vle/blas"
	"govle/vle/blas/vec"
	"govle/vle/checkpoint"
)

// AdamW is the optimiser of transformers 4 (Loshchilov and Hutter 2019): eps is
// added to √v before the bias correction, and the decay is applied after the
// update with the plain learning rate. The zero value has the reference's
// settings.
type AdamW struct {
	// Beta1 and Beta2 are 0.9 and 0.98 when 0, Eps 1e-8.
	Beta1 float64 `toml:"beta1" json:"beta1,omitempty"`
	Beta2 float64 `toml:"beta2" json:"beta2,omitempty"`
	Eps   float64 `toml:"eps" json:"eps,omitempty"`
}

func (o AdamW) check() error {
	o = o.defaults()
	if !(o.Beta1 > 0 && o.Beta1 < 1 && o.Beta2 > 0 && o.Beta2 < 1 && o.Eps > 0) {
		return fmt.Errorf("optimiser: betas %g and %g must lie between 0 and 1, eps %g above 0", o.Beta1, o.Beta2, o.Eps)
	}
	return nil
}

func (o AdamW) defaults() AdamW {
	for _, f := range []struct {
		p *float64
		v float64
	}{{&o.Beta1, 0.9}, {&o.Beta2, 0.98}, {&o.Eps, 1e-8}} {
		if *f.p == 0 {
			*f.p = f.v
		}
	}
	return o
}

// Step updates the parameters with their gradients, grads[i] being that of
// params[i] and nil for none; factor is the schedule's. A parameter without a
// gradient keeps its value, decay included.
func (o AdamW) Step(params []*Parameter, grads [][]float32, factor float64) {
	o = o.defaults()
	blas.Parallel(len(params), func(i int) {
		p, g := params[i], grads[i]
		if g == nil || p.Frozen {
			return
		}
		if p.m == nil {
			p.m, p.v = make([]float32, len(p.Value)), make([]float32, len(p.Value))
		}
		p.steps++
		t, lr := float64(p.steps), p.LR*factor
		step := lr * math.Sqrt(1-math.Pow(o.Beta2, t)) / (1 - math.Pow(o.Beta1, t))
		vec.AdamW(p.Value, g, p.m, p.v, float32(o.Beta1), float32(o.Beta2), float32(o.Eps), float32(step), float32(lr*p.Decay))
	})
}

// Norm returns the norm of all gradients together, as gradient clipping takes
// it.
func Norm(grads [][]float32) float64 {
	sum := 0.0
	for _, g := range grads {
		for _, v := range g {
			sum += float64(v) * float64(v)
		}
	}
	return math.Sqrt(sum)
}

// Clip scales the gradients so that their norm is at most limit, and returns
// what it was.
func Clip(grads [][]float32, limit float64) float64 {
	norm := Norm(grads)
	// torch's clip_grad_norm_ adds the small number, too.
	if scale := limit / (norm + 1e-6); scale < 1 {
		for _, g := range grads {
			vec.Scale(g, float32(scale))
		}
	}
	return norm
}

// Moments returns the running means of the gradient and of its square, nil
// before the first update.
func (p *Parameter) Moments() (m, v []float32) { return p.m, p.v }

const (
	firstMoment  = "exp_avg."
	secondMoment = "exp_avg_sq."
)

// moments lists the optimiser's state as tensors.
func moments(params []*Parameter) []checkpoint.Parameter {
	var out []checkpoint.Parameter
	for _, p := range params {
		if p.m != nil {
			out = append(out,
				checkpoint.Parameter{Name: firstMoment + p.Name, Shape: p.Shape, Data: p.m},
				checkpoint.Parameter{Name: secondMoment + p.Name, Shape: p.Shape, Data: p.v})
		}
	}
	return out
}

// setMoments takes the optimiser's state from tensors; steps holds the updates
// of each parameter by name.
func setMoments(params []*Parameter, s *checkpoint.Store, steps map[string]int) error {
	known := map[string]bool{}
	for _, p := range params {
		p.m, p.v, p.steps = nil, nil, steps[p.Name]
		if p.steps == 0 {
			continue
		}
		for prefix, to := range map[string]*[]float32{firstMoment: &p.m, secondMoment: &p.v} {
			known[prefix+p.Name] = true
			data, err := s.Float32(prefix + p.Name)
			if err != nil {
				return err
			}
			if len(data) != len(p.Value) {
				return fmt.Errorf("%s has %d elements, the parameter %d", prefix+p.Name, len(data), len(p.Value))
			}
			*to = append([]float32(nil), data...)
		}
	}
	for _, n := range s.Names() {
		if !known[n] {
			return fmt.Errorf("%s belongs to no parameter of the model", strings.TrimPrefix(strings.TrimPrefix(n, secondMoment), firstMoment))
		}
	}
	return nil
}
