package train

import (
	"fmt"
	"math"
	"slices"
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
	o.step(params, dense(grads), factor)
}

// piece is how many elements of a parameter are updated at a time, so that
// large parameters are shared among the processors.
const piece = 1 << 15

func (o AdamW) step(params []*Parameter, grads []gradient, factor float64) {
	o = o.defaults()
	type task struct{ param, first, last int } // rows where the gradient has some, else elements
	var tasks []task
	for i, p := range params {
		g := grads[i]
		if g.data == nil || p.Frozen {
			continue
		}
		if p.m == nil {
			p.m, p.v = make([]float32, len(p.Value)), make([]float32, len(p.Value))
		}
		p.noteMoved(g)
		p.steps++
		n, size := len(p.Value), piece
		if g.rows != nil {
			n, size = n/g.width, max(1, piece/g.width)
		}
		for first := 0; first < n; first += size {
			tasks = append(tasks, task{i, first, min(n, first+size)})
		}
	}
	blas.Parallel(len(tasks), func(k int) {
		t := tasks[k]
		p, g := params[t.param], grads[t.param]
		n, lr := float64(p.steps), p.LR*factor
		u := update{
			beta1: float32(o.Beta1), beta2: float32(o.Beta2), eps: float32(o.Eps), decay: float32(lr * p.Decay),
			step: float32(lr * math.Sqrt(1-math.Pow(o.Beta2, n)) / (1 - math.Pow(o.Beta1, n))),
		}
		if g.rows == nil {
			u.elements(p, g.data[t.first:t.last], t.first)
		} else {
			u.rows(p, g, t.first, t.last)
		}
	})
}

// update is the numbers of a parameter's step, as vec.AdamW takes them.
type update struct{ beta1, beta2, eps, step, decay float32 }

// elements updates the elements from first on, whose gradient is g.
func (u update) elements(p *Parameter, g []float32, first int) {
	last := first + len(g)
	vec.AdamW(p.Value[first:last], g, p.m[first:last], p.v[first:last], u.beta1, u.beta2, u.eps, u.step, u.decay)
}

// rows updates rows first to last of a parameter most of whose rows have no
// gradient in this step, as if they had one of zeros. One that never had any has
// no moments either, and only decays.
func (u update) rows(p *Parameter, g gradient, first, last int) {
	w := g.width
	zeros := make([]float32, w)
	at, _ := slices.BinarySearch(g.rows, first)
	for i := first; i < last; i++ {
		switch {
		case at < len(g.rows) && g.rows[at] == i:
			at++
			u.elements(p, g.data[i*w:(i+1)*w], i*w)
		case p.moved[i]:
			u.elements(p, zeros, i*w)
		case u.decay != 0:
			vec.Scale(p.Value[i*w:(i+1)*w], 1-u.decay)
		}
	}
}

// noteMoved keeps account of the rows that ever had a gradient, as far as rows
// come one by one.
func (p *Parameter) noteMoved(g gradient) {
	if g.rows == nil {
		p.moved = nil
		return
	}
	w := g.width
	if p.moved == nil {
		p.moved = make([]bool, len(p.Value)/w)
		for i := range p.moved {
			p.moved[i] = vec.MaxAbs(p.m[i*w:(i+1)*w]) != 0 || vec.MaxAbs(p.v[i*w:(i+1)*w]) != 0
		}
	}
	for _, i := range g.rows {
		p.moved[i] = true
	}
}

// gradient is that of a parameter, nil data for none. Where rows is not nil it
// is zero outside those rows, which are sorted and width elements long.
type gradient struct {
	data  []float32
	rows  []int
	width int
}

func dense(grads [][]float32) []gradient {
	out := make([]gradient, len(grads))
	for i, g := range grads {
		out[i].data = g
	}
	return out
}

// pieces calls f for the parts of the gradients that may not be zero, side by
// side, and returns the sum of what f returns, always in the same order.
func pieces(grads []gradient, f func(part []float32) float64) float64 {
	var parts [][]float32
	for _, g := range grads {
		if g.rows != nil {
			for _, i := range g.rows {
				parts = append(parts, g.data[i*g.width:(i+1)*g.width])
			}
			continue
		}
		for first := 0; first < len(g.data); first += piece {
			parts = append(parts, g.data[first:min(len(g.data), first+piece)])
		}
	}
	const share = 16 // parts of a task
	sums := make([]float64, (len(parts)+share-1)/share)
	blas.Parallel(len(sums), func(k int) {
		for _, part := range parts[k*share : min(len(parts), (k+1)*share)] {
			sums[k] += f(part)
		}
	})
	total := 0.0
	for _, s := range sums {
		total += s
	}
	return total
}

// squares is the sum of the squares, of blocks small enough for float32.
func squares(x []float32) float64 {
	const block = 1024
	sum := 0.0
	for len(x) > 0 {
		n := min(block, len(x))
		sum += float64(vec.Dot(x[:n], x[:n]))
		x = x[n:]
	}
	return sum
}

// Norm returns the norm of all gradients together, as gradient clipping takes
// it.
func Norm(grads [][]float32) float64 { return norm(dense(grads)) }

func norm(grads []gradient) float64 { return math.Sqrt(pieces(grads, squares)) }

// Clip scales the gradients so that their norm is at most limit, and returns
// what it was.
func Clip(grads [][]float32, limit float64) float64 { return clip(dense(grads), limit) }

func clip(grads []gradient, limit float64) float64 {
	norm := norm(grads)
	// torch's clip_grad_norm_ adds the small number, too.
	if scale := limit / (norm + 1e-6); scale < 1 {
		pieces(grads, func(part []float32) float64 {
			vec.Scale(part, float32(scale))
			return 0
		})
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
		p.m, p.v, p.moved, p.steps = nil, nil, nil, steps[p.Name]
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
